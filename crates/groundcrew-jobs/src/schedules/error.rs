use groundcrew_telemetry::MetricsError;

use crate::BackendError;

/// Why schedules cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulesError {
    /// There are schedules in this service already.
    #[error("the metrics of schedules cannot be registered: run one set of schedules per service")]
    Metrics(#[from] MetricsError),
    /// The backend can never keep the jobs of a schedule, as RabbitMQ those with a key.
    #[error("the jobs of the schedule `{name}` cannot be enqueued: {problem}")]
    Refused {
        /// The schedule.
        name: &'static str,
        /// What the backend says.
        problem: BackendError,
    },
    /// The table of schedules could not be made.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("the tables of groundcrew-jobs cannot be prepared")]
    Migrations(#[from] groundcrew_sql::MigrationsError),
    /// Nobody can be chosen to keep them.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("schedules have no lease")]
    Lease(#[from] groundcrew_lease::LeaseError),
}

/// Why something could not be done now, in words, since it ends in a log line and in `/ready`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Trouble(String);

// === impl Trouble ===

impl Trouble {
    pub(super) fn new(words: impl std::fmt::Display) -> Self {
        Self(words.to_string())
    }
}

impl From<crate::EnqueueError> for Trouble {
    fn from(error: crate::EnqueueError) -> Self {
        Self::new(error)
    }
}
