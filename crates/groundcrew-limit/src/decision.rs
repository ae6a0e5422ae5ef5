use std::time::Duration;

use crate::Quota;

/// What a limiter says to one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the work may be done.
    pub allowed: bool,
    /// How many a rested key may take at once: the quota's burst.
    pub limit: u32,
    /// How many the key could take now, after this one.
    pub remaining: u32,
    /// When one more than `remaining` will be there; zero when nothing is missing.
    pub more_after: Duration,
    /// When the key will be rested, if it takes nothing until then.
    pub reset_after: Duration,
    /// When the same try will be allowed. `None` when it was, and when it never will be because it costs more than
    /// the burst.
    pub retry_after: Option<Duration>,
}

// === impl Decision ===

impl Decision {
    /// What follows from a verdict: for stores that count elsewhere. `debt` is how far from rested the key is after
    /// the try.
    pub fn new(quota: &Quota, cost: u32, allowed: bool, debt: Duration) -> Self {
        let (tolerance, interval) = (quota.tolerance(), quota.interval());
        let free = tolerance.saturating_sub(debt);
        let remaining = u32::try_from(free.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX);
        let more_after = match debt {
            Duration::ZERO => Duration::ZERO,
            _ => quota.price(remaining.saturating_add(1)).saturating_sub(free),
        };
        let waits = !allowed && cost <= quota.burst();
        let retry_after = waits.then(|| debt.saturating_add(quota.price(cost)).saturating_sub(tolerance));
        Self { allowed, limit: quota.burst(), remaining, more_after, reset_after: debt, retry_after }
    }
}
