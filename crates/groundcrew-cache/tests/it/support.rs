//! What several tests need: a load that is watched, and a store that fails on demand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_cache::{CacheStore, StoreError, Stored};
use groundcrew_runtime::Crew;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// The value of a metric, by the beginning of its line; 0 if there is none.
pub(crate) fn metric(crew: &Crew, series: &str) -> u64 {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(series));
    line.and_then(|line| line.rsplit(' ').next()).map_or(0, |value| value.parse().expect("a number"))
}

/// How many calls of the cache `parcels` ended so.
pub(crate) fn requests(crew: &Crew, outcome: &str) -> u64 {
    metric(crew, &format!("cache_requests_total{{cache=\"parcels\",outcome=\"{outcome}\""))
}

/// A load that counts how often it is run, and waits until it may end.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    count: Arc<AtomicU32>,
    permits: Arc<Semaphore>,
}

impl Load {
    /// One that ends at once.
    pub(crate) fn open() -> Self {
        let load = Self::held();
        load.release();
        load
    }

    /// One that waits.
    pub(crate) fn held() -> Self {
        Self { count: Arc::default(), permits: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn release(&self) {
        self.permits.close();
    }

    /// Loads the number of this load.
    pub(crate) fn run(&self) -> impl Future<Output = Result<u32, std::io::Error>> + Send + use<> {
        let load = self.clone();
        async move {
            let number = load.count.fetch_add(1, Ordering::SeqCst) + 1;
            let _closed = load.permits.acquire().await;
            Ok(number)
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }
}

/// Lets everything run that can, in paused time.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// What a store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Silent,
    Refusing,
}

/// A shared store in memory. What runs for real is tested in groundcrew-redis; this one keeps paused time.
pub(crate) struct Shelf {
    pub(crate) kept: Mutex<HashMap<String, (Vec<u8>, Instant)>>,
    pub(crate) mood: Mutex<Mood>,
    pub(crate) asked: AtomicU32,
}

impl Shelf {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), mood: Mutex::new(Mood::Well), asked: AtomicU32::new(0) })
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn ask<R>(
        &self,
        work: impl FnOnce(&mut HashMap<String, (Vec<u8>, Instant)>) -> R,
    ) -> Result<R, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock();
        match mood {
            Mood::Well => Ok(work(&mut self.kept.lock())),
            Mood::Silent => std::future::pending().await,
            Mood::Refusing => Err(StoreError::Refused("out of memory".into())),
        }
    }
}

impl CacheStore for Shelf {
    fn get<'a>(&'a self, key: &'a str, _: Duration) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.ask(|kept| {
            let (bytes, until) = kept.get(key)?;
            let expires_in = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            Some(Stored { bytes: bytes.clone(), expires_in })
        })
        .boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Vec<u8>,
        ttl: Duration,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.ask(move |kept| drop(kept.insert(key.to_owned(), (bytes, Instant::now() + ttl)))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a str, _: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.ask(move |kept| drop(kept.remove(key))).boxed()
    }
}
