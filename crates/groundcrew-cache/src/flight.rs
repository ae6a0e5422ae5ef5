//! One load per key at a time, whoever asks for it, and whoever goes away.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::LoadError;
use crate::key::Key;
use crate::metrics::Outcome;

/// What the callers of one load get.
pub(crate) type Landed<T> = Result<(Arc<T>, Outcome), LoadError>;

/// Where a caller waits for a load.
pub(crate) type Waiting<T> = watch::Receiver<Option<Landed<T>>>;

/// The loads that are under way.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    under_way: Mutex<HashMap<Key, Waiting<T>>>,
}

/// A load under way, as the task sees it that flies it. Dropped, however that comes about, it leaves no trace.
#[derive(Debug)]
pub(crate) struct Flight<T> {
    flights: Arc<Flights<T>>,
    key: Key,
    landed: watch::Sender<Option<Landed<T>>>,
}

// === impl Flights ===

impl<T> Flights<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { under_way: Mutex::default() })
    }

    /// Joins the load that is under way for a key, or begins one, unless `known` already has the answer: it is
    /// asked when no load can land in between.
    pub(crate) fn join<K>(
        self: &Arc<Self>,
        key: Key,
        known: impl FnOnce() -> Option<K>,
    ) -> Result<(Waiting<T>, Option<Flight<T>>), K> {
        let mut under_way = self.under_way.lock();
        if let Some(waiting) = under_way.get(&key) {
            return Ok((waiting.clone(), None));
        }
        if let Some(known) = known() {
            return Err(known);
        }
        let (landed, waiting) = watch::channel(None);
        under_way.insert(key, waiting.clone());
        Ok((waiting, Some(Flight { flights: self.clone(), key, landed })))
    }

    /// Lets go of the load that is under way: its callers get what it brings, but it is not kept.
    pub(crate) fn forget(&self, key: Key) -> MutexGuard<'_, impl Sized> {
        let mut under_way = self.under_way.lock();
        under_way.remove(&key);
        under_way
    }

    /// No load can begin, land or be let go meanwhile.
    pub(crate) fn alone(&self) -> MutexGuard<'_, impl Sized> {
        self.under_way.lock()
    }
}

// === impl Flight ===

impl<T> Flight<T> {
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Hands something to the callers while the flight goes on.
    pub(crate) fn tell(&self, landed: Landed<T>) {
        self.landed.send_replace(Some(landed));
    }

    /// Whether somebody waits; the list of flights holds one end itself.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.has_told() && self.landed.receiver_count() > 1
    }

    pub(crate) fn has_told(&self) -> bool {
        self.landed.borrow().is_some()
    }

    /// Runs `keep` if nobody has let go of this load; no other can begin meanwhile.
    pub(crate) fn keeping(&self, keep: impl FnOnce()) -> bool {
        let under_way = self.flights.under_way.lock();
        let is_current = self.is_current(&under_way);
        if is_current {
            keep();
        }
        is_current
    }

    fn is_current(&self, under_way: &HashMap<Key, Waiting<T>>) -> bool {
        under_way.get(&self.key).is_some_and(|waiting| waiting.same_channel(&self.landed.subscribe()))
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way.lock();
        if self.is_current(&under_way) {
            under_way.remove(&self.key);
        }
    }
}
