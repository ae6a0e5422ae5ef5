use std::sync::Arc;

use groundcrew_telemetry::{Metrics, MetricsError};
use prometheus::IntCounter;

/// The names of the metrics, for dashboards and alerts.
pub mod names {
    /// Counter with `kind` (`token`, `key`, `session`, `local`, `none`) and `outcome` (`allowed`, `refused`,
    /// `forbidden`, `unavailable`): what became of those who asked.
    pub const DECISIONS: &str = "auth_decisions_total";
}

/// What somebody showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Token,
    Key,
    Session,
    Local,
    Nothing,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allowed,
    Refused,
    Forbidden,
    Unavailable,
}

/// What is counted.
#[derive(Debug, Clone)]
pub(crate) struct AuthMetrics {
    decisions: Arc<[[IntCounter; 4]; 5]>,
}

const SHOWN: [&str; 5] = ["token", "key", "session", "local", "none"];
const OUTCOMES: [&str; 4] = ["allowed", "refused", "forbidden", "unavailable"];

// === impl AuthMetrics ===

impl AuthMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let help = "What became of those who asked.";
        let family = metrics.counters(names::DECISIONS, help, ["kind", "outcome"])?;
        let decisions = SHOWN.map(|shown| OUTCOMES.map(|outcome| family.handle([shown, outcome])));
        Ok(Self { decisions: Arc::new(decisions) })
    }

    pub(crate) fn count(&self, shown: Shown, outcome: Outcome) {
        self.decisions[shown as usize][outcome as usize].inc();
    }
}
