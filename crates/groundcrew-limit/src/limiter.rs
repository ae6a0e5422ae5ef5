use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Breaker, Crew};
use groundcrew_telemetry::{Context, with_current};

use crate::metrics::LimiterMetrics;
use crate::{Decision, InProcess, LimitConfig, LimitError, LimitStore, Quota, key};

/// A quota for each key, counted in this process or in a store that several share. Clones share everything.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use groundcrew_limit::LimitConfig;
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
///
/// let limiter = LimitConfig::of(1, Duration::from_secs(60)).limiter("labels", &crew)?;
/// assert!(limiter.take("customer-7").await.allowed);
/// let second = limiter.take("customer-7").await;
/// assert!(second.retry_after.is_some_and(|wait| wait > Duration::from_secs(59)));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    quota: Quota,
    local: InProcess,
    shared: Option<Shared>,
    metrics: LimiterMetrics,
}

/// From how many failures in a row on the store is left alone: until then processes would count apart for nothing.
const FAILURES: u32 = 3;

/// For how long. After that one call asks, and if it fails the next after another pause.
const PAUSE: Duration = Duration::from_secs(1);

struct Shared {
    store: Box<dyn LimitStore>,
    budget: Duration,
    breaker: Breaker,
}

// === impl LimitConfig ===

impl LimitConfig {
    /// A limiter that counts in this process, with a name of its own in the metrics.
    ///
    /// # Errors
    ///
    /// When the quota cannot be kept, and when there is a limiter of that name already.
    pub fn limiter(&self, name: &str, crew: &Crew) -> Result<Limiter, LimitError> {
        self.build(name, crew, None)
    }

    /// A limiter over a store that other processes share. While the store does not answer within `store_budget`,
    /// this process counts by itself.
    ///
    /// # Errors
    ///
    /// Those of [`limiter`](Self::limiter).
    pub fn limiter_over(
        &self,
        name: &str,
        crew: &Crew,
        store: impl LimitStore,
    ) -> Result<Limiter, LimitError> {
        let store: Box<dyn LimitStore> = Box::new(store);
        let breaker = Breaker::new(FAILURES, PAUSE);
        self.build(name, crew, Some(Shared { store, budget: self.store_budget, breaker }))
    }

    fn build(&self, name: &str, crew: &Crew, shared: Option<Shared>) -> Result<Limiter, LimitError> {
        let quota = self.quota().map_err(|source| LimitError::Quota { limiter: name.to_owned(), source })?;
        let metrics = LimiterMetrics::register(crew.metrics(), name)
            .map_err(|source| LimitError::Metrics { limiter: name.to_owned(), source })?;
        let local = InProcess::new(self.max_keys);
        Ok(Limiter { inner: Arc::new(Inner { name: name.to_owned(), quota, local, shared, metrics }) })
    }
}

// === impl Limiter ===

impl Limiter {
    /// Takes one unit from `key`.
    ///
    /// Waits for nothing in process, and for a shared store at most for its budget. May be dropped at any point;
    /// what was taken then stays taken.
    pub async fn take(&self, key: &str) -> Decision {
        self.take_cost(key, 1).await
    }

    /// Takes `cost` units from `key`, all or none; 0 only looks.
    pub async fn take_cost(&self, key: &str, cost: u32) -> Decision {
        let key = key::bounded(key);
        let shared = match &self.inner.shared {
            Some(shared) => self.ask(shared, &key, cost).await,
            None => None,
        };
        let decision = shared.unwrap_or_else(|| self.inner.local.take(&key, &self.inner.quota, cost));
        if cost > 0 {
            self.inner.metrics.decided(&decision);
        }
        decision
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its quota.
    pub fn quota(&self) -> &Quota {
        &self.inner.quota
    }

    /// What the shared store says; `None` when it does not, or was not asked.
    async fn ask(&self, shared: &Shared, key: &str, cost: u32) -> Option<Decision> {
        let Inner { name, quota, metrics, .. } = &*self.inner;
        let left = with_current(|context| context.and_then(Context::remaining)).unwrap_or(Duration::MAX);
        // A caller whose time is over would only use up the one try at a store that is left alone.
        if left.is_zero() || !shared.breaker.admits() {
            metrics.fallbacks.inc();
            return None;
        }
        let (key, within) = (format!("{name}:{key}"), shared.budget.min(left));
        let asked = shared.store.take(&key, quota, cost);
        let failure = match tokio::time::timeout(within, asked).await {
            Ok(Ok(decision)) => {
                if shared.breaker.succeeded() {
                    tracing::info!(limiter.name = name, "the store of the rate limit answers again");
                }
                return Some(decision);
            }
            Ok(Err(error)) => {
                metrics.failed.inc();
                with_causes(&error)
            }
            Err(_) => {
                metrics.timeout.inc();
                format!("no answer within {within:?}")
            }
        };
        metrics.fallbacks.inc();
        // A caller with less time than the store may take says nothing about the store.
        if left >= shared.budget && shared.breaker.failed() {
            tracing::warn!(
                limiter.name = name,
                error = failure,
                retry_every = ?PAUSE,
                "the store of the rate limit fails: each process counts by itself until it answers"
            );
        }
        None
    }
}

impl fmt::Debug for Limiter {
    /// Without the keys, which may be addresses of people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("name", &self.inner.name)
            .field("quota", &self.inner.quota)
            .field("shared", &self.inner.shared.is_some())
            .finish_non_exhaustive()
    }
}

fn with_causes(error: &dyn Error) -> String {
    let (mut words, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
