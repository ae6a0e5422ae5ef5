use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// A store that processes share, such as Redis. The cache bounds and counts what is asked of it, and goes on
/// without it when it fails.
pub trait CacheStore: Send + Sync + 'static {
    /// What is stored under a key.
    ///
    /// `within` is all the time there is; the cache does not wait longer whatever the store does.
    fn get<'a>(&'a self, key: &'a str, within: Duration) -> BoxFuture<'a, Result<Found, StoreError>>;

    /// Changes what is stored under a key, in one step that no other change can come into.
    ///
    /// Answers with the version that is there now, or with nothing if the change was not made: see
    /// [`Change::over`].
    fn change<'a>(
        &'a self,
        key: &'a str,
        change: Change,
        within: Duration,
    ) -> BoxFuture<'a, Result<Option<Version>, StoreError>>;
}

/// What a store says of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What is stored there, if there is something.
    pub stored: Option<Stored>,
    /// Which change that goes back to. A removal is one, too.
    pub version: Version,
}

/// What a store holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bytes as they were put there.
    pub bytes: Vec<u8>,
    /// How long they will be there. Asked of the store, so that no two clocks have to agree.
    pub expires_in: Duration,
}

/// What tells a change of a key from all others. A load remembers which one it has seen, so that what it brings
/// does not take the place of something newer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// In the store's own words; empty while it knows of no change.
    pub mark: Vec<u8>,
    /// For how much longer the store will know of it.
    pub known_for: Duration,
}

/// What is to become of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is to be stored there; with nothing, it is a removal.
    pub stored: Option<Stored>,
    /// For how long at least the store is to know of this change, also after what it stored has expired.
    pub known_for: Duration,
    /// The version that was seen: where there is another one now, the change is not made. It is made where the
    /// store knows of none. Without a version it is made whatever is there.
    pub over: Option<Version>,
}

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It gives no answer. The cache leaves it alone for a while.
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answers, and says no.
    #[error("the store refuses")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Any store, as a cache takes it.
pub type SharedStore = Arc<dyn CacheStore>;
