//! What several tests need: a load that is watched, and a store that fails on demand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_cache::{CacheStore, Change, Found, StoreError, Stored, Version};
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
    pub(crate) kept: Mutex<HashMap<String, Kept>>,
    pub(crate) mood: Mutex<Mood>,
    pub(crate) asked: AtomicU32,
    changes: AtomicU32,
    /// Answers to what is asked wait for it.
    pub(crate) gate: Mutex<Option<Arc<Semaphore>>>,
}

/// What is kept under a key.
pub(crate) struct Kept {
    pub(crate) bytes: Option<Vec<u8>>,
    until: Instant,
    known_until: Instant,
    mark: Vec<u8>,
}

impl Kept {
    fn found(&self) -> Option<Found> {
        let left =
            |until: Instant| until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        let version = Version { mark: self.mark.clone(), known_for: left(self.known_until)? };
        let stored = self.bytes.clone().zip(left(self.until));
        let stored = stored.map(|(bytes, expires_in)| Stored { bytes, expires_in });
        Some(Found { stored, version })
    }
}

impl Shelf {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            mood: Mutex::new(Mood::Well),
            asked: AtomicU32::new(0),
            changes: AtomicU32::new(0),
            gate: Mutex::default(),
        })
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn ask<R>(&self, work: impl FnOnce(&mut HashMap<String, Kept>) -> R) -> Result<R, StoreError> {
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
    fn get<'a>(&'a self, key: &'a str, _: Duration) -> BoxFuture<'a, Result<Found, StoreError>> {
        async move {
            let found = self.ask(|kept| kept.get(key).and_then(Kept::found).unwrap_or_default()).await?;
            let gate = self.gate.lock().clone();
            if let Some(gate) = gate {
                let _closed = gate.acquire().await;
            }
            Ok(found)
        }
        .boxed()
    }

    fn change<'a>(
        &'a self,
        key: &'a str,
        change: Change,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Version>, StoreError>> {
        self.ask(move |kept| {
            let there = kept.get(key).and_then(Kept::found).map(|found| found.version.mark);
            if change.over.is_some_and(|over| there.is_some_and(|there| there != over.mark)) {
                return None;
            }
            let mark = self.changes.fetch_add(1, Ordering::SeqCst).to_be_bytes().to_vec();
            let (bytes, life) = match change.stored {
                Some(stored) => (Some(stored.bytes), stored.expires_in),
                None => (None, Duration::ZERO),
            };
            let known_for = life.max(change.known_for);
            let (until, known_until) = (Instant::now() + life, Instant::now() + known_for);
            kept.insert(key.to_owned(), Kept { bytes, until, known_until, mark: mark.clone() });
            Some(Version { mark, known_for })
        })
        .boxed()
    }
}
