use std::fmt;

/// Why a service goes down.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A signal such as `SIGTERM`.
    Signal(&'static str),
    /// Somebody asked for it from inside, in these words.
    Requested(String),
    /// A critical task ended before the shutdown.
    TaskEnded {
        /// Its name.
        task: String,
        /// Its error or panic; `None` when it simply returned.
        error: Option<String>,
    },
    /// `start` returned an error or panicked.
    StartFailed(String),
}

impl Reason {
    /// Whether the process should end with a non-zero exit code.
    pub fn is_failure(&self) -> bool {
        matches!(self, Reason::TaskEnded { .. } | Reason::StartFailed(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Signal(signal) => f.write_str(signal),
            Reason::Requested(words) => f.write_str(words),
            Reason::TaskEnded { task, error: Some(error) } => write!(f, "critical task {task}: {error}"),
            Reason::TaskEnded { task, error: None } => write!(f, "critical task {task} returned"),
            Reason::StartFailed(error) => write!(f, "start failed: {error}"),
        }
    }
}
