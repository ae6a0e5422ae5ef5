use std::time::Duration;

use groundcrew_telemetry::MetricsError;

/// A lease could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// One heartbeat that is late would end a term.
    #[error(
        "lease.heartbeat is {heartbeat:?} with a lease.deadline of {deadline:?}: neither it nor lease.retry may be \
         zero, and two heartbeats must fit into the deadline"
    )]
    Hasty {
        /// The configured heartbeat.
        heartbeat: Duration,
        /// The configured deadline.
        deadline: Duration,
    },
    /// The server would end sessions of leaders that are well.
    #[error(
        "lease.session_timeout is {session_timeout:?} with a lease.deadline of {deadline:?}: it must be at least \
         twice as long"
    )]
    ShortSession {
        /// The configured timeout.
        session_timeout: Duration,
        /// The configured deadline.
        deadline: Duration,
    },
    /// A leader would lead beside its successor, or give up after one renewal that is late.
    #[cfg(feature = "kubernetes")]
    #[error(
        "a Lease of Kubernetes with duration {duration:?}, renew_deadline {renew_deadline:?} and retry {retry:?} \
         cannot work: two of retry, which is not zero, must fit into renew_deadline, and duration must be at least a \
         quarter longer than that"
    )]
    Order {
        /// The configured duration.
        duration: Duration,
        /// The configured deadline.
        renew_deadline: Duration,
        /// The configured pause.
        retry: Duration,
    },
    /// Nothing says where the API server is, or how to speak with it.
    #[cfg(feature = "kubernetes")]
    #[error("the lease `{lease}` cannot be kept in Kubernetes: {problem}")]
    Kubernetes {
        /// The lease's name.
        lease: String,
        /// What is missing, and what to do.
        problem: String,
    },
    /// Its metrics could not be registered: most likely there is a lease of that name already.
    #[error(
        "the lease `{lease}` is not shown in the metrics; each lease of a process needs a name of its own"
    )]
    Metrics {
        /// The lease's name.
        lease: String,
        /// What the registry says.
        #[source]
        source: MetricsError,
    },
}

/// Why nobody could be asked about a lease; in words, since it ends in a log line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Trouble(pub(crate) String);

impl Trouble {
    pub(crate) fn new(words: impl std::fmt::Display) -> Self {
        Self(words.to_string())
    }
}
