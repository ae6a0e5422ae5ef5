use groundcrew_telemetry::{Metrics, MetricsError};
use prometheus::{IntCounter, IntCounterVec, Opts};

use crate::Decision;

/// The names of the metrics, for dashboards and alerts. Every series has the label `limiter`.
pub mod names {
    /// Counter with `decision` (`allowed`, `refused`): tries that were decided upon.
    pub const DECISIONS: &str = "rate_limit_decisions_total";
    /// Counter with `cause` (`failed`, `timeout`): calls that the shared store did not answer.
    pub const STORE_ERRORS: &str = "rate_limit_store_errors_total";
    /// Counter: decisions made in this process because the shared store could not.
    pub const FALLBACKS: &str = "rate_limit_fallbacks_total";
}

/// What one limiter counts.
#[derive(Debug)]
pub(crate) struct LimiterMetrics {
    allowed: IntCounter,
    refused: IntCounter,
    pub(crate) failed: IntCounter,
    pub(crate) timeout: IntCounter,
    pub(crate) fallbacks: IntCounter,
}

// === impl LimiterMetrics ===

impl LimiterMetrics {
    pub(crate) fn register(metrics: &Metrics, limiter: &str) -> Result<Self, MetricsError> {
        let family = |name: &'static str, help: &str, labels: &[&str]| {
            let invalid = |source| MetricsError::Invalid { name: name.to_owned(), source };
            let opts = Opts::new(name, help).const_label("limiter", limiter);
            let family = IntCounterVec::new(opts, labels).map_err(invalid)?;
            metrics.register(name, family.clone())?;
            Ok(family)
        };
        let decisions = family(names::DECISIONS, "Tries that a rate limit was asked about.", &["decision"])?;
        let errors =
            family(names::STORE_ERRORS, "Calls that the store of a rate limit did not answer.", &["cause"])?;
        let fallbacks =
            family(names::FALLBACKS, "Decisions made in process because the store could not.", &[])?;
        Ok(Self {
            allowed: decisions.with_label_values(&["allowed"]),
            refused: decisions.with_label_values(&["refused"]),
            failed: errors.with_label_values(&["failed"]),
            timeout: errors.with_label_values(&["timeout"]),
            fallbacks: fallbacks.with_label_values::<&str>(&[]),
        })
    }

    pub(crate) fn decided(&self, decision: &Decision) {
        if decision.allowed { self.allowed.inc() } else { self.refused.inc() }
    }
}
