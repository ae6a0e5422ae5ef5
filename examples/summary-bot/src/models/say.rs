//! What is asked of a model and what it says, whatever the protocol; and each way in which it does not.

use std::time::Duration;

use groundcrew::client::{ClientError, Limit};

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The instructions.
    pub(crate) system: String,
    /// The data.
    pub(crate) user: String,
    /// How many tokens the answer may have.
    pub(crate) room: u64,
    pub(crate) temperature: Option<f32>,
    /// Whether the answer is to be JSON; else Markdown.
    pub(crate) json: bool,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// The server said why it ends. What ends without that may be half of it.
    pub(crate) finished: bool,
    /// It ends because there was no more room.
    pub(crate) cut: bool,
    /// The provider did not let it through.
    pub(crate) withheld: bool,
    /// Tokens, as the server counted them.
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
}

/// Why there is no answer, or none that is of use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// The provider wants fewer requests.
    #[error("the provider limits how often it may be asked")]
    RateLimited { retry_after: Option<Duration> },
    /// The provider's account is empty.
    #[error("the provider's account has no money left")]
    OutOfMoney,
    #[error("no answer in time")]
    Timeout,
    /// The server is not there, broken, or left alone.
    #[error("{0}")]
    Unavailable(String),
    /// The server refuses the key, the model or the request.
    #[error("the server refused the request with status {status}: {words}")]
    Refused { status: u16, words: String },
    /// The server says that the prompt does not fit.
    #[error("the prompt is longer than the model takes")]
    TooLong,
    /// The answer does not fit into the room that there is.
    #[error("the answer was cut off twice, for want of tokens")]
    Truncated,
    /// Nothing could be made of the answer.
    #[error("{0}")]
    Useless(&'static str),
    /// The conversation has more tokens than may be sent.
    #[error("the conversation has about {tokens} tokens, and {limit} may be sent")]
    TooMuch { tokens: u64, limit: u64 },
    /// Our own budget.
    #[error("{0}")]
    BudgetSpent(String),
}

// === impl Failure ===

impl Failure {
    /// The stable code for it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "API_RATE_LIMIT",
            Self::Timeout => "API_TIMEOUT",
            Self::OutOfMoney | Self::BudgetSpent(_) => "QUOTA_EXCEEDED",
            Self::TooLong => "PROMPT_TOO_LONG",
            Self::Truncated | Self::TooMuch { .. } => "TOKEN_LIMIT_EXCEEDED",
            Self::Unavailable(_) | Self::Refused { .. } | Self::Useless(_) => "MODEL_UNAVAILABLE",
        }
    }

    /// Whether the provider may have done, and so charges for, what it did not begin to answer.
    pub(crate) fn may_be_charged(&self) -> bool {
        matches!(self, Self::Timeout)
            || matches!(self, Self::Unavailable(words) if words.ends_with(BROKE_OFF))
    }

    /// The answer ended before its end.
    pub(crate) fn broken_off(host: &str) -> Self {
        Self::Unavailable(format!("the answer of {host} {BROKE_OFF}"))
    }

    /// What an answer of this status means. `kind` is what the body says of it, in its own words.
    pub(crate) fn of_status(status: u16, kind: &str, words: &str, retry_after: Option<Duration>) -> Self {
        let says = |what: &[&str]| {
            let (kind, words) = (kind.to_lowercase(), words.to_lowercase());
            what.iter().any(|what| kind.contains(what) || words.contains(what))
        };
        match status {
            402 => Self::OutOfMoney,
            429 if says(&["insufficient_quota", "billing", "credit balance"]) => Self::OutOfMoney,
            429 => Self::RateLimited { retry_after },
            408 | 504 => Self::Timeout,
            413 => Self::TooLong,
            400 | 422
                if says(&[
                    "context_length",
                    "context length",
                    "too long",
                    "too many tokens",
                    "context size",
                ]) =>
            {
                Self::TooLong
            }
            400 if says(&["credit balance"]) => Self::OutOfMoney,
            500.. => Self::Unavailable(format!("the server answered {status}")),
            _ => Self::Refused { status, words: shortened(words) },
        }
    }
}

const BROKE_OFF: &str = "broke off";

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            // Nothing was sent: it is as if nobody were there.
            ClientError::Timeout { limit: Limit::Connect, .. } => Self::Unavailable(error.to_string()),
            ClientError::Timeout { .. } => Self::Timeout,
            ClientError::RateLimited { retry_in, .. } => Self::RateLimited { retry_after: Some(*retry_in) },
            ClientError::Interrupted { host, .. } => Self::broken_off(host),
            ClientError::Json { .. } => Self::Useless("the server's answer is not what it should be"),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// A server's words are shown in logs only, and not at length.
fn shortened(words: &str) -> String {
    let line: String = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    line[..line.floor_char_boundary(200)].to_owned()
}
