use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use groundcrew_runtime::Crew;
use groundcrew_telemetry::{MetricsError, with_current};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::builder::{Builder, prefix};
use crate::flight::{Flight, Flights, Landed, Waiting};
use crate::key::Key;
use crate::life::{Lives, later};
use crate::memory::{Memory, Seen};
use crate::metrics::{CacheMetrics, Outcome};
use crate::shared::{Fetched, Shared};
use crate::{LoadError, RemoveError, Version, load};

/// After a failed renewal, and after a check that the store did not answer, this long nothing is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A cache of values of one kind. Clones share everything.
///
/// `T` should be cheap to clone. See the crate's documentation for a whole example.
pub struct Cache<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    name: Arc<str>,
    absent: fn(&T) -> bool,
    lives: Lives,
    load_timeout: Duration,
    memory: Arc<Memory<T>>,
    flights: Arc<Flights<T>>,
    shared: Option<Shared>,
    metrics: Arc<CacheMetrics>,
    /// Whether the last renewal in the background failed, of whichever key: that is logged once.
    renewal_failed: AtomicBool,
}

// === impl Cache ===

impl<T> Cache<T> {
    /// The value for these arguments; if there is none, that of `load`, which then is kept.
    ///
    /// However many callers ask for one key at a time, one load runs, in a task of its own: it goes on when a
    /// caller goes away, and its deadline is `load_timeout`. A caller waits no longer than its own request's
    /// deadline. A stale value is returned at once, and renewed in the background. `load` must only depend on the
    /// arguments. These are written as JSON and hashed: sets whose order is random make poor ones.
    ///
    /// # Errors
    ///
    /// When the load fails, panics or takes too long: then all callers who waited for it get the same. Failures
    /// are not kept. Never because of the shared store.
    pub async fn get_or_load<A, F, Fut, E>(&self, args: &A, load: F) -> Result<T, LoadError>
    where
        T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        A: Serialize + ?Sized,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let inner = &self.inner;
        let key = Key::of(&inner.name, args)?;
        let (value, outcome) = match inner.memory.look(key) {
            Seen::Fresh(value) => (value, Outcome::Hit),
            Seen::Stale { value, renew } => {
                if renew {
                    // Nobody waits for it, so there is nobody to tell.
                    let _ = inner.join(key, load);
                }
                (value, Outcome::Stale)
            }
            Seen::Unchecked(_) | Seen::Missing => match inner.join(key, load) {
                Ok(waiting) => inner.wait(waiting).await?,
                Err(value) => (value, Outcome::Hit),
            },
        };
        Ok(inner.counted(&value, outcome))
    }

    /// The value for these arguments, if it is known here or in the shared store.
    pub async fn get<A>(&self, args: &A) -> Option<T>
    where
        T: Clone + DeserializeOwned,
        A: Serialize + ?Sized,
    {
        let inner = &self.inner;
        let key = Key::of(&inner.name, args).ok()?;
        let known = match inner.memory.look(key) {
            Seen::Fresh(value) => return Some(inner.counted(&value, Outcome::Hit)),
            Seen::Stale { value, .. } => return Some(inner.counted(&value, Outcome::Stale)),
            Seen::Unchecked(value) => Some(value),
            Seen::Missing => None,
        };
        let (since, fetched) = match &inner.shared {
            Some(shared) => (shared.changes(key), shared.fetch::<T>(key).await.0),
            None => (0, Fetched::Missing),
        };
        let (value, outcome) = match (fetched, known) {
            (Fetched::Found((value, (fresh, stale))), _) => {
                let value = Arc::new(value);
                inner.keep(key, &value, (fresh, stale), since);
                (Some(value), if fresh.is_zero() { Outcome::Stale } else { Outcome::Hit })
            }
            (Fetched::Unknown, known) => (known, Outcome::Bypass),
            (Fetched::Missing, _) => (None, Outcome::Miss),
        };
        if value.is_none() {
            inner.metrics.count(outcome);
        }
        Some(inner.counted(&value?, outcome))
    }

    /// Keeps a value, in place of the one that is there and of a load that is under way here or elsewhere.
    ///
    /// # Errors
    ///
    /// When the arguments cannot be made into a key. A shared store that does not answer is none: this process then
    /// does not read an older value from it, but others may until it expires or this one asks for the value again.
    pub async fn put<A>(&self, args: &A, value: T) -> Result<(), crate::KeyError>
    where
        T: Serialize,
        A: Serialize + ?Sized,
    {
        let inner = &self.inner;
        let key = Key::of(&inner.name, args)?;
        let times = inner.lives.draw((inner.absent)(&value));
        let value = Arc::new(value);
        let told = {
            let _alone = inner.flights.forget(key);
            inner.memory.put(key, value.clone(), inner.lives.begin(times));
            inner.shared.as_ref().map(|shared| (shared, shared.begin(key)))
        };
        if let Some((shared, doubt)) = told {
            shared.put(key, doubt, &*value, times).await;
        }
        Ok(())
    }

    /// Removes the value for these arguments here and in the shared store. A load that is under way, here or
    /// elsewhere, is not kept.
    ///
    /// Other processes notice after at most `local_ttl`.
    ///
    /// # Errors
    ///
    /// When the shared store could not be told: others may read the value until it expires. This process does not.
    pub async fn remove<A: Serialize + ?Sized>(&self, args: &A) -> Result<(), RemoveError> {
        let inner = &self.inner;
        let key = Key::of(&inner.name, args)?;
        let told = {
            let _alone = inner.flights.forget(key);
            inner.memory.remove(key);
            inner.shared.as_ref().map(|shared| (shared, shared.begin(key)))
        };
        match told {
            Some((shared, doubt)) => shared
                .remove(key, doubt)
                .await
                .map_err(|source| RemoveError::Store { cache: inner.name.clone(), source }),
            None => Ok(()),
        }
    }

    pub(crate) fn assemble(builder: Builder<T>, crew: &Crew) -> Result<Self, MetricsError>
    where
        T: Send + Sync + 'static,
    {
        let prefix = prefix(&builder, crew);
        let Builder { config, name, absent, store, .. } = builder;
        let memory = Arc::new(Memory::new(usize::try_from(config.max_entries).unwrap_or(usize::MAX)));
        let counted = memory.clone();
        let metrics = Arc::new(CacheMetrics::register(crew.metrics(), name, move || counted.len())?);
        let name: Arc<str> = name.into();
        let lives = Lives::of(&config, store.is_some());
        let shared = store.map(|store| {
            let names = (prefix, name.clone());
            Shared::new(store, names, &config, lives.longest(), metrics.clone())
        });
        let flights = Flights::new();
        let load_timeout = config.load_timeout;
        let renewal_failed = AtomicBool::new(false);
        let inner =
            Inner { name, absent, lives, load_timeout, memory, flights, shared, metrics, renewal_failed };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<T> fmt::Debug for Cache<T> {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.inner.name)
            .field("entries", &self.inner.memory.len())
            .field("shared", &self.inner.shared)
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl<T> Inner<T> {
    /// Counts a call, and copies the value for its caller.
    fn counted(&self, value: &Arc<T>, outcome: Outcome) -> T
    where
        T: Clone,
    {
        let is_absent = matches!(outcome, Outcome::Hit | Outcome::Stale) && (self.absent)(value);
        self.metrics.count(if is_absent { Outcome::Negative } else { outcome });
        T::clone(value)
    }

    /// Keeps what the store said, unless a value was put or removed here while it was asked.
    fn keep(&self, key: Key, value: &Arc<T>, times: (Duration, Duration), since: u64) {
        let _alone = self.flights.alone();
        if self.shared.as_ref().is_some_and(|shared| shared.changes(key) == since) {
            self.memory.put(key, value.clone(), self.lives.begin(times));
        }
    }

    /// Waits until a load lands, no longer than the caller's own deadline.
    async fn wait(&self, mut waiting: Waiting<T>) -> Landed<T> {
        let left = with_current(|context| context.and_then(groundcrew_telemetry::Context::remaining));
        let landed = async {
            let landed = waiting.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
            landed.unwrap_or_else(|| Err(LoadError::Stopped { cache: self.name.clone() }))
        };
        let Some(within) = left else { return landed.await };
        let late = || LoadError::TimedOut { cache: self.name.clone(), within };
        tokio::time::timeout(within, landed).await.unwrap_or_else(|_| Err(late()))
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Inner<T> {
    /// Joins the load of a key or begins it. A value that landed meanwhile is handed back.
    fn join<F, Fut, E>(self: &Arc<Self>, key: Key, load: F) -> Result<Waiting<T>, Arc<T>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let landed_meanwhile = || match self.memory.look(key) {
            Seen::Fresh(value) => Some(value),
            _ => None,
        };
        let (waiting, begun) = self.flights.join(key, landed_meanwhile)?;
        if let Some(flight) = begun {
            tokio::spawn(self.clone().fly(flight, load).in_current_span());
        }
        Ok(waiting)
    }

    /// Asks the shared store, then loads.
    fn fly<F, Fut, E>(self: Arc<Self>, flight: Flight<T>, load: F) -> impl Future<Output = ()> + Send
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        // Taken where the caller's context is still current.
        let caller = groundcrew_telemetry::current();
        async move {
            let Some((otherwise, seen)) = self.ask_store(&flight).await else { return };
            let started = Instant::now();
            let loaded = load::run(&self.name, self.load_timeout, caller, load).await;
            self.metrics.load.observe(started.elapsed().as_secs_f64());
            match loaded {
                Ok(value) => self.land(flight, Arc::new(value), otherwise, seen).await,
                Err(error) => self.crash(&flight, error),
            }
        }
    }

    /// Whether there is something to load; then also what that counts as, and which version the store had before.
    async fn ask_store(&self, flight: &Flight<T>) -> Option<(Outcome, Version)> {
        let Some(shared) = &self.shared else { return Some((Outcome::Miss, Version::default())) };
        let key = flight.key();
        let (fetched, seen) = shared.fetch::<T>(key).await;
        match fetched {
            Fetched::Found((value, (fresh, stale))) => {
                let (value, life) = (Arc::new(value), self.lives.begin((fresh, stale)));
                flight.keeping(|| self.memory.put(key, value.clone(), life));
                let is_fresh = life.is_fresh();
                flight.tell(Ok((value, if is_fresh { Outcome::Hit } else { Outcome::Stale })));
                (!is_fresh).then_some((Outcome::Miss, seen))
            }
            Fetched::Missing => Some((Outcome::Miss, seen)),
            Fetched::Unknown => {
                // What was merely due to be checked is as good as it can be.
                let (Seen::Unchecked(value) | Seen::Fresh(value)) = self.memory.look(key) else {
                    return Some((Outcome::Bypass, seen));
                };
                self.memory.change(key, |life| life.check_at = later(tokio::time::Instant::now(), AGAIN));
                flight.tell(Ok((value, Outcome::Bypass)));
                None
            }
        }
    }

    /// Keeps what was loaded, then tells the callers, then the shared store.
    async fn land(&self, flight: Flight<T>, value: Arc<T>, outcome: Outcome, seen: Version) {
        self.renewal_failed.store(false, Ordering::Relaxed);
        let (key, times) = (flight.key(), self.lives.draw((self.absent)(&value)));
        let is_kept = flight.keeping(|| self.memory.put(key, value.clone(), self.lives.begin(times)));
        if !flight.has_told() {
            flight.tell(Ok((value.clone(), outcome)));
        }
        drop(flight);
        if let (true, Some(shared)) = (is_kept, &self.shared)
            && shared.fill(key, &*value, times, seen).await
        {
            // Others know better: they are asked before this is served again.
            self.memory.change(key, |life| life.check_at = tokio::time::Instant::now());
        }
    }

    fn crash(&self, flight: &Flight<T>, error: LoadError) {
        self.metrics.load_failures.inc();
        let again = later(tokio::time::Instant::now(), AGAIN);
        // Only where a stale value is served meanwhile.
        self.memory.change(flight.key(), |life| life.renew_at = again);
        // Those who wait hear of it; otherwise nobody would.
        if !flight.is_awaited() && !self.renewal_failed.swap(true, Ordering::Relaxed) {
            let (cache, cause) = (&*self.name, error.source());
            tracing::warn!(cache.name = cache, %error, cause, "a value of the cache cannot be renewed");
        }
        if !flight.has_told() {
            flight.tell(Err(error));
        }
    }
}
