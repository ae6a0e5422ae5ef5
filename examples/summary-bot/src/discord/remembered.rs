//! What was looked up a moment ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Values for a short while, and never more than so many.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    life: Duration,
    most: usize,
    entries: Mutex<HashMap<K, (Instant, Arc<V>)>>,
}

// === impl Remembered ===

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, entries: Mutex::default() }
    }

    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.get_at(key, Instant::now())
    }

    pub(super) fn put(&self, key: K, value: V) -> Arc<V> {
        self.put_at(key, value, Instant::now())
    }

    fn get_at(&self, key: &K, now: Instant) -> Option<Arc<V>> {
        let entries = self.entries.lock();
        entries
            .get(key)
            .filter(|(since, _)| now.duration_since(*since) < self.life)
            .map(|(_, value)| value.clone())
    }

    fn put_at(&self, key: K, value: V, now: Instant) -> Arc<V> {
        let value = Arc::new(value);
        let mut entries = self.entries.lock();
        if entries.len() >= self.most {
            entries.retain(|_, (since, _)| now.duration_since(*since) < self.life);
        }
        if entries.len() >= self.most {
            entries.clear(); // everything is fresh, and can be looked up again
        }
        entries.insert(key, (now, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_forgotten() {
        let (remembered, now) = (Remembered::new(Duration::from_secs(30), 10), Instant::now());
        remembered.put_at("a", 1, now);
        assert!(remembered.get_at(&"a", now + Duration::from_secs(29)).is_some());
        assert!(remembered.get_at(&"a", now + Duration::from_secs(31)).is_none());
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let remembered = Remembered::new(Duration::from_secs(30), 10);
        for key in 0..1000 {
            remembered.put(key, ());
            assert!(remembered.entries.lock().len() <= 10);
        }
    }
}
