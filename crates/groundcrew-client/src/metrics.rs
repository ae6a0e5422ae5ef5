use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_telemetry::{Kind, Metrics, MetricsError};
use parking_lot::Mutex;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};
use tokio::sync::Semaphore;

/// The names of the metrics, for dashboards and alerts. Every series has the label `client`.
pub mod names {
    /// Counter with `host` and `outcome`: calls, by how they ended.
    pub const REQUESTS: &str = "http_client_requests_total";
    /// Histogram with `host`: how long calls took until the head of the answer, retries included, in seconds.
    pub const DURATION: &str = "http_client_request_duration_seconds";
    /// Counter with `host`: attempts that were made again.
    pub const RETRIES: &str = "http_client_retries_total";
    /// Counter with `host`: retries that were not made because the budget was spent.
    pub const RETRIES_REFUSED: &str = "http_client_retries_refused_total";
    /// Counter with `host`: answers whose body broke off, stalled or was too long.
    pub const BODY_FAILURES: &str = "http_client_body_failures_total";
    /// Gauge with `host`: 0 while it is asked, 1 while one call tries it, 2 while it is left alone.
    pub const BREAKER: &str = "http_client_breaker_state";
    /// Gauge: calls under way, answers that are being read included.
    pub const IN_FLIGHT: &str = "http_client_in_flight";
}

/// The values of `outcome` in [`names::REQUESTS`].
pub const OUTCOMES: [&str; 11] = [
    "ok",
    "client_error",
    "rate_limited",
    "server_error",
    "connect",
    "timeout",
    "interrupted",
    "refused",
    "blocked",
    "invalid",
    "cancelled",
];

/// Upper bounds of the buckets of [`names::DURATION`], in seconds.
pub const DURATION_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The label of hosts beyond the bound.
const OTHER: &str = "other";

/// How a call ended; see [`OUTCOMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    ClientError,
    RateLimited,
    ServerError,
    Connect,
    Timeout,
    Interrupted,
    Refused,
    Blocked,
    Invalid,
    Cancelled,
}

/// What one client counts.
#[derive(Debug)]
pub(crate) struct ClientMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    retries: IntCounterVec,
    retries_refused: IntCounterVec,
    body_failures: IntCounterVec,
    breaker: IntGaugeVec,
    labels: Mutex<HashSet<Box<str>>>,
    max_hosts: usize,
}

/// What is counted of one host.
#[derive(Debug)]
pub(crate) struct HostMetrics {
    requests: IntCounterVec,
    label: Box<str>,
    duration: Histogram,
    retries: IntCounter,
    retries_refused: IntCounter,
    body_failures: IntCounter,
    /// None for hosts that share a label.
    breaker: Option<IntGauge>,
}

// === impl ClientMetrics ===

impl ClientMetrics {
    pub(crate) fn register(metrics: &Metrics, client: &str, max_hosts: u32) -> Result<Self, MetricsError> {
        let invalid =
            |metric: &'static str| move |source| MetricsError::Invalid { name: metric.to_owned(), source };
        let opts = |metric: &str, help: &str| Opts::new(metric, help).const_label("client", client);
        let counter = |metric: &'static str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(opts(metric, help), labels).map_err(invalid(metric))?;
            metrics.register(metric, counter.clone()).map(|()| counter)
        };
        let requests =
            counter(names::REQUESTS, "Calls to other services, by how they ended.", &["host", "outcome"])?;
        let help = "Attempts of calls to other services that were made again.";
        let retries = counter(names::RETRIES, help, &["host"])?;
        let help = "Retries that were not made because their budget was spent.";
        let retries_refused = counter(names::RETRIES_REFUSED, help, &["host"])?;
        let help = "Answers of other services whose body broke off, stalled or was too long.";
        let body_failures = counter(names::BODY_FAILURES, help, &["host"])?;
        let help = "How long calls to other services took until the head of the answer.";
        let duration = HistogramOpts::new(names::DURATION, help)
            .const_label("client", client)
            .buckets(DURATION_BUCKETS.to_vec());
        let duration = HistogramVec::new(duration, &["host"]).map_err(invalid(names::DURATION))?;
        metrics.register(names::DURATION, duration.clone())?;
        let help = "0 while a host is asked, 1 while one call tries it, 2 while it is left alone.";
        let breaker =
            IntGaugeVec::new(opts(names::BREAKER, help), &["host"]).map_err(invalid(names::BREAKER))?;
        metrics.register(names::BREAKER, breaker.clone())?;
        let (labels, max_hosts) = (Mutex::default(), max_hosts as usize);
        Ok(Self { requests, duration, retries, retries_refused, body_failures, breaker, labels, max_hosts })
    }

    /// Shows how many of the places are taken.
    pub(crate) fn in_flight(
        metrics: &Metrics,
        client: &str,
        places: Arc<Semaphore>,
        all: usize,
    ) -> Result<(), MetricsError> {
        let help = "Calls to other services that are under way.";
        metrics.pull(Kind::Gauge, names::IN_FLIGHT, help, &[("client", client)], move || {
            all.saturating_sub(places.available_permits()) as f64
        })
    }

    pub(crate) fn host(&self, name: &str) -> HostMetrics {
        let label = self.label(name);
        HostMetrics {
            requests: self.requests.clone(),
            duration: self.duration.with_label_values(&[label]),
            retries: self.retries.with_label_values(&[label]),
            retries_refused: self.retries_refused.with_label_values(&[label]),
            body_failures: self.body_failures.with_label_values(&[label]),
            breaker: (label != OTHER).then(|| self.breaker.with_label_values(&[label])),
            label: label.into(),
        }
    }

    /// A label once given stays given: a host that comes back continues its series.
    fn label<'a>(&self, name: &'a str) -> &'a str {
        let mut labels = self.labels.lock();
        if labels.contains(name) {
            return name;
        }
        if labels.len() >= self.max_hosts {
            return OTHER;
        }
        labels.insert(name.into());
        name
    }
}

// === impl HostMetrics ===

impl HostMetrics {
    pub(crate) fn ended(&self, outcome: Outcome, took: Duration) {
        self.requests.with_label_values(&[&self.label, OUTCOMES[outcome as usize]]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    pub(crate) fn retry_refused(&self) {
        self.retries_refused.inc();
    }

    pub(crate) fn body_failed(&self) {
        self.body_failures.inc();
    }

    pub(crate) fn breaker(&self, level: i64) {
        if let Some(gauge) = &self.breaker {
            gauge.set(level);
        }
    }

    /// Nothing is known of the host any more, so that it would be asked.
    pub(crate) fn forgotten(&self) {
        self.breaker(0);
    }
}
