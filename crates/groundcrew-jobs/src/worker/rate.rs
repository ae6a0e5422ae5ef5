use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::FAR;

/// So many within a time, in this process: a bucket that refills steadily.
#[derive(Debug)]
pub(crate) struct Rate {
    burst: u32,
    each: Duration,
    /// When the bucket will be full again.
    full_at: Mutex<Option<Instant>>,
}

// === impl Rate ===

impl Rate {
    pub(crate) fn new(jobs: u32, within: Duration) -> Self {
        Self { burst: jobs, each: (within / jobs.max(1)).min(FAR), full_at: Mutex::new(None) }
    }

    /// How many may begin now.
    pub(crate) fn available(&self, now: Instant) -> u32 {
        let owed = self.full_at.lock().map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        let each = self.each.as_nanos().max(1);
        let used = owed.as_nanos().div_ceil(each);
        self.burst.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    /// In how long the next one may begin; zero for now.
    pub(crate) fn next(&self, now: Instant) -> Duration {
        let owed = self.full_at.lock().map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        owed.saturating_sub(self.each * self.burst.saturating_sub(1))
    }

    /// One begins.
    pub(crate) fn take(&self, now: Instant) {
        let mut full_at = self.full_at.lock();
        let from = full_at.map_or(now, |full| full.max(now));
        *full_at = Some(from + self.each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_then_one_at_a_time() {
        let rate = Rate::new(2, Duration::from_secs(10));
        let now = Instant::now();
        assert_eq!(rate.available(now), 2);
        rate.take(now);
        rate.take(now);
        assert_eq!((rate.available(now), rate.next(now)), (0, Duration::from_secs(5)));
        assert_eq!(rate.available(now + Duration::from_secs(5)), 1);
        assert_eq!(rate.available(now + Duration::from_secs(60)), 2, "no more than the burst");
    }

    #[tokio::test(start_paused = true)]
    async fn one_in_all_eternity_is_a_rate_too() {
        let rate = Rate::new(1, Duration::MAX);
        let now = Instant::now();
        rate.take(now);
        assert_eq!((rate.available(now), rate.next(now)), (0, FAR));
    }
}
