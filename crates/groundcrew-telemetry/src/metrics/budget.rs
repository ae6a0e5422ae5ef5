//! How many series a service may have, so that no label can blow up the store that scrapes it.

use prometheus::{IntCounter, IntCounterVec, Opts};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The label sets that the families of one service may have together.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    overflow: IntCounterVec,
}

// === impl Budget ===

impl Budget {
    pub(crate) const NAME: &'static str = "metrics_series_overflow_total";

    pub(crate) fn new(limit: usize) -> Self {
        let opts =
            Opts::new(Self::NAME, "Label sets that were counted as overflow, since the budget was spent.");
        let overflow = IntCounterVec::new(opts, &["metric"]).expect("the name and the label are valid");
        Self { limit, used: AtomicUsize::new(0), overflow }
    }

    /// Takes one series out of the budget, if one is left.
    pub(crate) fn claim(&self) -> bool {
        self.used.try_update(Relaxed, Relaxed, |used| (used < self.limit).then_some(used + 1)).is_ok()
    }

    /// Counts how often `metric` had to do without a series of its own.
    pub(crate) fn overflow_of(&self, metric: &str) -> IntCounter {
        self.overflow.with_label_values(&[metric])
    }

    pub(crate) fn overflow_counter(self: Arc<Self>) -> IntCounterVec {
        self.overflow.clone()
    }
}
