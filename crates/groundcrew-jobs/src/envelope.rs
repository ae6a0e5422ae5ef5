use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Priority;

/// How many failures a job remembers.
const HISTORY: usize = 20;
/// How many bytes of a cause are kept.
const CAUSE: usize = 2_000;

/// Which job; unique in time and over all processes, and sorted by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

/// A job as backends keep and carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Which job.
    pub id: JobId,
    /// [`Job::NAME`](crate::Job::NAME).
    pub name: String,
    /// [`Job::VERSION`](crate::Job::VERSION) of the payload.
    pub version: u32,
    /// The job as JSON.
    pub payload: String,
    /// Which of two goes first.
    pub priority: Priority,
    /// Jobs of one name with the same key run one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it is unique by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// How many attempts have failed.
    #[serde(default)]
    pub attempts: u32,
    /// How many may fail.
    pub max_attempts: u32,
    /// How many deliveries in a row had no outcome: the process died, or lost the database for too long.
    #[serde(default)]
    pub crashes: u32,
    /// The last failures, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Failure>,
    /// The `traceparent` of whoever enqueued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What an earlier attempt saved, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// What a job is unique by, among jobs of its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    /// The key.
    pub key: String,
    /// For how long after it was enqueued, even when it is over; `None`: while it is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
}

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its number, from 1.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// How.
    pub kind: FailureKind,
    /// Why, in words.
    pub cause: String,
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// It returned an error.
    Error,
    /// It said that no further attempt would help.
    Fail,
    /// It panicked.
    Panic,
    /// It took longer than its policy allows.
    Timeout,
    /// Its payload does not read as the job.
    Payload,
    /// Its process died, again and again.
    Crash,
}

/// When a job may run for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once.
    #[default]
    Now,
    /// After a time.
    In(Duration),
    /// Not before an instant.
    At(Timestamp),
}

/// A job on its way into a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// The job.
    pub envelope: Envelope,
    /// When it may run.
    #[serde(default)]
    pub when: When,
}

// === impl JobId ===

impl JobId {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }

    /// As a UUID.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl From<Uuid> for JobId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

// === impl Envelope ===

impl Envelope {
    /// Adds a failure; the oldest goes when there are too many.
    pub(crate) fn remember(&mut self, mut failure: Failure) {
        let mut end = failure.cause.len().min(CAUSE);
        while !failure.cause.is_char_boundary(end) {
            end -= 1;
        }
        failure.cause.truncate(end);
        if self.history.len() >= HISTORY {
            self.history.drain(..=self.history.len() - HISTORY);
        }
        self.history.push(failure);
    }
}

// === impl FailureKind ===

impl FailureKind {
    /// As it stands in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Error => "error",
            FailureKind::Fail => "fail",
            FailureKind::Panic => "panic",
            FailureKind::Timeout => "timeout",
            FailureKind::Payload => "payload",
            FailureKind::Crash => "crash",
        }
    }
}
