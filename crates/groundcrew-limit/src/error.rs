use groundcrew_telemetry::MetricsError;

use crate::QuotaError;

/// A limiter could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Its quota cannot be kept.
    #[error("the rate limit `{limiter}` cannot be kept")]
    Quota {
        /// The limiter's name.
        limiter: String,
        /// What is wrong with the quota.
        #[source]
        source: QuotaError,
    },
    /// Its metrics could not be registered: most likely there is a limiter of that name already.
    #[error("the rate limit `{limiter}` is not shown in the metrics; each limiter needs a name of its own")]
    Metrics {
        /// The limiter's name.
        limiter: String,
        /// What the registry says.
        #[source]
        source: MetricsError,
    },
}
