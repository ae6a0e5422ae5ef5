use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Beat, Delivery, Ending, Settlement};

/// A delivery in this process's hands, from its arrival until its end is on record.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) saved: Mutex<Saved>,
    pub(crate) came: Instant,
    halt: watch::Sender<Option<Halt>>,
}

/// What the job said of itself.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// The last checkpoint of this delivery.
    pub(crate) checkpoint: Option<String>,
    /// Whether it was saved since the last heartbeat.
    pub(crate) unsent: bool,
    pub(crate) progress: Option<(u8, String)>,
}

/// Why a job is dropped while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The drain is over.
    Cut,
    /// It is another worker's by now.
    Lost,
}

// === impl Slot ===

impl Slot {
    pub(crate) fn new(delivery: Delivery) -> Arc<Self> {
        let (halt, _) = watch::channel(None);
        let (delivery, came) = (Arc::new(delivery), Instant::now());
        Arc::new(Self { delivery, saved: Mutex::default(), came, halt })
    }

    pub(crate) fn name(&self) -> &str {
        &self.delivery.envelope.name
    }

    pub(crate) fn halt(&self, why: Halt) {
        self.halt.send_replace(Some(why));
    }

    /// Resolves when the job is to be dropped.
    pub(crate) async fn halted(&self) -> Halt {
        let mut halt = self.halt.subscribe();
        // The sender lives as long as `self`.
        match halt.wait_for(Option::is_some).await {
            Ok(why) => why.unwrap_or(Halt::Lost),
            Err(_) => Halt::Lost,
        }
    }

    /// Why the job is to be dropped, if it is.
    pub(crate) fn halt_of(&self) -> Option<Halt> {
        *self.halt.borrow()
    }

    pub(crate) fn beat(&self) -> Beat {
        let mut saved = self.saved.lock();
        let checkpoint = if saved.unsent { saved.checkpoint.clone() } else { None };
        saved.unsent = false;
        let (id, token) = (self.delivery.envelope.id, self.delivery.token);
        Beat { id, token, checkpoint, progress: saved.progress.take() }
    }

    /// The beat was not heard: what it held goes with the next one.
    pub(crate) fn unheard(&self) {
        let mut saved = self.saved.lock();
        saved.unsent = saved.checkpoint.is_some();
    }

    pub(crate) fn settled_as(&self, ending: Ending) -> Settlement {
        let checkpoint = self.saved.lock().checkpoint.clone();
        Settlement { delivery: self.delivery.clone(), ending, checkpoint }
    }
}
