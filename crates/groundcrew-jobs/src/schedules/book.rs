use std::collections::HashMap;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::error::Trouble;
use crate::Enqueue;

/// Where is written down up to where each schedule is done.
#[derive(Debug)]
pub(super) enum Book {
    /// In this process.
    Memory(Mutex<Marks>),
    /// In the database, in one transaction with the jobs.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    Database(super::sql::SqlBook),
}

/// What is written down, by the names of schedules.
pub(super) type Marks = HashMap<String, Mark>;

/// What is written down about one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// What it was when this was written.
    pub(super) expression: String,
    /// Up to here all is done.
    pub(super) last: Timestamp,
    /// The last moment for which a job was enqueued.
    pub(super) fired: Option<Timestamp>,
}

/// A schedule moves on.
pub(super) struct Step<'a> {
    pub(super) name: &'a str,
    pub(super) from: &'a Mark,
    pub(super) to: Mark,
    pub(super) jobs: Vec<Enqueue>,
}

// === impl Book ===

impl Book {
    pub(super) fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// All marks of the service.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(clippy::unused_async, reason = "a database is waited for")
    )]
    pub(super) async fn marks(&self) -> Result<Marks, Trouble> {
        match self {
            Self::Memory(marks) => Ok(marks.lock().clone()),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            Self::Database(book) => book.marks().await,
        }
    }

    /// Gives a schedule that is new, or has another expression than before, a mark: what comes after `now` is due.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(clippy::unused_async, reason = "a database is waited for")
    )]
    pub(super) async fn begin(&self, name: &str, expression: &str, now: Timestamp) -> Result<(), Trouble> {
        match self {
            Self::Memory(marks) => {
                let mark = Mark { expression: expression.to_owned(), last: now, fired: None };
                marks.lock().insert(name.to_owned(), mark);
                Ok(())
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            Self::Database(book) => book.begin(name, expression, now).await,
        }
    }

    /// Enqueues the jobs and moves the mark: both or neither. `false` and neither when another replica has moved it.
    pub(super) async fn step(&self, step: Step<'_>) -> Result<bool, Trouble> {
        match self {
            Self::Memory(marks) => {
                if marks.lock().get(step.name) != Some(step.from) {
                    return Ok(false);
                }
                for job in step.jobs {
                    job.submit().await?;
                }
                marks.lock().insert(step.name.to_owned(), step.to);
                Ok(true)
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            Self::Database(book) => book.step(step).await,
        }
    }
}
