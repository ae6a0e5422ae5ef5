use jiff::Timestamp;
use uuid::Uuid;

use super::Post;
use crate::document::Document;

/// How the last run of a schedule went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) summary: Option<Uuid>,
    /// Why there was no summary, or where it could not be sent.
    pub(crate) error: Option<String>,
    /// How many runs in a row have failed.
    pub(crate) failures: i64,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Summarised,
    /// Nobody had said enough: no failure.
    Quiet,
    Failed,
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) documents: Vec<Document>,
    /// What is to be sent.
    pub(crate) posts: Vec<Post>,
    /// Why there is no summary.
    pub(crate) problem: Option<String>,
}

// === impl Outcome ===

impl Outcome {
    const ALL: [Self; 3] = [Self::Summarised, Self::Quiet, Self::Failed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Summarised => "summarised",
            Self::Quiet => "quiet",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}
