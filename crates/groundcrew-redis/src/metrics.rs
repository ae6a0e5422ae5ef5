use std::time::Duration;

use groundcrew_telemetry::{Kind, Metrics, MetricsError};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts};

use crate::ending::Ending;

/// The names of the metrics, for dashboards and alerts. Every series has the label `pool`.
pub mod names {
    /// Counter with `operation` and `status`: commands and pipelines, by how they ended.
    pub const OPERATIONS: &str = "redis_operations_total";
    /// Gauge: connections of the pool that are in use.
    pub const ACTIVE: &str = "redis_active_connections";
    /// Gauge: open connections of the pool, in use and idle.
    pub const SIZE: &str = "redis_connection_pool_size";
    /// Gauge: open connections of the pool that wait for work.
    pub const IDLE: &str = "redis_connection_pool_idle";
    /// Gauge: how many connections the pool may open.
    pub const MAX: &str = "redis_connection_pool_max";
    /// Gauge: shared connections that are open.
    pub const SHARED: &str = "redis_shared_connections";
    /// Histogram: how long operations waited for a connection of the pool, in seconds.
    pub const ACQUIRE_WAIT: &str = "redis_acquire_wait_seconds";
    /// Counter: operations that got no connection of the pool in time.
    pub const ACQUIRE_TIMEOUTS: &str = "redis_acquire_timeouts_total";
}

/// The values of `status` in [`names::OPERATIONS`]: answered; refused by Redis; no answer in time; no connection.
pub const STATUSES: [&str; 4] = ["ok", "error", "timeout", "unavailable"];

/// Upper bounds of the buckets of [`names::ACQUIRE_WAIT`], in seconds.
pub const ACQUIRE_BUCKETS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What one handle counts.
#[derive(Debug, Clone)]
pub(crate) struct RedisMetrics {
    operations: IntCounterVec,
    wait: Histogram,
    timeouts: IntCounter,
}

/// The counters of one kind of operation, looked up once.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    by_status: [IntCounter; STATUSES.len()],
}

// === impl RedisMetrics ===

impl RedisMetrics {
    pub(crate) fn register(metrics: &Metrics, name: &str) -> Result<Self, MetricsError> {
        let invalid =
            |metric: &'static str| move |source| MetricsError::Invalid { name: metric.to_owned(), source };
        let opts = |metric: &str, help: &str| Opts::new(metric, help).const_label("pool", name);
        let operations = opts(names::OPERATIONS, "Commands and pipelines sent to Redis, by how they ended.");
        let operations =
            IntCounterVec::new(operations, &["operation", "status"]).map_err(invalid(names::OPERATIONS))?;
        let wait = HistogramOpts::new(names::ACQUIRE_WAIT, "How long operations waited for a connection.")
            .const_label("pool", name)
            .buckets(ACQUIRE_BUCKETS.to_vec());
        let wait = Histogram::with_opts(wait).map_err(invalid(names::ACQUIRE_WAIT))?;
        let timeouts = opts(names::ACQUIRE_TIMEOUTS, "Operations that got no connection in time.");
        let timeouts = IntCounter::with_opts(timeouts).map_err(invalid(names::ACQUIRE_TIMEOUTS))?;
        metrics.register(names::OPERATIONS, operations.clone())?;
        metrics.register(names::ACQUIRE_WAIT, wait.clone())?;
        metrics.register(names::ACQUIRE_TIMEOUTS, timeouts.clone())?;
        Ok(Self { operations, wait, timeouts })
    }

    /// Shows a number that is read whenever metrics are scraped.
    pub(crate) fn gauge(
        metrics: &Metrics,
        name: &str,
        (metric, help): (&str, &str),
        read: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        metrics.pull(Kind::Gauge, metric, help, &[("pool", name)], move || read() as f64)
    }

    /// The counters of an operation; `name` is a word from the source code.
    pub(crate) fn operation(&self, name: &'static str) -> Operation {
        Operation { by_status: STATUSES.map(|status| self.operations.with_label_values(&[name, status])) }
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.wait.observe(time.as_secs_f64());
    }

    pub(crate) fn timed_out(&self) {
        self.timeouts.inc();
    }
}

// === impl Operation ===

impl Operation {
    pub(crate) fn count(&self, ending: Ending) {
        let [ok, error, timeout, unavailable] = &self.by_status;
        match ending {
            Ending::Answered => ok,
            Ending::Refused | Ending::Demoted => error,
            Ending::Silent => timeout,
            Ending::Lost => unavailable,
        }
        .inc();
    }
}
