//! Metrics of one name that differ in their labels, bounded in number.

use super::budget::Budget;
use prometheus::core::{Collector, Desc, Metric};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Opts};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The value of every label once the budget is spent.
const OVERFLOW: &str = "overflow";

/// Counters that differ in the values of `N` labels.
pub type CounterFamily<const N: usize> = Family<IntCounter, N>;
/// Gauges that differ in the values of `N` labels.
pub type GaugeFamily<const N: usize> = Family<IntGauge, N>;
/// Histograms that differ in the values of `N` labels.
pub type HistogramFamily<const N: usize> = Family<Histogram, N>;

/// Metrics of one name that differ in the values of `N` labels. Clones share everything.
///
/// A new set of values takes one out of the service's budget of series. When that is spent, further sets
/// share one series whose labels all say `overflow`, and `metrics_series_overflow_total{metric}` counts how
/// often that happened.
#[derive(Debug)]
pub struct Family<M, const N: usize> {
    shared: Arc<Shared<M, N>>,
}

/// A kind of metric that a family can have.
pub trait Member: Metric + Collector + Clone + 'static {
    /// A metric of this kind. Only a histogram looks at the buckets.
    fn try_new(opts: Opts, buckets: &[f64]) -> prometheus::Result<Self>;
}

#[derive(Debug)]
struct Shared<M, const N: usize> {
    name: String,
    help: String,
    labels: [String; N],
    buckets: Vec<f64>,
    desc: Desc,
    budget: Arc<Budget>,
    overflow: IntCounter,
    members: RwLock<HashMap<[Box<str>; N], M>>,
    /// Registered nowhere: for what cannot happen, a member that is refused after the family was accepted.
    nowhere: M,
}

// === impl Family ===

impl<M, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M: Member, const N: usize> Family<M, N> {
    pub(crate) fn try_new(
        name: &str,
        help: &str,
        labels: [&str; N],
        buckets: &[f64],
        budget: Arc<Budget>,
    ) -> prometheus::Result<Self> {
        let labels = labels.map(str::to_owned);
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels.to_vec(), HashMap::new())?;
        let nowhere = M::try_new(Opts::new(name, help), buckets)?;
        let overflow = budget.overflow_of(name);
        let (name, help, buckets) = (name.to_owned(), help.to_owned(), buckets.to_vec());
        let members = RwLock::default();
        Ok(Self {
            shared: Arc::new(Shared {
                name,
                help,
                labels,
                buckets,
                desc,
                budget,
                overflow,
                members,
                nowhere,
            }),
        })
    }

    /// The metric for these values, in the order of the labels; made if it is new.
    ///
    /// It costs a lock and a hash: keep the handle where it is used often. It stays the same metric.
    pub fn handle(&self, values: [&str; N]) -> M {
        let shared = &*self.shared;
        let key = values.map(Box::from);
        if let Some(known) = shared.members.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let mut members = shared.members.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = members.get(&key) {
            return known.clone();
        }
        if N == 0 || shared.budget.claim() {
            return members.entry(key).or_insert_with(|| shared.member(values)).clone();
        }
        shared.overflow.inc();
        let everything_else = [OVERFLOW; N];
        members
            .entry(everything_else.map(Box::from))
            .or_insert_with(|| shared.member(everything_else))
            .clone()
    }
}

impl<M: Member, const N: usize> Shared<M, N> {
    fn member(&self, values: [&str; N]) -> M {
        let labels = self.labels.iter().cloned().zip(values.map(str::to_owned)).collect();
        let opts = Opts::new(&self.name, &self.help).const_labels(labels);
        M::try_new(opts, &self.buckets).unwrap_or_else(|_| self.nowhere.clone())
    }
}

impl<M: Member, const N: usize> Collector for Family<M, N> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.shared.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The registry joins what has the same name.
        let members = self.shared.members.read().unwrap_or_else(PoisonError::into_inner);
        members.values().flat_map(Collector::collect).collect()
    }
}

// === impl Member ===

impl Member for IntCounter {
    fn try_new(opts: Opts, _: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(opts)
    }
}

impl Member for IntGauge {
    fn try_new(opts: Opts, _: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(opts)
    }
}

impl Member for Histogram {
    fn try_new(opts: Opts, buckets: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(HistogramOpts { common_opts: opts, buckets: buckets.to_vec() })
    }
}
