//! The metrics of one service: a registry of its own, a bounded number of series, text to be scraped.

mod budget;
mod family;
#[cfg(target_os = "linux")]
mod process;
mod pull;
mod rate;
mod runtime;
mod track;

pub use family::{CounterFamily, Family, GaugeFamily, HistogramFamily, Member};
pub use pull::Kind;
pub use rate::RateGauge;
pub use track::{Timer, track_performance, track_time};

use crate::config::MetricsConfig;
use crate::log::LogHandle;
use budget::Budget;
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, TextEncoder};
use pull::Pull;
use std::collections::HashMap;
use std::sync::Arc;

/// Buckets for durations from a millisecond to a minute, in seconds.
pub const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The metrics of one service. Clones share everything.
///
/// Every series carries the label `service`, so no family may have a label of that name.
///
/// ```
/// use groundcrew_telemetry::Metrics;
///
/// let metrics = Metrics::new("hello", "1.0.0");
/// let requests = metrics.counters("http_requests_total", "Requests answered.", ["method", "status"])?;
/// let ok = requests.handle(["GET", "200"]); // kept by the route, not looked up per request
/// ok.inc();
/// assert!(metrics.encode().contains(r#"http_requests_total{method="GET",status="200",service="hello"} 1"#));
/// # Ok::<(), groundcrew_telemetry::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    budget: Arc<Budget>,
    enabled: bool,
}

/// What `build_info` says about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    service: String,
    version: String,
    revision: String,
}

/// A metric could not be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The name is taken, by a metric with the same labels or with others.
    #[error("the metric `{name}` is registered already")]
    Taken {
        /// The metric's name.
        name: String,
    },
    /// A label is given twice, or is `service` or `le`, which are set elsewhere.
    #[error("the metric `{name}` cannot have the label `{label}`: it is reserved, or there twice")]
    Label {
        /// The metric's name.
        name: String,
        /// The label's name.
        label: String,
    },
    /// The name, a label's name, the help or the buckets are not as Prometheus wants them.
    #[error("the metric `{name}` is not valid")]
    Invalid {
        /// The metric's name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: prometheus::Error,
    },
}

// === impl Build ===

impl Build {
    /// A build of `service` at `version`. The revision is what the variable `GROUNDCREW_REVISION` said when
    /// this crate was compiled, or `unknown`.
    pub fn new(service: impl Into<String>, version: impl Into<String>) -> Self {
        let revision = option_env!("GROUNDCREW_REVISION").unwrap_or("unknown").into();
        Self { service: service.into(), version: version.into(), revision }
    }

    /// Sets the revision in version control that was built.
    pub fn with_revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }
}

// === impl Metrics ===

impl Metrics {
    /// What [`encode`](Self::encode) writes, for the header `content-type`.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Metrics with the default configuration; see [`with`](Self::with).
    pub fn new(service: impl Into<String>, version: impl Into<String>) -> Self {
        Self::with(&Build::new(service, version), &MetricsConfig::default())
    }

    /// Metrics of a build: from the start `build_info`, and on Linux those of the process.
    pub fn with(build: &Build, config: &MetricsConfig) -> Self {
        let labels = HashMap::from([("service".to_owned(), build.service.clone())]);
        // Only an empty prefix would be an error, and there is none.
        let registry = Registry::new_custom(None, Some(labels)).unwrap_or_default();
        let metrics =
            Self { registry, budget: Arc::new(Budget::new(config.series_limit)), enabled: config.enabled };
        metrics.register_own(build).expect("the registry is empty and these names are valid");
        metrics
    }

    /// Whether the metrics are to be offered to scrapers. They are counted either way.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// A counter without labels.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.single(name, IntCounter::with_opts(Opts::new(name, help)))
    }

    /// A gauge without labels.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.single(name, IntGauge::with_opts(Opts::new(name, help)))
    }

    /// A histogram without labels. The upper bounds of the buckets must rise; `+Inf` is added.
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, MetricsError> {
        self.single(name, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    /// A counter for each set of values of `labels`.
    pub fn counters<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
    ) -> Result<CounterFamily<N>, MetricsError> {
        self.family(name, help, labels, &[])
    }

    /// A gauge for each set of values of `labels`.
    pub fn gauges<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
    ) -> Result<GaugeFamily<N>, MetricsError> {
        self.family(name, help, labels, &[])
    }

    /// A histogram for each set of values of `labels`. The upper bounds of the buckets must rise.
    pub fn histograms<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        buckets: &[f64],
    ) -> Result<HistogramFamily<N>, MetricsError> {
        self.family(name, help, labels, buckets)
    }

    /// A gauge of how often something happened per second, over the last ten seconds.
    pub fn rate(&self, name: &str, help: &str) -> Result<RateGauge, MetricsError> {
        let rate = RateGauge::new();
        let read = rate.clone();
        self.pull(Kind::Gauge, name, help, &[], move || read.per_second())?;
        Ok(rate)
    }

    /// A value that is asked for whenever metrics are scraped. `read` must be quick and must not block.
    ///
    /// The same name may be given again with other values of the same labels.
    pub fn pull(
        &self,
        kind: Kind,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let names: Vec<_> = labels.iter().map(|(label, _)| *label).collect();
        check_labels(name, &names)?;
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let pull = Pull::try_new(kind, Opts::new(name, help).const_labels(labels), read);
        self.register(name, pull.map_err(|source| invalid(name, source))?)
    }

    /// Registers any collector of the `prometheus` crate; `name` is for the error only.
    pub fn register(&self, name: &str, collector: impl Collector + 'static) -> Result<(), MetricsError> {
        self.registry.register(Box::new(collector)).map_err(|error| match error {
            prometheus::Error::AlreadyReg => MetricsError::Taken { name: name.to_owned() },
            source => invalid(name, source),
        })
    }

    /// Shows a tokio runtime: its workers, tasks, queue and busy time.
    pub fn watch_runtime(&self, runtime: &tokio::runtime::Handle) -> Result<(), MetricsError> {
        runtime::watch(self, runtime)
    }

    /// Shows how many log lines were written and dropped.
    pub fn watch_log(&self, log: &LogHandle) -> Result<(), MetricsError> {
        let (written, dropped) = (log.clone(), log.clone());
        self.pull(
            Kind::Counter,
            "log_lines_written_total",
            "Log lines that reached their output.",
            &[],
            move || written.written() as f64,
        )?;
        self.pull(Kind::Counter, "log_lines_dropped_total", "Log lines that were dropped.", &[], move || {
            dropped.dropped() as f64
        })
    }

    /// All metrics as text, format 0.0.4 of Prometheus, to be sent as [`CONTENT_TYPE`](Self::CONTENT_TYPE).
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // It fails for a family without metrics, and `gather` leaves those out.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }

    fn single<M>(&self, name: &str, metric: prometheus::Result<M>) -> Result<M, MetricsError>
    where
        M: Collector + Clone + 'static,
    {
        let metric = metric.map_err(|source| invalid(name, source))?;
        self.register(name, metric.clone())?;
        Ok(metric)
    }

    fn family<M: Member, const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        buckets: &[f64],
    ) -> Result<Family<M, N>, MetricsError> {
        check_labels(name, &labels)?;
        let family = Family::try_new(name, help, labels, buckets, Arc::clone(&self.budget));
        let family = family.map_err(|source| invalid(name, source))?;
        self.register(name, family.clone())?;
        Ok(family)
    }

    fn register_own(&self, build: &Build) -> Result<(), MetricsError> {
        let labels = [
            ("version", build.version.as_str()),
            ("revision", build.revision.as_str()),
            ("rustc", env!("GROUNDCREW_RUSTC")),
        ];
        self.pull(Kind::Gauge, "build_info", "What is running; always 1.", &labels, || 1.0)?;
        self.register(Budget::NAME, Arc::clone(&self.budget).overflow_counter())?;
        #[cfg(target_os = "linux")]
        self.register("process", process::Process::new())?;
        Ok(())
    }
}

fn check_labels(name: &str, labels: &[&str]) -> Result<(), MetricsError> {
    let is_bad = |at: usize, label: &str| matches!(label, "service" | "le") || labels[..at].contains(&label);
    match labels.iter().enumerate().find(|(at, label)| is_bad(*at, label)) {
        Some((_, label)) => Err(MetricsError::Label { name: name.to_owned(), label: (*label).to_owned() }),
        None => Ok(()),
    }
}

fn invalid(name: &str, source: prometheus::Error) -> MetricsError {
    MetricsError::Invalid { name: name.to_owned(), source }
}

#[cfg(test)]
#[path = "metrics/tests.rs"]
mod tests;
