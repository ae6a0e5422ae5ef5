//! The metrics that the deployment document names, registered once.

use groundcrew::telemetry::prometheus::{IntCounter, IntGauge};
use groundcrew::telemetry::{Metrics, MetricsError, Timer};

/// Upper bounds in seconds; dashboards count on them.
pub const GENERATION_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The bot's own metrics, besides those that every service has.
#[derive(Debug, Clone)]
pub(crate) struct BotMetrics {
    /// `summary_generation_duration_seconds`.
    pub(crate) generation: Timer,
    /// `message_processing_queue_size`.
    pub(crate) queue: IntGauge,
    /// `summaries_in_progress`.
    pub(crate) in_progress: IntGauge,
    requests: Vec<(&'static str, Outcomes)>,
}

/// The two values of the label `status`.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    pub(crate) success: IntCounter,
    pub(crate) error: IntCounter,
}

/// What a request to the API may want, by the names that the OpenAPI document uses.
pub(crate) const OPERATIONS: &[&str] = &[
    "create_summary",
    "list_summaries",
    "get_summary",
    "delete_summary",
    "get_job",
    "cancel_job",
    "follow_job",
    "create_schedule",
    "list_schedules",
    "get_schedule",
    "update_schedule",
    "delete_schedule",
    "pause_schedule",
    "resume_schedule",
    "run_schedule",
    "summarize",
    "summarize_channel",
    "feed_all",
    "feed_channel",
    "get_settings",
    "change_settings",
    "reset_settings",
    "get_usage",
    "create_webhook",
    "list_webhooks",
    "get_webhook",
    "delete_webhook",
    "rotate_webhook",
    "enable_webhook",
    "list_deliveries",
    "replay_delivery",
];

// === impl BotMetrics ===

impl BotMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let generation = metrics.histogram(
            "summary_generation_duration_seconds",
            "How long a summary took, from its turn to the end.",
            GENERATION_BUCKETS,
        )?;
        let queue = metrics.gauge(
            "message_processing_queue_size",
            "Conversations that were accepted and wait for their turn.",
        )?;
        let in_progress = metrics.gauge("summaries_in_progress", "Summaries that are being made.")?;
        let requests = metrics.counters(
            "webhook_requests_total",
            "Requests to the API, by operation; `error` is every answer from 400 on.",
            ["endpoint", "status"],
        )?;
        let counters = |operation: &&'static str| {
            let count = |status| requests.handle([*operation, status]);
            (*operation, Outcomes { success: count("success"), error: count("error") })
        };
        let requests = OPERATIONS.iter().map(counters).collect();
        Ok(Self { generation: generation.into(), queue, in_progress, requests })
    }

    /// The counters of an operation; `None` for one that there is not.
    pub(crate) fn requests(&self, operation: &str) -> Option<Outcomes> {
        self.requests.iter().find(|(name, _)| *name == operation).map(|(_, outcomes)| outcomes.clone())
    }
}
