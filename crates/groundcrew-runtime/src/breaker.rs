use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A circuit breaker: keeps calls away from something that does not answer, so that not each of them pays for finding
/// out. After a pause one call tries it again; the others do not wait for that one.
///
/// Whoever has an answer without it (a local copy, another way) asks [`admits`](Self::admits) first, and says how the
/// call went. It takes no lock, and a call that is dropped on its way has nothing to give back.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use std::time::Duration;
/// use groundcrew_runtime::Breaker;
///
/// let breaker = Breaker::new(2, Duration::from_secs(1));
/// assert!(!breaker.failed()); // one failure says little
/// assert!(breaker.failed()); // news: it is open from now on
/// assert!(!breaker.admits());
///
/// tokio::time::advance(Duration::from_secs(1)).await;
/// assert!(breaker.admits()); // the one that tries
/// assert!(breaker.succeeded()); // news: it is closed
/// # }
/// ```
#[derive(Debug)]
pub struct Breaker {
    failures: u32,
    pause: Duration,
    epoch: Instant,
    in_a_row: AtomicU32,
    /// Until when nobody asks, in nanoseconds since the epoch; 0 while everybody does.
    open_until: AtomicU64,
}

// === impl Breaker ===

impl Breaker {
    /// Opens after so many failures in a row (at least 1), for so long.
    pub fn new(failures: u32, pause: Duration) -> Self {
        let (in_a_row, open_until) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { failures: failures.max(1), pause, epoch: Instant::now(), in_a_row, open_until }
    }

    /// Whether a call may be made now. After a pause it is true once, and then not for another pause.
    pub fn admits(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        // Whoever tries moves the end of the pause on as it goes: dropped half way, it leaves nothing behind.
        let (now, next) = (self.now(), self.after_a_pause());
        now >= until
            && self.open_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// A call was answered. Tells whether that is news: it was open.
    pub fn succeeded(&self) -> bool {
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
        self.open_until.load(Ordering::Relaxed) != 0 && self.open_until.swap(0, Ordering::Relaxed) != 0
    }

    /// A call was not answered. Tells whether that is news: it is open because of it.
    pub fn failed(&self) -> bool {
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if in_a_row < self.failures && self.open_until.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.open_until.swap(self.after_a_pause(), Ordering::Relaxed) == 0
    }

    fn now(&self) -> u64 {
        nanoseconds(self.epoch.elapsed())
    }

    fn after_a_pause(&self) -> u64 {
        self.now().saturating_add(nanoseconds(self.pause)).max(1)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_single_failure_keeps_nobody_away() {
        let breaker = Breaker::new(3, PAUSE);
        assert!(!breaker.failed() && !breaker.failed());
        assert!(breaker.admits());
        breaker.succeeded();
        assert!(!breaker.failed(), "they were not in a row");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_call_tries_and_the_others_do_not() {
        for failures in [1, 3] {
            let breaker = Breaker::new(failures, PAUSE);
            let news = (0..=failures).map(|_| breaker.failed()).collect::<Vec<_>>();
            assert_eq!(news.iter().position(|news| *news), Some(failures as usize - 1));
            assert_eq!(news.iter().filter(|news| **news).count(), 1);
            assert!(!breaker.admits());
            tokio::time::advance(PAUSE).await;
            assert!(breaker.admits());
            assert!(!breaker.admits(), "the first is still on its way");
            assert!(breaker.succeeded(), "news");
            assert!(!breaker.succeeded(), "no news");
            assert!(breaker.admits() && breaker.admits());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trying_call_that_was_dropped_does_not_keep_it_open() {
        let breaker = Breaker::new(1, PAUSE);
        assert!(breaker.failed());
        for _ in 0..3 {
            tokio::time::advance(PAUSE).await;
            assert!(breaker.admits());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_is_for_ever() {
        let breaker = Breaker::new(1, Duration::MAX);
        assert!(breaker.failed());
        tokio::time::advance(Duration::from_secs(1 << 30)).await;
        assert!(!breaker.admits());
    }
}
