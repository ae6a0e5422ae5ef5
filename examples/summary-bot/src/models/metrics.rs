//! What models did, counted by the names that the configuration gives them.

use groundcrew::telemetry::prometheus::{Histogram, IntCounter};
use groundcrew::telemetry::{Metrics, MetricsError};

/// The metrics of all models.
#[derive(Debug, Clone)]
pub(crate) struct ModelMetrics {
    /// Answers that were there already.
    pub(crate) hits: IntCounter,
    /// Answers that had to be asked for.
    pub(crate) misses: IntCounter,
    /// Summaries that the offline engine wrote since no model could.
    pub(crate) offline: IntCounter,
    /// Summaries that a budget did not cover.
    pub(crate) budget_refusals: IntCounter,
}

/// The metrics of one model.
#[derive(Debug, Clone)]
pub(crate) struct OneMetrics {
    pub(crate) success: IntCounter,
    pub(crate) error: IntCounter,
    pub(crate) input: IntCounter,
    pub(crate) output: IntCounter,
    pub(crate) cost: IntCounter,
    pub(crate) failed_over: IntCounter,
    pub(crate) repaired: IntCounter,
    pub(crate) dropped_citations: IntCounter,
    pub(crate) dropped_claims: IntCounter,
    pub(crate) duration: Histogram,
}

/// Upper bounds in seconds.
const BUCKETS: &[f64] = &[0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];

// === impl ModelMetrics ===

impl ModelMetrics {
    /// Registers everything, and hands out the metrics of each of these models.
    pub(crate) fn register<'a>(
        metrics: &Metrics,
        models: impl Iterator<Item = &'a str>,
    ) -> Result<(Self, Vec<OneMetrics>), MetricsError> {
        let requests = metrics.counters(
            "openai_requests_total",
            "Requests to language models of whatever provider; the model `none` where none is configured.",
            ["model", "status"],
        )?;
        let tokens = metrics.counters(
            "model_tokens_total",
            "Tokens, as models' servers count them.",
            ["model", "direction"],
        )?;
        let one = |name: &str, help: &str| metrics.counters(name, help, ["model"]);
        let cost = one("model_cost_microdollars_total", "What models cost, in millionths of a dollar.")?;
        let failed_over = one("model_failures_total", "Summaries that this model could not write.")?;
        let repaired =
            one("model_repairs_total", "Answers that were no clean JSON, and were used all the same.")?;
        let citations = one("model_citations_dropped_total", "Citations of messages that there are not.")?;
        let claims = one(
            "model_claims_dropped_total",
            "Claims that were dropped: cited nothing, or not fit to show.",
        )?;
        let duration = metrics.histograms(
            "model_request_duration_seconds",
            "How long a model took for an answer.",
            ["model"],
            BUCKETS,
        )?;
        let models: Vec<OneMetrics> = models
            .map(|model| OneMetrics {
                success: requests.handle([model, "success"]),
                error: requests.handle([model, "error"]),
                input: tokens.handle([model, "input"]),
                output: tokens.handle([model, "output"]),
                cost: cost.handle([model]),
                failed_over: failed_over.handle([model]),
                repaired: repaired.handle([model]),
                dropped_citations: citations.handle([model]),
                dropped_claims: claims.handle([model]),
                duration: duration.handle([model]),
            })
            .collect();
        if models.is_empty() {
            // Dashboards that are built on this name show the truth: nothing was asked.
            requests.handle(["none", "success"]);
            requests.handle(["none", "error"]);
        }
        let answers = metrics.counters(
            "model_answers_total",
            "Answers that were kept from before (`kept`) and those that were asked for (`asked`).",
            ["source"],
        )?;
        let all = Self {
            hits: answers.handle(["kept"]),
            misses: answers.handle(["asked"]),
            offline: metrics.counter(
                "model_fallbacks_total",
                "Summaries that the offline engine wrote since no model could.",
            )?,
            budget_refusals: metrics
                .counter("model_budget_refusals_total", "Summaries that a budget did not cover.")?,
        };
        Ok((all, models))
    }
}
