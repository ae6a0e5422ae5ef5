use std::sync::Arc;
use std::time::{Duration, Instant};

use groundcrew_telemetry::{Kind, Metrics, MetricsError};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, Opts};
use sqlx::{Database, Pool};

use crate::pools::Pools;

/// The names of the metrics, for dashboards and alerts. Every series has the label `pool`.
pub mod names {
    /// Gauge: connections that are in use.
    pub const ACTIVE: &str = "db_active_connections";
    /// Gauge: open connections, in use and idle.
    pub const SIZE: &str = "db_connection_pool_size";
    /// Gauge: open connections that wait for work.
    pub const IDLE: &str = "db_connection_pool_idle";
    /// Gauge: how many connections the pool may open.
    pub const MAX: &str = "db_connection_pool_max";
    /// Histogram: how long operations waited for a connection, in seconds.
    pub const ACQUIRE_WAIT: &str = "db_acquire_wait_seconds";
    /// Counter: operations that got no connection in time.
    pub const ACQUIRE_TIMEOUTS: &str = "db_acquire_timeouts_total";
    /// Counter: operations on a connection that were cut by their deadline.
    pub const OPERATION_TIMEOUTS: &str = "db_operation_timeouts_total";
    /// Counter: pools that were replaced because none of their connections answered any more.
    pub const REPLACEMENTS: &str = "db_pool_replacements_total";
    /// Histogram with `query_type`: how long queries took that were timed, in seconds.
    pub const QUERY_DURATION: &str = "db_query_duration_seconds";
}

/// Upper bounds of the buckets of [`names::ACQUIRE_WAIT`] and [`names::QUERY_DURATION`], in seconds.
pub const ACQUIRE_BUCKETS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What one pool counts.
#[derive(Debug)]
pub(crate) struct PoolMetrics {
    wait: Histogram,
    timeouts: IntCounter,
    cut: IntCounter,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only pools to Postgres are replaced"))]
    replacements: IntCounter,
    queries: Queries,
}

/// How long timed work on a pool took. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Queries(HistogramVec);

// === impl PoolMetrics ===

impl PoolMetrics {
    /// Registers the metrics of a pool under its name.
    pub(crate) fn register<DB: Database>(
        metrics: &Metrics,
        name: &str,
        pools: &Arc<Pools<DB>>,
    ) -> Result<Self, MetricsError> {
        let gauge = |metric, help, read: fn(&Pool<DB>) -> f64| {
            let pools = Arc::clone(pools);
            metrics.pull(Kind::Gauge, metric, help, &[("pool", name)], move || read(&pools.current()))
        };
        gauge(names::ACTIVE, "Database connections that are in use.", |pool| f64::from(active(pool)))?;
        gauge(names::SIZE, "Open database connections, in use and idle.", |pool| f64::from(pool.size()))?;
        gauge(names::IDLE, "Open database connections that wait for work.", |pool| {
            f64::from(pool.size().saturating_sub(active(pool)))
        })?;
        gauge(names::MAX, "How many database connections the pool may open.", |pool| {
            f64::from(pool.options().get_max_connections())
        })?;
        let histogram = |metric: &str, help: &str| {
            HistogramOpts::new(metric, help).const_label("pool", name).buckets(ACQUIRE_BUCKETS.to_vec())
        };
        let invalid =
            |metric: &'static str| move |source| MetricsError::Invalid { name: metric.to_owned(), source };
        let wait = histogram(names::ACQUIRE_WAIT, "How long operations waited for a database connection.");
        let wait = Histogram::with_opts(wait).map_err(invalid(names::ACQUIRE_WAIT))?;
        let counter = |metric: &'static str, help: &str| {
            let counter = IntCounter::with_opts(Opts::new(metric, help).const_label("pool", name));
            let counter = counter.map_err(invalid(metric))?;
            metrics.register(metric, counter.clone()).map(|()| counter)
        };
        let queries = histogram(names::QUERY_DURATION, "How long timed database queries took.");
        let queries = HistogramVec::new(queries, &["query_type"]).map_err(invalid(names::QUERY_DURATION))?;
        metrics.register(names::ACQUIRE_WAIT, wait.clone())?;
        let help = "Operations that got no database connection in time.";
        let timeouts = counter(names::ACQUIRE_TIMEOUTS, help)?;
        let help = "Operations on a database connection that were cut by their deadline.";
        let cut = counter(names::OPERATION_TIMEOUTS, help)?;
        let help = "Connection pools that were replaced because none of their connections answered any more.";
        let replacements = counter(names::REPLACEMENTS, help)?;
        metrics.register(names::QUERY_DURATION, queries.clone())?;
        Ok(Self { wait, timeouts, cut, replacements, queries: Queries(queries) })
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.wait.observe(time.as_secs_f64());
    }

    pub(crate) fn timed_out(&self) {
        self.timeouts.inc();
    }

    pub(crate) fn cut(&self) {
        self.cut.inc();
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn replaced(&self) {
        self.replacements.inc();
    }

    pub(crate) fn queries(&self) -> Queries {
        self.queries.clone()
    }
}

// === impl Queries ===

impl Queries {
    pub(crate) async fn timed<T>(&self, query_type: &'static str, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = work.await;
        self.0.with_label_values(&[query_type]).observe(started.elapsed().as_secs_f64());
        result
    }
}

/// How many connections of a pool are in use.
pub(crate) fn active<DB: Database>(pool: &Pool<DB>) -> u32 {
    pool.size().saturating_sub(u32::try_from(pool.num_idle()).unwrap_or(u32::MAX))
}
