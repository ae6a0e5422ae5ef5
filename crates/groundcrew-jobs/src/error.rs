use std::time::Duration;

use crate::BackendError;

/// Why jobs cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The tables of jobs could not be made or brought up to date.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("the tables of groundcrew-jobs cannot be prepared")]
    Migrations(#[from] groundcrew_sql::MigrationsError),
    /// There are jobs in this service already.
    #[error("the metrics of jobs cannot be registered: connect jobs once per service")]
    Metrics(#[from] groundcrew_telemetry::MetricsError),
    /// The configuration cannot work.
    #[error("jobs.{setting} is {value}, but {problem}")]
    Config {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The backend did not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why a job was not enqueued, as far as is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// The job is no JSON.
    #[error("the job `{name}` cannot be written as JSON")]
    Payload {
        /// The job's name.
        name: &'static str,
        /// What serde said.
        source: serde_json::Error,
    },
    /// The job is too large.
    #[error(
        "the job `{name}` has {bytes} bytes, and {max} are allowed: keep large things in a store, and their ids \
         in the job",
        max = crate::MAX_PAYLOAD
    )]
    TooLarge {
        /// The job's name.
        name: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The backend failed or refused.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// No answer in time: the job may be there or not. Enqueue it again if it is idempotent.
    #[error(
        "no answer within {within:?} (jobs.enqueue_timeout, or what the request had left): the job may be \
         enqueued or not"
    )]
    Unknown {
        /// How long we waited.
        within: Duration,
    },
    /// The service has shut down.
    #[error("the service has shut down and takes no more jobs")]
    Closed,
    /// The transaction belongs to another database than the jobs.
    #[error("the transaction is in {transaction}, but jobs go through {jobs}: begin it on that database")]
    Foreign {
        /// Where the transaction is.
        transaction: &'static str,
        /// Where the jobs are.
        jobs: &'static str,
    },
}
