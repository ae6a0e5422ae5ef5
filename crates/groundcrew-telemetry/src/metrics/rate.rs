//! How often something happens per second, over a window that slides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Full seconds that are averaged.
const WINDOW: u64 = 10;
/// Slots, more than the window has seconds: the one being filled and the ones just left need theirs too.
const SLOTS: usize = 16;
/// A slot holds the second it is about above its count.
const COUNT_BITS: u32 = 32;

/// How often something happened per second, over the last ten full seconds; it decays to zero.
///
/// Clones share the count. Marking takes no lock.
///
/// ```
/// use groundcrew_telemetry::RateGauge;
/// use std::time::{Duration, Instant};
///
/// let rate = RateGauge::new();
/// let start = Instant::now();
/// (0..50).for_each(|_| rate.mark_at(start));
/// assert_eq!(rate.per_second_at(start + Duration::from_secs(10)), 5.0);
/// assert_eq!(rate.per_second_at(start + Duration::from_secs(12)), 0.0);
/// ```
#[derive(Debug, Clone)]
pub struct RateGauge {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    slots: [AtomicU64; SLOTS],
}

// === impl RateGauge ===

impl RateGauge {
    /// A rate of zero.
    pub fn new() -> Self {
        // Second zero is never current, so that an empty slot belongs to no second.
        Self { shared: Arc::new(Shared { start: Instant::now(), slots: Default::default() }) }
    }

    /// Counts one occurrence now.
    pub fn mark(&self) {
        self.mark_at(Instant::now());
    }

    /// Counts one occurrence at `now`, for callers that know the time already.
    pub fn mark_at(&self, now: Instant) {
        let second = self.second(now);
        let slot = &self.shared.slots[slot_of(second)];
        let mut seen = slot.load(Relaxed);
        while seen >> COUNT_BITS != second {
            match slot.compare_exchange_weak(seen, second << COUNT_BITS | 1, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => seen = other,
            }
        }
        slot.fetch_add(1, Relaxed);
    }

    /// Occurrences per second.
    pub fn per_second(&self) -> f64 {
        self.per_second_at(Instant::now())
    }

    /// Occurrences per second as seen at `now`.
    ///
    /// The second that is being filled is left out; in the first ten seconds, only those that were are
    /// averaged.
    pub fn per_second_at(&self, now: Instant) -> f64 {
        let current = self.second(now);
        let seconds = current.saturating_sub(1).min(WINDOW);
        if seconds == 0 {
            return 0.0;
        }
        let count: u64 = (current - seconds..current).map(|second| self.count_in(second)).sum();
        count as f64 / seconds as f64
    }

    fn count_in(&self, second: u64) -> u64 {
        let slot = self.shared.slots[slot_of(second)].load(Relaxed);
        if slot >> COUNT_BITS == second { slot & ((1 << COUNT_BITS) - 1) } else { 0 }
    }

    /// The number of the second, from 1.
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.shared.start).as_secs() + 1
    }
}

impl Default for RateGauge {
    fn default() -> Self {
        Self::new()
    }
}

fn slot_of(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::RateGauge;
    use std::time::{Duration, Instant};

    #[test]
    fn a_steady_rate_reads_as_itself_from_the_second_second_on() {
        let rate = RateGauge::new();
        let start = Instant::now();
        for second in 0..30 {
            let now = start + Duration::from_secs(second);
            if second > 0 {
                assert!((rate.per_second_at(now) - 7.0).abs() < f64::EPSILON, "second {second}");
            }
            (0..7).for_each(|_| rate.mark_at(now));
        }
    }

    #[test]
    fn a_rate_decays_to_zero_when_nothing_happens() {
        let rate = RateGauge::new();
        let start = Instant::now();
        for second in 0..20 {
            (0..10).for_each(|_| rate.mark_at(start + Duration::from_secs(second)));
        }
        let at = |second| rate.per_second_at(start + Duration::from_secs(second));
        let readings: Vec<f64> = (20..32).map(at).collect();
        assert!((readings[0] - 10.0).abs() < f64::EPSILON);
        assert!(readings.is_sorted_by(|a, b| a >= b), "{readings:?}");
        assert!(readings[11].abs() < f64::EPSILON);
    }

    #[test]
    fn marks_of_several_threads_are_all_counted() {
        let rate = RateGauge::new();
        let now = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25_000).for_each(|_| rate.mark_at(now)));
            }
        });
        let seen = rate.per_second_at(now + Duration::from_secs(10));
        assert!((seen - 10_000.0).abs() < f64::EPSILON, "{seen}");
    }
}
