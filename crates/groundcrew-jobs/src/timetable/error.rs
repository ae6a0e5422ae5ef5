use std::time::Duration;

use groundcrew_sql::sqlx;
use groundcrew_telemetry::MetricsError;

use super::PlanId;
use crate::EnqueueError;

/// Why there is no timetable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimetableError {
    /// There is nothing that plans could be kept in.
    #[error(
        "plans are kept in a database, and these jobs have none: connect jobs with one (`connect`, `connect_beside`, \
         `connect_through`)"
    )]
    NoDatabase,
    /// There is a timetable in this service already.
    #[error("the metrics of the timetable cannot be registered: open one timetable per service")]
    Metrics(#[from] MetricsError),
    /// Nobody can be chosen to keep it.
    #[error("the timetable has no lease")]
    Lease(#[from] groundcrew_lease::LeaseError),
}

/// Why something could not be done with a plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is none.
    #[error("there is no plan {id}")]
    Missing {
        /// Which one was meant.
        id: PlanId,
    },
    /// The owner has another one of this name.
    #[error("`{owner}` has a plan `{name}` already: give this one another name")]
    NameTaken {
        /// The owner.
        owner: String,
        /// The name.
        name: String,
    },
    /// The owner has as many as may be.
    #[error("`{owner}` has {most} plans, and more are not allowed (timetable.per_owner): delete one first")]
    TooMany {
        /// The owner.
        owner: String,
        /// How many there may be.
        most: u32,
    },
    /// It would fill the queue.
    #[error("`{timing}` comes more often than every {least:?} (timetable.least_pause)")]
    TooOften {
        /// The timing.
        timing: String,
        /// The shortest pause that is allowed.
        least: Duration,
    },
    /// Nothing would ever happen.
    #[error("`{timing}` does not come any more")]
    NeverComes {
        /// The timing.
        timing: String,
    },
    /// A name or an owner that is none.
    #[error("the {what} of a plan cannot be this: {problem}")]
    Text {
        /// `name` or `owner`.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The job is too large for a plan.
    #[error("the job `{job}` has {bytes} bytes, and a plan keeps 65536: keep large things in a store")]
    TooLarge {
        /// The job's name.
        job: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The job does not read with the field `planned`, which each job of a plan has.
    #[error("the job `{job}` cannot be planned: give it a field `planned: Option<Planned>`")]
    NoRoom {
        /// The job's name.
        job: &'static str,
        /// What serde said.
        source: serde_json::Error,
    },
    /// A newer version of the service has written it.
    #[error("{0}; a newer version of the service may have written it")]
    Unreadable(String),
    /// The job cannot be enqueued.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database failed.
    #[error("the database that has the timetable failed")]
    Database(#[from] sqlx::Error),
}
