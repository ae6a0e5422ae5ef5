use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Keeps calls away from a store that does not answer, so that not each of them pays for finding out.
#[derive(Debug)]
pub(crate) struct Breaker {
    epoch: Instant,
    in_a_row: AtomicU32,
    /// Until when nobody asks, in nanoseconds since the epoch; 0 while everybody does.
    open_until: AtomicU64,
}

/// From how many failures in a row on.
const FAILURES: u32 = 3;

/// How long nobody asks. After that one call does, and if it fails the next after another pause.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now(), in_a_row: AtomicU32::new(0), open_until: AtomicU64::new(0) }
    }

    /// Whether a call may be made now.
    ///
    /// The one call that may try an open breaker moves the end of the pause on as it goes: if it is dropped half
    /// way, there is nothing that it would have to give back.
    pub(crate) fn admits(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.now();
        let next = now.saturating_add(nanoseconds(PAUSE));
        now >= until
            && self.open_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// A call was answered; returns whether that is news.
    pub(crate) fn succeeded(&self) -> bool {
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
        self.open_until.load(Ordering::Relaxed) != 0 && self.open_until.swap(0, Ordering::Relaxed) != 0
    }

    /// A call failed; returns whether the breaker opened because of it.
    pub(crate) fn failed(&self) -> bool {
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if in_a_row < FAILURES && self.open_until.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let until = self.now().saturating_add(nanoseconds(PAUSE)).max(1);
        self.open_until.swap(until, Ordering::Relaxed) == 0
    }

    fn now(&self) -> u64 {
        nanoseconds(self.epoch.elapsed())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_single_failure_keeps_nobody_away() {
        let breaker = Breaker::new();
        assert!(!breaker.failed() && !breaker.failed());
        assert!(breaker.admits());
        breaker.succeeded();
        assert!(!breaker.failed(), "they were not in a row");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_call_tries_and_the_others_do_not() {
        let breaker = Breaker::new();
        assert_eq!(
            [breaker.failed(), breaker.failed(), breaker.failed(), breaker.failed()],
            [false, false, true, false]
        );
        assert!(!breaker.admits());
        tokio::time::advance(PAUSE).await;
        assert!(breaker.admits());
        assert!(!breaker.admits(), "the first is still on its way");
        assert!(breaker.succeeded(), "news");
        assert!(!breaker.succeeded(), "no news");
        assert!(breaker.admits());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trying_call_that_was_dropped_does_not_keep_it_open() {
        let breaker = Breaker::new();
        while !breaker.failed() {}
        for _ in 0..3 {
            tokio::time::advance(PAUSE).await;
            assert!(breaker.admits());
        }
    }
}
