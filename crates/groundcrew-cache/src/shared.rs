//! The tier that processes share, as a cache uses it: within a budget, and not at all while it is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundcrew_runtime::Breaker;
use groundcrew_telemetry::{Context, with_current};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::doubt::{Doubt, Doubts};
use crate::entry::{self, Entry};
use crate::key::Key;
use crate::metrics::CacheMetrics;
use crate::{CacheConfig, Change, SharedStore, StoreError, Stored, Version};

/// A single failure is enough: there is a tier below, and each wait is one that somebody notices.
const FAILURES: u32 = 1;

/// How long something may be on its way to the store beyond all limits, as while the server is stopped.
const ON_THE_WAY: Duration = Duration::from_secs(30);

pub(crate) struct Shared {
    store: SharedStore,
    /// What stands before every key: two services, caches or versions must not meet.
    prefix: Arc<str>,
    cache: Arc<str>,
    budget: Duration,
    breaker: Breaker,
    /// For how long the store has to know of a change: no load that began before it ends later.
    known_for: Duration,
    doubts: Doubts,
    was_refused: AtomicBool,
    metrics: Arc<CacheMetrics>,
}

/// What the shared store says.
pub(crate) enum Fetched<T> {
    Found(Entry<T>),
    Missing,
    /// It was not asked, or did not answer.
    Unknown,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(
        store: SharedStore,
        (prefix, cache): (Arc<str>, Arc<str>),
        config: &CacheConfig,
        longest: Duration,
        metrics: Arc<CacheMetrics>,
    ) -> Self {
        let max = usize::try_from(config.max_entries).unwrap_or(usize::MAX);
        Self {
            store,
            prefix,
            cache,
            budget: config.budget,
            breaker: Breaker::new(FAILURES, config.pause),
            known_for: config.load_timeout.saturating_add(ON_THE_WAY),
            doubts: Doubts::new(longest.saturating_add(ON_THE_WAY), max),
            was_refused: AtomicBool::new(false),
            metrics,
        }
    }

    /// What the store says, and the version over which a load may put what it brings.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, key: Key) -> (Fetched<T>, Version) {
        if !self.breaker.admits() {
            return (Fetched::Unknown, Version::default());
        }
        if self.doubts.has(key) {
            return self.clear(key).await;
        }
        let name = self.name(key);
        match self.judged(self.store.get(&name, self.leave())).await {
            Ok(found) => {
                let entry = found.stored.as_ref().and_then(entry::read);
                (entry.map_or(Fetched::Missing, Fetched::Found), found.version)
            }
            Err(_) => (Fetched::Unknown, Version::default()),
        }
    }

    /// What is there is older than what this process has put or removed. So it is removed, for the others as well.
    async fn clear<T>(&self, key: Key) -> (Fetched<T>, Version) {
        let doubt = self.doubts.begin(key);
        match self.insist(key, doubt, None).await {
            Ok(version) => (Fetched::Missing, version),
            Err(_) => (Fetched::Unknown, Version::default()),
        }
    }

    /// A value is put or removed here. Until the store has confirmed that, its entry is not believed.
    pub(crate) fn begin(&self, key: Key) -> Doubt {
        self.doubts.begin(key)
    }

    /// A number that is another one when a value was put or removed here.
    pub(crate) fn changes(&self, key: Key) -> u64 {
        self.doubts.changes(key)
    }

    pub(crate) async fn put<T: Serialize>(
        &self,
        key: Key,
        doubt: Doubt,
        value: &T,
        times: (Duration, Duration),
    ) {
        if self.breaker.admits() {
            // Counted and logged where it is judged; the value is in memory whatever becomes of this.
            let _ = self.insist(key, doubt, stored(value, times)).await;
        }
    }

    /// Tried even while the store is left alone: what stays there is served again by others.
    pub(crate) async fn remove(&self, key: Key, doubt: Doubt) -> Result<(), StoreError> {
        self.insist(key, doubt, None).await.map(drop)
    }

    /// Puts what a load brought over the version that was seen before it began. Tells whether it was overtaken:
    /// somebody has put or removed something since, which then stays.
    pub(crate) async fn fill<T: Serialize>(
        &self,
        key: Key,
        value: &T,
        times: (Duration, Duration),
        seen: Version,
    ) -> bool {
        let stored = stored(value, times);
        let is_idle = stored.is_none() && seen.mark.is_empty();
        if is_idle || !self.breaker.admits() {
            return false;
        }
        // What the store knows of older changes, it does not know for a shorter time because of this one.
        let change = Change { stored, known_for: seen.known_for, over: Some(seen) };
        let name = self.name(key);
        matches!(self.judged(self.store.change(&name, change, self.leave())).await, Ok(None))
    }

    /// Makes a change whatever is there, and believes the store again when it has.
    async fn insist(&self, key: Key, doubt: Doubt, stored: Option<Stored>) -> Result<Version, StoreError> {
        let change = Change { stored, known_for: self.known_for, over: None };
        let name = self.name(key);
        let version = self.judged(self.store.change(&name, change, self.leave())).await?;
        self.doubts.settle(key, doubt);
        Ok(version.unwrap_or_default())
    }

    /// Waits for the store within the budget and the caller's deadline, and learns from it.
    async fn judged<R>(&self, asked: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
        let left = with_current(|context| context.and_then(Context::remaining)).unwrap_or(Duration::MAX);
        let within = self.budget.min(left);
        let silent = || StoreError::Unavailable(format!("no answer within {within:?}").into());
        let answer = tokio::time::timeout(within, asked).await.unwrap_or_else(|_| Err(silent()));
        match &answer {
            Ok(_) => {
                if self.breaker.succeeded() {
                    tracing::info!(cache.name = %self.cache, "the shared store of the cache answers again");
                }
            }
            Err(error) => self.failed(error, left < self.budget),
        }
        answer
    }

    fn failed(&self, error: &StoreError, is_hasty: bool) {
        self.metrics.store_errors.inc();
        let is_news = match error {
            // A caller who had no time left says nothing about the store.
            StoreError::Unavailable(_) if is_hasty => false,
            StoreError::Unavailable(_) => self.breaker.failed(),
            // It may refuse some and take others: said once, counted always.
            StoreError::Refused(_) => !self.was_refused.swap(true, Ordering::Relaxed),
        };
        if is_news {
            let (cache, cause) = (&*self.cache, std::error::Error::source(error));
            tracing::warn!(cache.name = cache, %error, cause, "the cache goes on without its shared store");
        }
    }

    /// A little less than the budget, so that the store itself notices first and learns from it.
    fn leave(&self) -> Duration {
        self.budget * 9 / 10
    }

    fn name(&self, key: Key) -> String {
        format!("{}:{}", self.prefix, key.hex())
    }
}

/// What of a value is stored. Nothing of one that does not fit or is over at once: then its predecessor has to go.
fn stored<T: Serialize>(value: &T, (fresh, stale): (Duration, Duration)) -> Option<Stored> {
    let expires_in = fresh.saturating_add(stale);
    let bytes = (expires_in.as_millis() > 0).then(|| entry::write(value, stale)).flatten()?;
    Some(Stored { bytes, expires_in })
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
