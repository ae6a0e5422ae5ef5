use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

/// A coarse clock that is read once per tick and costs a request one load.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    now_ms: AtomicU32,
}

impl Default for Clock {
    fn default() -> Self {
        Self { epoch: Instant::now(), now_ms: AtomicU32::new(0) }
    }
}

impl Clock {
    /// Milliseconds since the clock was made, as of the last tick.
    pub(crate) fn now_ms(&self) -> u32 {
        self.now_ms.load(Relaxed)
    }

    /// Reads the real time.
    pub(crate) fn tick(&self) {
        let now = u32::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u32::MAX);
        self.now_ms.store(now, Relaxed);
    }
}
