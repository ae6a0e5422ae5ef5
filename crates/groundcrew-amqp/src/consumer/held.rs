use std::fmt;
use std::ops::Deref;

use tokio::sync::mpsc;

use crate::{Delivery, Verdict};

/// A message that is held until it is settled; dropped without a word, it goes back into the queue.
///
/// What is settled after its channel has ended changes nothing: the broker has given the message to somebody else by
/// then, or will. So publish first what follows from it, with confirm, and acknowledge it after that.
#[must_use = "a message that is dropped goes back into its queue"]
pub struct Held {
    delivery: Option<Delivery>,
    slip: Option<Slip>,
}

/// What settles one message.
#[derive(Debug)]
pub(super) struct Slip {
    pub(super) tag: u64,
    pub(super) session: mpsc::UnboundedSender<(u64, Verdict)>,
}

// === impl Held ===

impl Held {
    pub(super) fn new(delivery: Delivery, slip: Slip) -> Self {
        Self { delivery: Some(delivery), slip: Some(slip) }
    }

    /// It is done. The broker is told within a few milliseconds, together with others.
    pub fn ack(self) {
        self.settle(Verdict::Ack);
    }

    /// Again, at once.
    pub fn requeue(self) {
        self.settle(Verdict::Requeue);
    }

    /// It cannot be done: it becomes a dead letter.
    pub fn reject(self) {
        self.settle(Verdict::Reject);
    }

    /// Settles it.
    pub fn settle(mut self, verdict: Verdict) {
        if let Some(slip) = self.slip.take() {
            slip.settle(verdict);
        }
    }

    /// Whether the channel that it came by has ended: the broker gives it to somebody else, so that work on it is
    /// work done twice.
    pub fn is_lost(&self) -> bool {
        self.slip.as_ref().is_none_or(|slip| slip.session.is_closed())
    }

    /// The message, and what settles it.
    pub(super) fn apart(mut self) -> Option<(Delivery, Slip)> {
        Some((self.delivery.take()?, self.slip.take()?))
    }
}

impl Deref for Held {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        self.delivery.as_ref().expect("only `apart` takes it, which takes the whole")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(slip) = self.slip.take() {
            slip.settle(Verdict::Requeue);
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

// === impl Slip ===

impl Slip {
    pub(super) fn settle(&self, verdict: Verdict) {
        // A session that has ended has nobody to tell.
        let _ended = self.session.send((self.tag, verdict));
    }
}
