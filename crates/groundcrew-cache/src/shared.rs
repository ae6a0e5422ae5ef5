//! The tier that processes share, as a cache uses it: within a budget, and not at all while it is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundcrew_runtime::Breaker;
use groundcrew_telemetry::{Context, with_current};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entry::{self, Entry};
use crate::key::Key;
use crate::metrics::CacheMetrics;
use crate::{SharedStore, StoreError};

/// A single failure is enough: there is a tier below, and each wait is one that somebody notices.
const FAILURES: u32 = 1;

pub(crate) struct Shared {
    store: SharedStore,
    /// What stands before every key: two services, caches or versions must not meet.
    prefix: Arc<str>,
    cache: Arc<str>,
    budget: Duration,
    breaker: Breaker,
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
        prefix: &Arc<str>,
        cache: Arc<str>,
        (budget, pause): (Duration, Duration),
        metrics: Arc<CacheMetrics>,
    ) -> Self {
        Self {
            store,
            prefix: prefix.clone(),
            cache,
            budget,
            breaker: Breaker::new(FAILURES, pause),
            was_refused: AtomicBool::new(false),
            metrics,
        }
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(&self, key: Key) -> Fetched<T> {
        if !self.breaker.admits() {
            return Fetched::Unknown;
        }
        let name = self.name(key);
        match self.judged(self.store.get(&name, self.leave())).await {
            Ok(Some(stored)) => entry::read(&stored).map_or(Fetched::Missing, Fetched::Found),
            Ok(None) => Fetched::Missing,
            Err(_) => Fetched::Unknown,
        }
    }

    pub(crate) async fn put<T: Serialize>(&self, key: Key, value: &T, (fresh, stale): (Duration, Duration)) {
        let ttl = fresh.saturating_add(stale);
        let Some(bytes) = entry::write(value, stale) else { return };
        if ttl.as_millis() == 0 || !self.breaker.admits() {
            return;
        }
        let name = self.name(key);
        // Counted and logged where it is judged; the value is in memory whatever becomes of this.
        let _ = self.judged(self.store.put(&name, bytes, ttl, self.leave())).await;
    }

    /// Tried even while the store is left alone: what stays there is served again by others.
    pub(crate) async fn remove(&self, key: Key) -> Result<(), StoreError> {
        let name = self.name(key);
        self.judged(self.store.remove(&name, self.leave())).await
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

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
