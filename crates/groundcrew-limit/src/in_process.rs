use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{Decision, LimitStore, Quota, StoreError};

/// Counts in this process's memory, of which it takes a bounded amount.
///
/// A key that is rested is forgotten, since it is the same as one never seen. When there are more keys that are
/// not than there may be, those nearest to rested are forgotten too: such a key begins anew with its whole burst,
/// and nobody is refused for want of room. Whoever can make up keys by the hundred thousand has a fresh burst with
/// each of them anyway; what bounds them is a limit by something that they cannot make up.
///
/// Time is tokio's, so that tests may pause it.
#[derive(Debug)]
pub struct InProcess {
    epoch: Instant,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Of each shard.
    max_keys: usize,
}

#[derive(Debug, Default)]
struct Shard {
    rested_at: HashMap<Box<str>, Duration>,
    /// At how many keys those that are rested are looked for.
    sweep_at: usize,
}

const SHARDS: usize = 16;

/// Below this many keys a sweep is not worth it.
const FEW: usize = 64;

// === impl InProcess ===

impl InProcess {
    /// Room for so many keys, rounded up to a multiple of 16.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use groundcrew_limit::{InProcess, Quota};
    ///
    /// let store = InProcess::new(100_000);
    /// let quota = Quota::try_new(1, Duration::from_secs(60))?;
    /// assert!(store.take("198.51.100.7", &quota, 1).allowed);
    /// assert!(!store.take("198.51.100.7", &quota, 1).allowed);
    /// assert!(store.take("198.51.100.8", &quota, 1).allowed);
    /// # Ok::<(), groundcrew_limit::QuotaError>(())
    /// ```
    pub fn new(max_keys: usize) -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        let max_keys = max_keys.div_ceil(SHARDS).max(1);
        Self { epoch: Instant::now(), hasher: RandomState::new(), shards, max_keys }
    }

    /// Takes `cost` units from `key`. Waits for nothing.
    pub fn take(&self, key: &str, quota: &Quota, cost: u32) -> Decision {
        let at = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[at].lock();
        // Read under the lock: a moment that is older than the last one decided upon would be an earlier `now`.
        let now = self.epoch.elapsed();
        if let Some(rested_at) = shard.rested_at.get_mut(key) {
            let (decision, then) = quota.decide(*rested_at, now, cost);
            *rested_at = then;
            return decision;
        }
        let (decision, rested_at) = quota.decide(Duration::ZERO, now, cost);
        if rested_at > now {
            shard.make_room(now, self.max_keys);
            shard.rested_at.insert(key.into(), rested_at);
        }
        decision
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().rested_at.len()).sum()
    }
}

impl LimitStore for InProcess {
    fn take<'a>(
        &'a self,
        key: &'a str,
        quota: &'a Quota,
        cost: u32,
    ) -> BoxFuture<'a, Result<Decision, StoreError>> {
        Box::pin(ready(Ok(InProcess::take(self, key, quota, cost))))
    }
}

// === impl Shard ===

impl Shard {
    /// Before a key is added. A sweep comes after as many insertions as it looks at keys, or twice that.
    fn make_room(&mut self, now: Duration, max_keys: usize) {
        if self.rested_at.len() < self.sweep_at.max(FEW).min(max_keys) {
            return;
        }
        self.rested_at.retain(|_, rested_at| *rested_at > now);
        if self.rested_at.len() >= max_keys {
            self.forget(self.rested_at.len() / 8 + 1);
        }
        self.sweep_at = self.rested_at.len().saturating_mul(2);
        self.rested_at.shrink_to(self.sweep_at.max(FEW));
    }

    /// Forgets the keys that are nearest to rested: an eighth at a time, so that a full shard is not gone through
    /// for each new key.
    fn forget(&mut self, mut count: usize) {
        let mut all: Vec<Duration> = self.rested_at.values().copied().collect();
        let (_, last, _) = all.select_nth_unstable(count - 1);
        let last = *last;
        self.rested_at.retain(|_, rested_at| {
            let goes = count > 0 && *rested_at <= last;
            count -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(requests: u32, seconds: u64) -> Quota {
        Quota::try_new(requests, Duration::from_secs(seconds)).expect("a quota")
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_used_everything_up_gets_one_back_after_an_interval() {
        let (store, quota) = (InProcess::new(100), quota(10, 10));
        assert_eq!((0..20).filter(|_| store.take("north", &quota, 1).allowed).count(), 10);
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(!store.take("north", &quota, 1).allowed);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(store.take("north", &quota, 1).allowed);
    }

    #[tokio::test(start_paused = true)]
    async fn one_key_does_not_pay_for_another() {
        let (store, quota) = (InProcess::new(100), quota(3, 60));
        for _ in 0..50 {
            store.take("loud", &quota, 1);
        }
        let quiet = store.take("quiet", &quota, 1);
        assert!(quiet.allowed);
        assert_eq!(quiet.remaining, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_are_rested_are_forgotten_long_before_the_maximum() {
        let (store, quota) = (InProcess::new(1_000_000), quota(10, 10));
        for round in 0..50 {
            for key in 0..2_000 {
                store.take(&format!("{round}-{key}"), &quota, 1);
            }
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        assert!(store.keys() < 10_000, "{} keys of 100 000 are remembered", store.keys());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_keys_than_the_maximum_and_none_is_refused_for_it() {
        let (store, quota) = (InProcess::new(1_600), quota(2, 3600));
        for key in 0..50_000 {
            assert!(store.take(&format!("{key}"), &quota, 1).allowed);
            assert!(store.keys() <= 1_600);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_new_keys_does_not_free_those_who_used_everything_up() {
        let (store, quota) = (InProcess::new(1_600), quota(100, 3600));
        for key in 0..50 {
            store.take(&format!("spent-{key}"), &quota, 100);
        }
        for key in 0..50_000 {
            store.take(&format!("{key}"), &quota, 1);
        }
        let still = (0..50).filter(|key| !store.take(&format!("spent-{key}"), &quota, 1).allowed).count();
        assert_eq!(still, 50);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_remembers_nothing() {
        let (store, quota) = (InProcess::new(100), quota(2, 60));
        assert_eq!(store.take("north", &quota, 0).remaining, 2);
        assert_eq!(store.keys(), 0);
    }

    #[test]
    fn threads_that_share_a_key_get_the_burst_together() {
        let (store, quota) = (InProcess::new(100), quota(1_000, 3_600));
        let allowed: usize = std::thread::scope(|scope| {
            let take = || (0..1_000).filter(|_| store.take("north", &quota, 1).allowed).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        // One comes back every 3.6 s; the four threads take far less than that, but a slow machine may not.
        assert!((1_000..1_003).contains(&allowed), "{allowed}");
    }
}
