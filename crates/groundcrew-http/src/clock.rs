use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A coarse clock that is read once per tick and costs a request one load.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    /// 64 bits: 32 would be full after 49.7 days, and every deadline dead from then on.
    now_ms: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { epoch: Instant::now(), now_ms: AtomicU64::new(0) }
    }
}

impl Clock {
    /// Milliseconds since the clock was made, as of the last tick.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    /// Reads the real time.
    pub(crate) fn tick(&self) {
        self.set(self.epoch.elapsed());
    }

    /// Says how long ago the clock was made.
    pub(crate) fn set(&self, uptime: Duration) {
        let now = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.store(now, Relaxed);
    }
}
