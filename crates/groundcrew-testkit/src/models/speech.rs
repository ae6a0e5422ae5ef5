//! What the model says, and how either protocol carries it.

use serde_json::json;

use super::connection::{Pace, Sending};
use super::desk::Desk;
use super::fill::Filler;
use super::said::{self, Given};
use super::{Asked, Reply, anthropic, openai};

/// What the model says.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    /// It ends because there was no more room.
    pub(super) cut: bool,
    pub(super) input_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    OpenAi,
    Anthropic,
}

pub(super) fn answer(protocol: Protocol, asked: &Asked, reply: &Reply, desk: &Desk) -> Sending {
    let refuse = |status, kind: &str, code: &str, words: &str| refusal(protocol, status, kind, code, words);
    match reply {
        Reply::RateLimited(pause) => {
            let mut sending = refuse(429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached.");
            sending.retry_after = Some(pause.as_secs_f64().ceil().to_string());
            return sending;
        }
        Reply::OutOfMoney => {
            let words = "You exceeded your current quota, please check your plan and billing details.";
            return refuse(429, "insufficient_quota", "insufficient_quota", words);
        }
        Reply::Failed(status) => {
            return refuse(*status, "api_error", "server_error", "The server had an error.");
        }
        Reply::Unauthorized => {
            let words = "Incorrect API key provided.";
            return refuse(401, "authentication_error", "invalid_api_key", words);
        }
        Reply::Unknown => {
            return refuse(404, "not_found_error", "model_not_found", "There is no such model.");
        }
        Reply::TooLong => {
            let words = "This model's maximum context length is exceeded: the prompt is too long.";
            return refuse(400, "invalid_request_error", "context_length_exceeded", words);
        }
        Reply::Flagged => {
            let words = "Invalid prompt: your prompt was flagged as potentially violating our usage policy.";
            return refuse(400, "invalid_request_error", "invalid_prompt", words);
        }
        Reply::Garbage => return Sending::json(200, "<html>a proxy's page</html>".to_owned()),
        _ => {}
    }
    let output = speak(asked, reply);
    desk.spent(output.input_tokens, said::tokens(&output.text));
    let stream = asked.body["stream"] == json!(true);
    let mut parts = match (protocol, stream) {
        (Protocol::OpenAi, true) => openai::events(&asked.body, &output),
        (Protocol::OpenAi, false) => vec![openai::whole(&asked.body, &output)],
        (Protocol::Anthropic, true) => anthropic::events(&asked.body, &output),
        (Protocol::Anthropic, false) => vec![anthropic::whole(&asked.body, &output)],
    };
    if stream && matches!(reply, Reply::Stalled | Reply::Ended | Reply::Broken) {
        parts.truncate(parts.len() / 2);
    }
    if stream && *reply == Reply::Broken {
        parts.push(failed(protocol));
    }
    if stream && *reply == Reply::Unended {
        parts.pop();
    }
    let content_type = if stream { "text/event-stream" } else { "application/json" };
    let pace = match reply {
        Reply::Drip(pause) => Pace::Drip(*pause),
        Reply::Cut => Pace::Half,
        Reply::Stalled if stream => Pace::Stall,
        _ => Pace::AtOnce,
    };
    Sending { status: 200, retry_after: None, content_type, parts, pace }
}

pub(super) fn refusal(protocol: Protocol, status: u16, kind: &str, code: &str, words: &str) -> Sending {
    Sending::json(
        status,
        match protocol {
            Protocol::OpenAi => openai::error(kind, code, words),
            Protocol::Anthropic => anthropic::error(kind, words),
        },
    )
}

/// The event of a stream in which something went wrong.
fn failed(protocol: Protocol) -> String {
    let words = "The server had an error while it answered.";
    match protocol {
        Protocol::OpenAi => format!("data: {}\n\n", openai::error("server_error", "server_error", words)),
        Protocol::Anthropic => format!("event: error\ndata: {}\n\n", anthropic::error("api_error", words)),
    }
}

/// What the model says to a prompt.
fn speak(asked: &Asked, reply: &Reply) -> Output {
    let prompt = asked.prompt();
    let given = said::given(&prompt);
    let schema = said::schema(&asked.body, &prompt);
    let good = |invent| match &schema {
        Some(schema) => Filler::new(&given, invent).fill(schema).to_string(),
        None => markdown(&given),
    };
    let half = |text: String| text[..text.floor_char_boundary(text.len() / 2)].to_owned();
    let short = |least: &u64| openai::room(&asked.body).is_some_and(|room| room < *least);
    let (text, cut) = match reply {
        Reply::Fenced => (format!("```json\n{}\n```", good(false)), false),
        Reply::Trailing => (format!("Here is the summary:\n{}\nI hope that this helps!", good(false)), false),
        Reply::Invented => (good(true), false),
        Reply::Truncated => (half(good(false)), true),
        Reply::TruncatedBelow(least) if short(least) => (half(good(false)), true),
        Reply::Markdown | Reply::Ended => (markdown(&given), false),
        Reply::FreeText => (free(&given), false),
        Reply::Nonsense => ("qwrt ]]}{ zzgh 0x0 {\"k\": ".to_owned(), false),
        Reply::Empty => (String::new(), false),
        Reply::Text(text) => (text.clone(), false),
        _ => (good(false), false),
    };
    Output { text, cut, input_tokens: said::tokens(&prompt) }
}

fn markdown(given: &[Given]) -> String {
    let points = given.iter().take(4).map(|it| format!("- {} [{}]\n", it.text.replace('\n', " "), it.id));
    format!("## Summary\n\n{}", points.collect::<String>())
}

fn free(given: &[Given]) -> String {
    given.iter().take(4).map(|it| it.text.replace('\n', " ")).collect::<Vec<_>>().join(" ")
}

// === impl Output ===

impl Output {
    /// What it says, some letters at a time.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.text.as_str();
        std::iter::from_fn(move || {
            let (piece, more) = rest.split_at(rest.ceil_char_boundary(rest.len().min(24)));
            rest = more;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
