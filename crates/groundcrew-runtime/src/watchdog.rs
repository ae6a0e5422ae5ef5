use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the runtime must show that it turns.
const BEAT: Duration = Duration::from_millis(500);

/// From when on the runtime counts as stalled: liveness fails.
pub const STALL_THRESHOLD: Duration = Duration::from_secs(10);

/// Whether the runtime turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// How long ago it last showed a sign of life.
    pub silent_for: Duration,
    /// Whether that is short enough.
    pub alive: bool,
}

/// Notices when the Tokio runtime no longer turns: blocking code on its workers, a deadlock.
///
/// A beat runs on the runtime; a thread outside of it looks at the beat, so that a stall is logged even while
/// nothing on the runtime can run.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: Instant,
    last_beat_ms: AtomicU64,
    stalls: AtomicU64,
    gone: AtomicBool,
}

// === impl Watchdog ===

impl Watchdog {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            last_beat_ms: AtomicU64::new(0),
            stalls: AtomicU64::new(0),
            gone: AtomicBool::new(false),
        });
        tokio::spawn(beat(Arc::downgrade(&shared)));
        let observed = Arc::downgrade(&shared);
        let thread = std::thread::Builder::new().name("stall-watchdog".into()).stack_size(128 * 1024);
        // Without the thread, liveness still answers from the beat; only the log line is lost.
        if let Err(error) = thread.spawn(move || observe(&observed)) {
            tracing::warn!(%error, "no thread for the stall watchdog");
        }
        Self { shared }
    }

    pub(crate) fn liveness(&self) -> Liveness {
        let silent_for = self.shared.silent_for();
        Liveness { silent_for, alive: silent_for < STALL_THRESHOLD }
    }

    /// A reader of the number of stalls seen, for the metrics.
    pub(crate) fn stall_counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let shared = self.shared.clone();
        move || shared.stalls.load(Ordering::Relaxed)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn silent_for(&self) -> Duration {
        let last = Duration::from_millis(self.last_beat_ms.load(Ordering::Relaxed));
        self.epoch.elapsed().saturating_sub(last)
    }
}

async fn beat(shared: std::sync::Weak<Shared>) {
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.gone.load(Ordering::Relaxed)) {
        let now = u64::try_from(shared.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        shared.last_beat_ms.store(now, Ordering::Relaxed);
        drop(shared);
        tokio::time::sleep(BEAT).await;
    }
}

fn observe(shared: &std::sync::Weak<Shared>) {
    let mut stalled = false;
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.gone.load(Ordering::Relaxed)) {
        let silent_for = shared.silent_for();
        if !stalled && silent_for >= STALL_THRESHOLD {
            shared.stalls.fetch_add(1, Ordering::Relaxed);
            tracing::error!(?silent_for, "the runtime is stalled: something blocks its worker threads");
        }
        stalled = silent_for >= STALL_THRESHOLD;
        drop(shared);
        std::thread::park_timeout(BEAT);
    }
}
