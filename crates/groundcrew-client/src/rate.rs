use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So many attempts per window, evenly, with a small burst.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    tolerance: Duration,
    /// When the bucket would be full again.
    full_at: Mutex<Instant>,
}

// === impl Rate ===

impl Rate {
    pub(crate) fn new(rate: u32, window: Duration, burst: u32) -> Self {
        let interval = window / rate.max(1);
        let tolerance = interval.saturating_mul(burst.max(1) - 1);
        Self { interval, tolerance, full_at: Mutex::new(Instant::now()) }
    }

    /// Takes a place and says when its turn is; if that would be after `latest`, takes none and says in how long
    /// there would be one.
    pub(crate) fn reserve(&self, latest: Instant) -> Result<Instant, Duration> {
        let mut full_at = self.full_at.lock();
        let now = Instant::now();
        let full = (*full_at).max(now);
        let turn = full.checked_sub(self.tolerance).unwrap_or(now).max(now);
        if turn > latest {
            return Err(turn - now);
        }
        *full_at = full + self.interval;
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let rate = Rate::new(10, Duration::from_secs(1), 3);
        let start = Instant::now();
        let latest = start + Duration::from_secs(60);
        let turns: Vec<u128> = (0..6).map(|_| (rate.reserve(latest).unwrap() - start).as_millis()).collect();
        assert_eq!(turns, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_not_taken() {
        let rate = Rate::new(1, Duration::from_secs(10), 1);
        let soon = Instant::now() + Duration::from_secs(1);
        assert!(rate.reserve(soon).is_ok());
        assert_eq!(rate.reserve(soon), Err(Duration::from_secs(10)));
        assert_eq!(rate.reserve(soon), Err(Duration::from_secs(10)), "the refusal cost nothing");
    }
}
