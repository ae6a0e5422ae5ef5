use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::held::Held;

/// What was delivered and nobody has taken yet; at most as many as are prefetched.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Held>,
    closed: bool,
}

// === impl Inbox ===

impl Inbox {
    pub(super) fn put(&self, held: Held) {
        self.state.lock().waiting.push_back(held);
        self.changed.notify_one();
    }

    /// The next one; `None` once it is closed. Cancel safe: what is not returned stays.
    pub(super) async fn take(&self) -> Option<Held> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state.lock();
                if let Some(held) = state.waiting.pop_front() {
                    return Some(held);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// The next one, if there is one now.
    pub(super) fn try_take(&self) -> Option<Held> {
        self.state.lock().waiting.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Resolves when there may be something to take (true), or nothing comes any more. Cancel safe.
    pub(super) async fn ready(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state.lock();
                if state.closed || !state.waiting.is_empty() {
                    return !state.waiting.is_empty();
                }
            }
            changed.await;
        }
    }

    /// Takes out what nobody has taken, so that nobody works on what is given to somebody else.
    pub(super) fn clear(&self) -> VecDeque<Held> {
        std::mem::take(&mut self.state.lock().waiting)
    }

    /// Whoever waits is told that nothing comes any more.
    pub(super) fn close(&self) -> VecDeque<Held> {
        self.state.lock().closed = true;
        self.changed.notify_waiters();
        // Whoever is about to wait.
        self.changed.notify_one();
        self.clear()
    }
}
