use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groundcrew_amqp::Held;
use parking_lot::Mutex;

use super::route::Route;
use crate::{Beat, JobId};

/// What was handed to the worker and is not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Hands {
    last: AtomicU64,
    held: Mutex<HashMap<u64, InHand>>,
}

/// A message, and of which kind.
#[derive(Debug)]
struct InHand {
    route: Arc<Route>,
    /// None while it is being moved elsewhere.
    held: Option<Held>,
}

// === impl Hands ===

impl Hands {
    /// Keeps it, under a number that no other delivery has.
    pub(super) fn put(&self, held: Held, route: Arc<Route>) -> u64 {
        let token = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.held.lock().insert(token, InHand { route, held: Some(held) });
        token
    }

    /// Lets go of it.
    pub(super) fn take(&self, token: u64) -> Option<(Held, Arc<Route>)> {
        let InHand { held, route } = self.held.lock().remove(&token)?;
        Some((held?, route))
    }

    /// Puts it where it was taken, or marks that it is on its way elsewhere.
    pub(super) fn keep(&self, token: u64, held: Option<Held>, route: Arc<Route>) {
        self.held.lock().insert(token, InHand { route, held });
    }

    /// Forgets those that the broker gives to somebody else, and says which of these they are.
    pub(super) fn lost(&self, beats: &[Beat]) -> Vec<JobId> {
        let mut held = self.held.lock();
        let is_lost = |beat: &&Beat| held.get(&beat.token).is_some_and(InHand::is_lost);
        let lost = beats.iter().filter(is_lost).map(|beat| beat.id).collect();
        held.retain(|_, hand| !hand.is_lost());
        lost
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> HashMap<String, u64> {
        let mut counts = HashMap::new();
        for hand in self.held.lock().values().filter(|hand| !hand.is_lost()) {
            *counts.entry(hand.route.name.clone()).or_default() += 1;
        }
        counts
    }
}

// === impl InHand ===

impl InHand {
    fn is_lost(&self) -> bool {
        self.held.as_ref().is_some_and(Held::is_lost)
    }
}
