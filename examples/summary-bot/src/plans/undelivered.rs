use std::time::Duration;

/// Why something could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Undelivered {
    pub(crate) words: String,
    /// Trying again does not help.
    pub(crate) for_good: bool,
    /// The receiver said when to try again.
    pub(crate) after: Option<Duration>,
}

// === impl Undelivered ===

impl Undelivered {
    pub(crate) fn for_good(words: impl Into<String>) -> Self {
        Self { words: words.into(), for_good: true, after: None }
    }

    pub(crate) fn for_now(words: impl Into<String>) -> Self {
        Self { words: words.into(), for_good: false, after: None }
    }
}
