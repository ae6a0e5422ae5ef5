use std::sync::Arc;

use groundcrew_telemetry::{Kind, Metrics, MetricsError};
use prometheus::{IntCounter, IntCounterVec, Opts};

use crate::lease::Standing;

/// The names of the metrics, for dashboards and alerts. Every series has the label `lease`.
pub mod names {
    /// Gauge: whether this process leads (1) or not (0).
    pub const IS_LEADER: &str = "lease_is_leader";
    /// Counter with `transition` (`gained`, `released`, `lost`): how the leadership of this process changed.
    pub const TRANSITIONS: &str = "lease_transitions_total";
}

/// What one lease counts.
#[derive(Debug)]
pub(crate) struct LeaseMetrics {
    pub(crate) gained: IntCounter,
    pub(crate) released: IntCounter,
    pub(crate) lost: IntCounter,
}

// === impl LeaseMetrics ===

impl LeaseMetrics {
    pub(crate) fn register(
        metrics: &Metrics,
        lease: &str,
        standing: &Arc<Standing>,
    ) -> Result<Self, MetricsError> {
        let standing = standing.clone();
        let help = "Whether this process leads (1) or not (0).";
        let read = move || f64::from(u8::from(standing.is_leader()));
        metrics.pull(Kind::Gauge, names::IS_LEADER, help, &[("lease", lease)], read)?;
        let invalid = |source| MetricsError::Invalid { name: names::TRANSITIONS.to_owned(), source };
        let opts = Opts::new(names::TRANSITIONS, "How the leadership of this process changed.");
        let family =
            IntCounterVec::new(opts.const_label("lease", lease), &["transition"]).map_err(invalid)?;
        metrics.register(names::TRANSITIONS, family.clone())?;
        let of = |transition| family.with_label_values(&[transition]);
        Ok(Self { gained: of("gained"), released: of("released"), lost: of("lost") })
    }
}
