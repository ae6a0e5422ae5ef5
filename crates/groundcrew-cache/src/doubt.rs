//! What this process knows better than the shared store.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::key::Key;
use crate::life::later;

/// A change of one key by this process that the store has not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubt(u64);

/// The keys whose entry in the shared store is not believed: this process has put or removed a value, and the store
/// has not confirmed that. It was down, or nobody waited for its answer.
#[derive(Debug)]
pub(crate) struct Doubts {
    /// For how long: what the store had before has then expired.
    lasting: Duration,
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// The last change of each key, and until when it matters.
    open: HashMap<Key, (Doubt, Instant)>,
    /// There were more than fit: until then no key is believed.
    all_until: Option<Instant>,
    /// How many changes were begun, for a share of the keys each.
    changes: [u64; 32],
}

// === impl Doubts ===

impl Doubts {
    pub(crate) fn new(lasting: Duration, max: usize) -> Self {
        Self { lasting, max: max.max(1), state: Mutex::default() }
    }

    /// A change begins. It is in doubt until it is settled, so that nobody has to notice when it is given up.
    pub(crate) fn begin(&self, key: Key) -> Doubt {
        let now = Instant::now();
        let until = later(now, self.lasting);
        let mut state = self.state.lock();
        if state.open.len() >= self.max && !state.open.contains_key(&key) {
            state.make_room(self.max, now, until);
        }
        state.begun += 1;
        state.changes[key.share(32)] += 1;
        let doubt = Doubt(state.begun);
        state.open.insert(key, (doubt, until));
        doubt
    }

    /// The store has confirmed a change. Where another has begun since, that one is still in doubt.
    pub(crate) fn settle(&self, key: Key, doubt: Doubt) {
        let mut state = self.state.lock();
        if state.open.get(&key).is_some_and(|(last, _)| *last == doubt) {
            state.open.remove(&key);
        }
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        let now = Instant::now();
        let state = self.state.lock();
        state.all_until.is_some_and(|until| now < until)
            || state.open.get(&key).is_some_and(|(_, until)| now < *until)
    }

    /// A number that is another one when a change of this key has begun.
    pub(crate) fn changes(&self, key: Key) -> u64 {
        self.state.lock().changes[key.share(32)]
    }
}

// === impl State ===

impl State {
    /// Forgets those that are over. Where that is not enough, none is told apart from the others any more: that costs
    /// loads, and no memory.
    fn make_room(&mut self, max: usize, now: Instant, until: Instant) {
        self.open.retain(|_, (_, until)| now < *until);
        if self.open.len() >= max {
            self.open.clear();
            self.all_until = Some(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(n: u32) -> Key {
        Key::of(&"test".into(), &n).expect("a key")
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_in_doubt_until_it_is_settled_or_over() {
        let doubts = Doubts::new(MINUTE, 10);
        let doubt = doubts.begin(key(1));
        doubts.begin(key(2));
        assert!(doubts.has(key(1)) && doubts.has(key(2)) && !doubts.has(key(3)));
        doubts.settle(key(1), doubt);
        assert!(!doubts.has(key(1)) && doubts.has(key(2)));
        tokio::time::advance(MINUTE).await;
        assert!(!doubts.has(key(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_is_confirmed_does_not_settle_a_later_one() {
        let doubts = Doubts::new(MINUTE, 10);
        let (first, second) = (doubts.begin(key(1)), doubts.begin(key(1)));
        doubts.settle(key(1), first);
        assert!(doubts.has(key(1)));
        doubts.settle(key(1), second);
        assert!(!doubts.has(key(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_fit_are_a_doubt_about_every_key_for_as_long() {
        let doubts = Doubts::new(MINUTE, 10);
        for n in 0..25 {
            doubts.begin(key(n));
            assert!(doubts.state.lock().open.len() <= 10);
        }
        assert!((0..30).all(|n| doubts.has(key(n))));
        tokio::time::advance(MINUTE).await;
        assert!((0..30).all(|n| !doubts.has(key(n))));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_are_over_make_room() {
        let doubts = Doubts::new(MINUTE, 10);
        for n in 0..10 {
            doubts.begin(key(n));
        }
        tokio::time::advance(MINUTE).await;
        doubts.begin(key(10));
        assert!(doubts.has(key(10)) && !doubts.has(key(0)));
    }
}
