//! The shared store of `groundcrew-cache`.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{RedisError, RedisResult, cmd, pipe};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_cache::{CacheStore, SharedStore, StoreError, Stored};

use crate::{Redis, SharedConnection};

/// Values under their keys, each with an expiry.
#[derive(Debug)]
struct RedisStore {
    get: SharedConnection,
    put: SharedConnection,
    remove: SharedConnection,
}

// === impl Redis ===

impl Redis {
    /// The store that caches of several processes share, for `Builder::over` of `groundcrew-cache`.
    ///
    /// Counted as the operations `cache_get`, `cache_put` and `cache_remove`. All commands may be run twice.
    pub fn cache_store(&self) -> SharedStore {
        let shared = |operation| self.shared(operation).idempotent();
        Arc::new(RedisStore {
            get: shared("cache_get"),
            put: shared("cache_put"),
            remove: shared("cache_remove"),
        })
    }
}

// === impl RedisStore ===

impl CacheStore for RedisStore {
    fn get<'a>(
        &'a self,
        key: &'a str,
        within: Duration,
    ) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        let mut shared = self.get.clone().within(within);
        async move {
            // How long it lives is what Redis says, so that no two clocks have to agree.
            let asked: RedisResult<(Option<Vec<u8>>, i64)> =
                pipe().get(key).pttl(key).query_async(&mut shared).await;
            let (bytes, milliseconds) = asked.map_err(judged)?;
            // Without an expiry it is not ours.
            let expires_in = u64::try_from(milliseconds).ok().map(Duration::from_millis);
            Ok(bytes.zip(expires_in).map(|(bytes, expires_in)| Stored { bytes, expires_in }))
        }
        .boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Vec<u8>,
        ttl: Duration,
        within: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut shared = self.put.clone().within(within);
        async move {
            let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_TTL);
            let mut command = cmd("SET");
            command.arg(key).arg(bytes).arg("PX").arg(milliseconds);
            command.query_async(&mut shared).await.map_err(judged)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a str, within: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut shared = self.remove.clone().within(within);
        async move { cmd("DEL").arg(key).query_async(&mut shared).await.map_err(judged) }.boxed()
    }
}

/// Redis refuses expiries beyond what fits into its clock.
const MAX_TTL: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// Whether the cache should leave Redis alone for a while.
fn judged(error: RedisError) -> StoreError {
    if error.is_io_error() || error.is_unrecoverable_error() {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Refused(error.into())
    }
}
