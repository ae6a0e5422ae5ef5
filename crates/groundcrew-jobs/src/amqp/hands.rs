use std::collections::HashMap;
use std::sync::Arc;

use groundcrew_amqp::Held;
use parking_lot::Mutex;

use super::route::Route;
use crate::{Beat, JobId};

/// What was handed to the worker and is not acknowledged.
///
/// A job may be there twice: whoever heard no confirm has sent it again, and whoever died between a confirm and the
/// acknowledgement that follows it has left both. A copy of a job that is in hand is kept with it and ends with it.
#[derive(Debug, Default)]
pub(super) struct Hands(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    jobs: HashMap<u64, InHand>,
    tokens: HashMap<JobId, u64>,
}

/// The messages of one job, and of which kind it is.
#[derive(Debug)]
struct InHand {
    id: JobId,
    route: Arc<Route>,
    messages: Vec<Held>,
    /// Whether the others are being moved elsewhere.
    is_moving: bool,
}

// === impl Hands ===

impl Hands {
    /// Keeps it, under a number that no other delivery has; `None` where it is a copy of one that is kept.
    pub(super) fn put(&self, id: JobId, held: Held, route: Arc<Route>) -> Option<u64> {
        let state = &mut *self.0.lock();
        let older = state.tokens.get(&id).copied();
        if let Some(older) = older.and_then(|token| state.jobs.get_mut(&token)).filter(|job| !job.is_lost()) {
            older.messages.push(held);
            return None;
        }
        if let Some(lost) = older {
            state.jobs.remove(&lost);
        }
        state.last += 1;
        state.jobs.insert(state.last, InHand { id, route, messages: vec![held], is_moving: false });
        state.tokens.insert(id, state.last);
        Some(state.last)
    }

    /// Takes the messages of a job out, which stays in hand meanwhile; `None` if it is settled, or somebody else's.
    pub(super) fn lift(&self, token: u64) -> Option<(Vec<Held>, Arc<Route>)> {
        let mut state = self.0.lock();
        let job = state.jobs.get_mut(&token)?;
        let messages: Vec<Held> = job.messages.extract_if(.., |held| !held.is_lost()).collect();
        if messages.is_empty() {
            state.forget(token);
            return None;
        }
        job.is_moving = true;
        Some((messages, job.route.clone()))
    }

    /// Puts back what was taken out.
    pub(super) fn lay_down(&self, token: u64, messages: Vec<Held>) {
        if let Some(job) = self.0.lock().jobs.get_mut(&token) {
            job.is_moving = false;
            job.messages.extend(messages);
        }
    }

    /// Lets go of a job; the copies that have come while it was moved.
    pub(super) fn release(&self, token: u64) -> Vec<Held> {
        self.0.lock().forget(token).map(|job| job.messages).unwrap_or_default()
    }

    /// Forgets those that the broker gives to somebody else, and says which of these they are.
    pub(super) fn lost(&self, beats: &[Beat]) -> Vec<JobId> {
        let state = &mut *self.0.lock();
        let is_lost = |beat: &&Beat| state.jobs.get(&beat.token).is_some_and(InHand::is_lost);
        let lost = beats.iter().filter(is_lost).map(|beat| beat.id).collect();
        let gone: Vec<u64> =
            state.jobs.iter().filter(|(_, job)| job.is_lost()).map(|(token, _)| *token).collect();
        for token in gone {
            state.forget(token);
        }
        lost
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> HashMap<String, u64> {
        let mut counts = HashMap::new();
        for job in self.0.lock().jobs.values().filter(|job| !job.is_lost()) {
            *counts.entry(job.route.name.clone()).or_default() += 1;
        }
        counts
    }
}

// === impl State ===

impl State {
    fn forget(&mut self, token: u64) -> Option<InHand> {
        let job = self.jobs.remove(&token)?;
        if self.tokens.get(&job.id) == Some(&token) {
            self.tokens.remove(&job.id);
        }
        Some(job)
    }
}

// === impl InHand ===

impl InHand {
    fn is_lost(&self) -> bool {
        !self.is_moving && self.messages.iter().all(Held::is_lost)
    }
}
