//! Values that are asked for when metrics are scraped.

use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};

/// Whether a value only rises, or goes up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises while the process lives; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// One value that is asked for when metrics are scraped.
pub(crate) struct Pull<F> {
    kind: Kind,
    opts: Opts,
    desc: Desc,
    read: F,
}

// === impl Pull ===

impl<F: Fn() -> f64 + Send + Sync> Pull<F> {
    pub(crate) fn try_new(kind: Kind, opts: Opts, read: F) -> prometheus::Result<Self> {
        let desc = opts.describe()?;
        Ok(Self { kind, opts, desc, read })
    }
}

impl<F: Fn() -> f64 + Send + Sync> Collector for Pull<F> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        sample(self.kind, &self.opts, (self.read)())
    }
}

/// One value as the registry wants it.
pub(crate) fn sample(kind: Kind, opts: &Opts, value: f64) -> Vec<MetricFamily> {
    match kind {
        Kind::Counter => Counter::with_opts(opts.clone()).map(|counter| {
            counter.inc_by(value.max(0.0));
            counter.collect()
        }),
        Kind::Gauge => Gauge::with_opts(opts.clone()).map(|gauge| {
            gauge.set(value);
            gauge.collect()
        }),
    }
    .unwrap_or_default()
}
