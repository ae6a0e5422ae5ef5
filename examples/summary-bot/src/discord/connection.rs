//! Whether this replica has a session with Discord, and what is wrong if it should have one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use groundcrew::telemetry::prometheus::IntGauge;
use parking_lot::Mutex;

/// How the session is. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connection(Arc<State>);

#[derive(Debug)]
struct State {
    ready: AtomicBool,
    /// Whether it was ready since somebody asked last.
    was_ready: AtomicBool,
    trouble: Mutex<Option<String>>,
    gauge: IntGauge,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(gauge: IntGauge) -> Self {
        gauge.set(0);
        let (ready, was_ready) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(State { ready, was_ready, trouble: Mutex::new(None), gauge }))
    }

    pub(super) fn is_ready(&self) {
        self.0.ready.store(true, Ordering::Relaxed);
        self.0.was_ready.store(true, Ordering::Relaxed);
        self.0.gauge.set(1);
        *self.0.trouble.lock() = None;
        tracing::info!("the session with Discord is ready");
    }

    pub(super) fn is_over(&self) {
        if self.0.ready.swap(false, Ordering::Relaxed) {
            self.0.gauge.set(0);
            tracing::info!("the session with Discord is over");
        }
    }

    /// Whether it was ready since this was asked last.
    pub(super) fn was_ready(&self) -> bool {
        self.0.was_ready.swap(false, Ordering::Relaxed)
    }

    /// Says once what is wrong; the health check says it until there is a session again.
    pub(super) fn troubled(&self, words: String) {
        let mut trouble = self.0.trouble.lock();
        if trouble.as_ref() != Some(&words) {
            tracing::error!("no session with Discord: {words}");
        }
        *trouble = Some(words);
    }

    /// What is wrong, if anything is.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.trouble.lock().clone()
    }
}
