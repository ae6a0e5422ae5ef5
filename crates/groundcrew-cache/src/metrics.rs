use groundcrew_telemetry::{DURATION_BUCKETS, Kind, Metrics, MetricsError};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts};

/// The names of the metrics, for dashboards and alerts. Every series has the label `cache`.
pub mod names {
    /// Counter with `outcome`: calls, by where the answer came from.
    pub const REQUESTS: &str = "cache_requests_total";
    /// Histogram: how long loads took, in seconds.
    pub const LOAD_DURATION: &str = "cache_load_duration_seconds";
    /// Counter: loads that failed, panicked or took too long.
    pub const LOAD_FAILURES: &str = "cache_load_failures_total";
    /// Counter: what the shared store refused or did not answer in time.
    pub const STORE_ERRORS: &str = "cache_store_errors_total";
    /// Gauge: values in this process's memory.
    pub const ENTRIES: &str = "cache_entries";
}

/// Where an answer came from: the label `outcome` of [`names::REQUESTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A fresh value.
    Hit,
    /// A value that is being renewed.
    Stale,
    /// A load.
    Miss,
    /// It is remembered that there is nothing.
    Negative,
    /// Without the shared store, which does not answer: from memory that it was time to check, or from a load.
    Bypass,
}

/// What one cache counts.
#[derive(Debug)]
pub(crate) struct CacheMetrics {
    requests: [IntCounter; 5],
    pub(crate) load: Histogram,
    pub(crate) load_failures: IntCounter,
    pub(crate) store_errors: IntCounter,
}

// === impl CacheMetrics ===

impl CacheMetrics {
    pub(crate) fn register(
        metrics: &Metrics,
        cache: &str,
        entries: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let invalid =
            |name: &'static str| move |source| MetricsError::Invalid { name: name.to_owned(), source };
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("cache", cache);
        let counter = |name: &'static str, help: &str| {
            let counter = IntCounter::with_opts(opts(name, help)).map_err(invalid(name))?;
            metrics.register(name, counter.clone())?;
            Ok::<_, MetricsError>(counter)
        };
        let requests = opts(names::REQUESTS, "Calls of the cache, by where the answer came from.");
        let requests = IntCounterVec::new(requests, &["outcome"]).map_err(invalid(names::REQUESTS))?;
        metrics.register(names::REQUESTS, requests.clone())?;
        let load = HistogramOpts::new(names::LOAD_DURATION, "How long loads for the cache took.")
            .const_label("cache", cache)
            .buckets(DURATION_BUCKETS.to_vec());
        let load = Histogram::with_opts(load).map_err(invalid(names::LOAD_DURATION))?;
        metrics.register(names::LOAD_DURATION, load.clone())?;
        let help = "Values in this process's memory.";
        metrics.pull(Kind::Gauge, names::ENTRIES, help, &[("cache", cache)], move || entries() as f64)?;
        Ok(Self {
            requests: ["hit", "stale", "miss", "negative", "bypass"]
                .map(|outcome| requests.with_label_values(&[outcome])),
            load,
            load_failures: counter(names::LOAD_FAILURES, "Loads that failed, panicked or took too long.")?,
            store_errors: counter(names::STORE_ERRORS, "What the shared store refused or did not answer.")?,
        })
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        let [hit, stale, miss, negative, bypass] = &self.requests;
        match outcome {
            Outcome::Hit => hit,
            Outcome::Stale => stale,
            Outcome::Miss => miss,
            Outcome::Negative => negative,
            Outcome::Bypass => bypass,
        }
        .inc();
    }
}
