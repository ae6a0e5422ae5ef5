use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::life::later;

/// Leaves a store alone for a while after it failed; then one caller tries it again.
#[derive(Debug)]
pub(crate) struct Breaker {
    pause: Duration,
    open_until: Mutex<Option<Instant>>,
}

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, open_until: Mutex::new(None) }
    }

    /// Whether the store may be asked. After a pause the first who asks is the one who tries.
    pub(crate) fn admits(&self) -> bool {
        let mut open_until = self.open_until.lock();
        match *open_until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                *open_until = Some(later(Instant::now(), self.pause));
                true
            }
        }
    }

    /// The store answered. Tells whether that is news.
    pub(crate) fn succeeded(&self) -> bool {
        self.open_until.lock().take().is_some()
    }

    /// The store did not answer. Tells whether that is news.
    pub(crate) fn failed(&self) -> bool {
        self.open_until.lock().replace(later(Instant::now(), self.pause)).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_one_caller_per_pause_tries() {
        let second = Duration::from_secs(1);
        let breaker = Breaker::new(second);
        assert!(breaker.admits() && breaker.admits());
        assert!(breaker.failed(), "news");
        assert!(!breaker.failed(), "no news");
        assert!(!breaker.admits());
        tokio::time::advance(second).await;
        assert!(breaker.admits(), "the one who tries");
        assert!(!breaker.admits(), "the others do not wait for it");
        assert!(breaker.succeeded());
        assert!(breaker.admits() && breaker.admits());
    }
}
