use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// A store that processes share, such as Redis. The cache bounds and counts what is asked of it, and goes on
/// without it when it fails.
pub trait CacheStore: Send + Sync + 'static {
    /// What is stored under a key, and how much longer it will be.
    ///
    /// `within` is all the time there is; the cache does not wait longer whatever the store does.
    fn get<'a>(&'a self, key: &'a str, within: Duration)
    -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Stores bytes for a time.
    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Vec<u8>,
        ttl: Duration,
        within: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes what is stored under a key, if there is something.
    fn remove<'a>(&'a self, key: &'a str, within: Duration) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What a store holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bytes as they were put there.
    pub bytes: Vec<u8>,
    /// How long they will be there. Asked of the store, so that no two clocks have to agree.
    pub expires_in: Duration,
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
