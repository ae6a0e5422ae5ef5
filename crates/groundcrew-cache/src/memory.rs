//! The tier in this process: values by key, bounded in number.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::key::Key;
use crate::life::Life;

/// What this process remembers. The least recently used goes first, by the clock algorithm.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    max: usize,
    state: Mutex<Dial<T>>,
}

#[derive(Debug)]
struct Dial<T> {
    places: HashMap<Key, usize>,
    slots: Vec<Slot<T>>,
    hand: usize,
}

#[derive(Debug)]
struct Slot<T> {
    key: Key,
    value: Arc<T>,
    life: Life,
    used: bool,
}

/// What a look into the memory finds.
#[derive(Debug)]
pub(crate) enum Seen<T> {
    Fresh(Arc<T>),
    /// Fresh as far as this process knows, but it is time to ask the shared store.
    Unchecked(Arc<T>),
    /// Served, and to be renewed unless that has just failed.
    Stale {
        value: Arc<T>,
        renew: bool,
    },
    Missing,
}

// === impl Memory ===

impl<T> Memory<T> {
    pub(crate) fn new(max: usize) -> Self {
        let dial = Dial { places: HashMap::new(), slots: Vec::new(), hand: 0 };
        Self { max: max.max(1), state: Mutex::new(dial) }
    }

    pub(crate) fn look(&self, key: Key) -> Seen<T> {
        let now = Instant::now();
        let mut dial = self.state.lock();
        let Some(place) = dial.places.get(&key).copied() else { return Seen::Missing };
        let slot = &mut dial.slots[place];
        slot.used = true;
        let (life, value) = (slot.life, slot.value.clone());
        if now < life.fresh_until {
            return if now < life.check_at { Seen::Fresh(value) } else { Seen::Unchecked(value) };
        }
        if now < life.stale_until {
            return Seen::Stale { value, renew: now >= life.renew_at };
        }
        Seen::Missing
    }

    pub(crate) fn put(&self, key: Key, value: Arc<T>, life: Life) {
        let slot = Slot { key, value, life, used: true };
        let mut dial = self.state.lock();
        // What goes is dropped after the lock: a value may take its time.
        let _gone = dial.put(slot, self.max);
        drop(dial);
    }

    /// Changes the life of a value that is there.
    pub(crate) fn change(&self, key: Key, change: impl FnOnce(&mut Life)) {
        let mut dial = self.state.lock();
        if let Some(place) = dial.places.get(&key).copied() {
            change(&mut dial.slots[place].life);
        }
    }

    pub(crate) fn remove(&self, key: Key) {
        let mut dial = self.state.lock();
        let _gone = dial.remove(key);
        drop(dial);
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().slots.len()
    }
}

// === impl Dial ===

impl<T> Dial<T> {
    fn put(&mut self, slot: Slot<T>, max: usize) -> Option<Slot<T>> {
        if let Some(place) = self.places.get(&slot.key).copied() {
            return Some(std::mem::replace(&mut self.slots[place], slot));
        }
        if self.slots.len() < max {
            self.places.insert(slot.key, self.slots.len());
            self.slots.push(slot);
            return None;
        }
        let place = self.victim();
        let gone = std::mem::replace(&mut self.slots[place], slot);
        self.places.remove(&gone.key);
        self.places.insert(self.slots[place].key, place);
        Some(gone)
    }

    /// The next that was not used since the hand last passed, or that nobody would be served any more. Ends
    /// after one round, since the hand takes the marks away.
    fn victim(&mut self) -> usize {
        let now = Instant::now();
        loop {
            let place = self.hand % self.slots.len();
            self.hand = (place + 1) % self.slots.len();
            let slot = &mut self.slots[place];
            if !std::mem::take(&mut slot.used) || slot.life.stale_until <= now {
                return place;
            }
        }
    }

    fn remove(&mut self, key: Key) -> Option<Slot<T>> {
        let place = self.places.remove(&key)?;
        let gone = self.slots.swap_remove(place);
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.key, place);
        }
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::CacheConfig;
    use crate::life::Lives;

    fn key(n: u32) -> Key {
        Key::of(&"test".into(), &n).expect("a key")
    }

    fn life() -> Life {
        Lives::of(&CacheConfig::default(), false).begin((Duration::from_secs(10), Duration::ZERO))
    }

    #[tokio::test]
    async fn what_is_used_stays_and_what_is_not_goes() {
        let memory = Memory::new(3);
        for n in 0..3 {
            memory.put(key(n), Arc::new(n), life());
        }
        // One round takes all marks away, and the first place.
        memory.put(key(3), Arc::new(3), life());
        memory.look(key(2));
        memory.put(key(4), Arc::new(4), life());
        assert!(matches!(memory.look(key(2)), Seen::Fresh(_)));
        assert!(matches!(memory.look(key(1)), Seen::Missing));
        assert_eq!(memory.len(), 3);
    }

    proptest! {
        #[test]
        fn it_never_tells_a_wrong_value_and_never_holds_more_than_its_bound(
            steps in proptest::collection::vec((0u32..3, 0u32..20), 0..60),
            max in 1usize..16,
        ) {
            let keys: Vec<_> = (0..20).map(key).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("one");
            runtime.block_on(async {
                let (memory, mut model) = (Memory::new(max), HashMap::new());
                for (at, (what, n)) in steps.into_iter().enumerate() {
                    if what > 0 {
                        memory.put(key(n), Arc::new(at), life());
                        model.insert(n, at);
                        prop_assert!(matches!(memory.look(key(n)), Seen::Fresh(value) if *value == at));
                    } else {
                        memory.remove(key(n));
                        model.remove(&n);
                    }
                    let mut found = 0;
                    for (n, key) in (0..).zip(&keys) {
                        if let Seen::Fresh(value) = memory.look(*key) {
                            prop_assert_eq!(Some(&*value), model.get(&n));
                            found += 1;
                        }
                    }
                    prop_assert_eq!(found, memory.len());
                    prop_assert!(found <= max && (model.len() > max || found <= model.len()));
                }
                Ok(())
            })?;
        }
    }
}
