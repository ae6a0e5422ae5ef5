use std::time::Duration;

/// What the server answers to a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// JSON by the schema that was asked for, which cites given messages.
    Good,
    /// The same within a Markdown fence.
    Fenced,
    /// The same with words before and after it.
    Trailing,
    /// The same, but it cites messages that nobody gave.
    Invented,
    /// Half of it, and the reason `length`, whatever room was given.
    Truncated,
    /// Half of it where fewer than so many tokens were allowed; else good.
    TruncatedBelow(u64),
    /// A heading and points in Markdown, each with the id of a message in brackets.
    Markdown,
    /// Sentences and nothing else.
    FreeText,
    /// Letters that mean nothing.
    Nonsense,
    /// Nothing at all, properly.
    Empty,
    /// Exactly this.
    Text(String),
    /// Good, after a pause.
    After(Duration),
    /// Good, as soon as this server was asked so often in all: whoever asks one by one waits for ever.
    Asked(u64),
    /// Never anything; the connection stays open.
    Silence,
    /// Good, but a few bytes at a time with this pause between them.
    Drip(Duration),
    /// A body that ends in its middle.
    Cut,
    /// Half of a stream, and then nothing more; the connection stays open. Good where no stream is asked for.
    Stalled,
    /// Half of a stream of Markdown, and then a proper end of the body, without a word that it is over. Markdown where
    /// no stream is asked for.
    Ended,
    /// Good, but a stream of it lacks its last event, which says no more than that it is over.
    Unended,
    /// Half of a stream, and then an event that says that something went wrong. Good where no stream is asked for.
    Broken,
    /// 429 with `Retry-After`.
    RateLimited(Duration),
    /// 429 of an account whose money is gone: asking again does not help.
    OutOfMoney,
    /// This status of 500 or more.
    Failed(u16),
    /// 401.
    Unauthorized,
    /// 404: no such model.
    Unknown,
    /// 400: the prompt is longer than the model's context.
    TooLong,
    /// 400: the provider's filter does not like what is said in the prompt.
    Flagged,
    /// An answer of 200 that is no JSON.
    Garbage,
}

// === impl Reply ===

impl Reply {
    /// The reply of a name, as the program and `PUT /script` take it: `good`, `fenced`, `failed:503`,
    /// `rate-limited:2`, `after:0.5`, `text:…`. Times are seconds.
    pub fn of_name(name: &str) -> Option<Self> {
        let (name, value) = name.split_once(':').map_or((name, ""), |(name, value)| (name, value));
        let seconds = || value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Some(match name {
            "good" => Self::Good,
            "fenced" => Self::Fenced,
            "trailing" => Self::Trailing,
            "invented" => Self::Invented,
            "truncated" => Self::Truncated,
            "truncated-below" => Self::TruncatedBelow(value.parse().ok()?),
            "markdown" => Self::Markdown,
            "free-text" => Self::FreeText,
            "nonsense" => Self::Nonsense,
            "empty" => Self::Empty,
            "text" => Self::Text(value.to_owned()),
            "after" => Self::After(seconds()?),
            "asked" => Self::Asked(value.parse().ok()?),
            "silence" => Self::Silence,
            "drip" => Self::Drip(seconds()?),
            "cut" => Self::Cut,
            "stalled" => Self::Stalled,
            "ended" => Self::Ended,
            "unended" => Self::Unended,
            "broken" => Self::Broken,
            "rate-limited" => Self::RateLimited(seconds()?),
            "out-of-money" => Self::OutOfMoney,
            "failed" => Self::Failed(value.parse().ok().filter(|status| (500..600).contains(status))?),
            "unauthorized" => Self::Unauthorized,
            "unknown" => Self::Unknown,
            "too-long" => Self::TooLong,
            "flagged" => Self::Flagged,
            "garbage" => Self::Garbage,
            _ => return None,
        })
    }
}
