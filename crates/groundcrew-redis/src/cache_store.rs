//! The shared store of `groundcrew-cache`.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{RedisError, RedisResult, cmd, pipe};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_cache::{CacheStore, Change, Found, SharedStore, StoreError, Stored, Version};

use crate::{Redis, SharedConnection};

/// Values under their keys, each with an expiry, and removals for as long as they have to be known.
///
/// A value begins with a version, and with how much longer its key is there than what it holds.
#[derive(Debug)]
struct RedisStore {
    get: SharedConnection,
    put: SharedConnection,
    remove: SharedConnection,
    /// From which versions are drawn; no two processes have the same.
    seed: RandomState,
    drawn: AtomicU64,
}

const MARK: usize = 8;
const HEADER: usize = MARK + 8;

/// Redis refuses expiries beyond what fits into its clock.
const MAX_TTL: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// Sent whole: it is short, and so it takes one round trip to a server that does not know it, too.
const FILL: &str = include_str!("cache_store.lua");

// === impl Redis ===

impl Redis {
    /// The store that caches of several processes share, for `Builder::over` of `groundcrew-cache`.
    ///
    /// Counted as the operations `cache_get`, `cache_put` and `cache_remove`, one command or pipeline each. What a load
    /// brings is put by a script, so a user of Redis who may do less than all needs `EVAL`. All commands may be run
    /// twice; a load's second one finds the first, and is told that it was overtaken.
    pub fn cache_store(&self) -> SharedStore {
        let shared = |operation| self.shared(operation).idempotent();
        Arc::new(RedisStore {
            get: shared("cache_get"),
            put: shared("cache_put"),
            remove: shared("cache_remove"),
            seed: RandomState::new(),
            drawn: AtomicU64::new(0),
        })
    }
}

// === impl RedisStore ===

impl RedisStore {
    fn draw(&self) -> [u8; MARK] {
        self.seed.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

impl CacheStore for RedisStore {
    fn get<'a>(&'a self, key: &'a str, within: Duration) -> BoxFuture<'a, Result<Found, StoreError>> {
        let mut shared = self.get.clone().within(within);
        async move {
            // How long it lives is what Redis says, so that no two clocks have to agree.
            let asked: RedisResult<(Option<Vec<u8>>, i64)> =
                pipe().get(key).pttl(key).query_async(&mut shared).await;
            let (value, milliseconds) = asked.map_err(judged)?;
            Ok(value.map(|value| found(value, milliseconds)).unwrap_or_default())
        }
        .boxed()
    }

    fn change<'a>(
        &'a self,
        key: &'a str,
        change: Change,
        within: Duration,
    ) -> BoxFuture<'a, Result<Option<Version>, StoreError>> {
        let is_removal = change.stored.is_none();
        let mut shared = if is_removal { &self.remove } else { &self.put }.clone().within(within);
        let mark = self.draw();
        let (value, lives) = written(mark, &change);
        let version = Version { mark: mark.to_vec(), known_for: Duration::from_millis(lives) };
        async move {
            if let Some(over) = change.over {
                let mut fill = cmd("EVAL");
                fill.arg(FILL).arg(1).arg(key).arg(over.mark).arg(value).arg(lives);
                let is_made: bool = fill.query_async(&mut shared).await.map_err(judged)?;
                return Ok(is_made.then_some(version));
            }
            let mut set = cmd("SET");
            set.arg(key).arg(value).arg("PX").arg(lives);
            let set: RedisResult<()> = set.query_async(&mut shared).await;
            match set {
                // A full server does not take note of a removal, but it removes.
                Err(error) if is_removal && error.code() == Some("OOM") => {
                    let () = cmd("DEL").arg(key).query_async(&mut shared).await.map_err(judged)?;
                    Ok(Some(Version::default()))
                }
                set => set.map(|()| Some(version)).map_err(judged),
            }
        }
        .boxed()
    }
}

/// What is written under a key, and for how many milliseconds.
fn written(mark: [u8; MARK], change: &Change) -> (Vec<u8>, u64) {
    let (bytes, life) = match &change.stored {
        Some(stored) => (&*stored.bytes, milliseconds(stored.expires_in)),
        None => (&[][..], 0),
    };
    let lives = life.max(milliseconds(change.known_for)).max(1);
    let mut value = Vec::with_capacity(HEADER + bytes.len());
    value.extend(mark);
    value.extend((lives - life).to_be_bytes());
    value.extend(bytes);
    (value, lives)
}

/// What a value says that was read. Without an expiry, or without our header, it is not ours and holds nothing; its
/// first bytes are its version all the same, so that ours may take its place.
fn found(mut value: Vec<u8>, milliseconds: i64) -> Found {
    let left = u64::try_from(milliseconds).unwrap_or(0);
    let mark = value[..value.len().min(MARK)].to_vec();
    let version = Version { mark, known_for: Duration::from_millis(left) };
    let longer = value.get(MARK..HEADER).and_then(|longer| longer.try_into().ok()).map(u64::from_be_bytes);
    let life = left.saturating_sub(longer.unwrap_or(u64::MAX));
    let stored = (life > 0).then(|| {
        value.drain(..HEADER);
        Stored { bytes: value, expires_in: Duration::from_millis(life) }
    });
    Found { stored, version }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(MAX_TTL)
}

/// Whether the cache should leave Redis alone for a while.
fn judged(error: RedisError) -> StoreError {
    if error.is_io_error() || error.is_unrecoverable_error() {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Refused(error.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_found_for_as_long_as_it_lives(
            bytes: Option<Vec<u8>>,
            life in 1u64..1000,
            known_for in 0u64..1000,
            passed in 0u64..1000,
        ) {
            let time = Duration::from_millis;
            let stored = bytes.map(|bytes| Stored { bytes, expires_in: time(life) });
            let change = Change { stored: stored.clone(), known_for: time(known_for), over: None };
            let (value, lives) = written([7; MARK], &change);
            prop_assert!(lives >= known_for);
            let found = found(value, i64::try_from(lives.saturating_sub(passed)).expect("a number"));
            prop_assert_eq!(found.version.mark, vec![7; MARK]);
            let expected = stored.filter(|_| passed < life);
            let expected = expected.map(|stored| Stored { expires_in: time(life - passed), ..stored });
            prop_assert_eq!(found.stored, expected);
        }

        #[test]
        fn no_bytes_whatsoever_are_too_short(value: Vec<u8>, milliseconds: i64) {
            let found = found(value.clone(), milliseconds);
            prop_assert!(value.starts_with(&found.version.mark));
        }
    }
}
