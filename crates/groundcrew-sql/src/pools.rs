use std::fmt;
#[cfg(feature = "postgres")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
#[cfg(feature = "postgres")]
use std::time::Duration;
use std::time::Instant;

use sqlx::{Database, Pool};

/// The pool that is in use, and the one that was in use before it.
pub(crate) struct Pools<DB: Database> {
    current: RwLock<Pool<DB>>,
    #[cfg(feature = "postgres")]
    retired: Mutex<Option<Pool<DB>>>,
}

/// When the database answered last, and whether anybody waits for it.
#[derive(Debug)]
pub(crate) struct Pulse {
    born: Instant,
    answered: AtomicU64,
    missed: AtomicU64,
    waiting: AtomicU32,
}

/// Somebody waits for a connection.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a Pulse);

// === impl Pools ===

impl<DB: Database> Pools<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Arc<Self> {
        Arc::new(Self {
            current: RwLock::new(pool),
            #[cfg(feature = "postgres")]
            retired: Mutex::default(),
        })
    }

    pub(crate) fn current(&self) -> Pool<DB> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cfg(feature = "postgres")]
    /// Whether connections of the pool before this one are still in use.
    pub(crate) fn is_retiring(&self) -> bool {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.as_ref().is_some_and(|pool| pool.size() > 0)
    }

    #[cfg(feature = "postgres")]
    /// Puts another pool in place. What runs on the old one goes on until its own deadline, and its
    /// connections are closed instead of being given back.
    pub(crate) fn replace(&self, next: Pool<DB>) {
        let old = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            // The shutdown has closed it: a new one would live on.
            if current.is_closed() {
                return;
            }
            std::mem::replace(&mut *current, next)
        };
        // Closed from here on; nobody needs to wait until its last connection is.
        drop(old.close());
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(old);
    }
}

impl<DB: Database> fmt::Debug for Pools<DB> {
    /// Without the options of the pool, which hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = self.current();
        f.debug_struct("Pools").field("size", &pool.size()).field("idle", &pool.num_idle()).finish()
    }
}

// === impl Pulse ===

impl Pulse {
    pub(crate) fn new() -> Self {
        let (answered, missed, waiting) = Default::default();
        Self { born: Instant::now(), answered, missed, waiting }
    }

    pub(crate) fn answered(&self) {
        self.answered.store(self.age(), Ordering::Relaxed);
    }

    /// Somebody got no connection in time.
    pub(crate) fn missed(&self) {
        self.missed.store(self.age().max(1), Ordering::Relaxed);
    }

    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    #[cfg(feature = "postgres")]
    /// Whether somebody waits, or went away empty-handed since the last answer.
    pub(crate) fn is_wanted(&self) -> bool {
        let (missed, answered) = (self.missed.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed));
        self.waiting.load(Ordering::Relaxed) > 0 || missed > answered
    }

    #[cfg(feature = "postgres")]
    /// For how long the database has answered nothing.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.age().saturating_sub(self.answered.load(Ordering::Relaxed)))
    }

    /// In milliseconds.
    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
