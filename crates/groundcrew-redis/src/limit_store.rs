use std::time::Duration;

use deadpool_redis::redis::Script;
use futures_util::future::BoxFuture;
use groundcrew_limit::{Decision, LimitStore, Quota, StoreError};

use crate::{Redis, SharedConnection};

/// The counts of rate limits, kept together by all processes of a service: the store for
/// [`LimitConfig::limiter_over`](groundcrew_limit::LimitConfig::limiter_over).
///
/// One script on one key for each decision, by the server's clock, so that neither replicas nor their clocks can
/// disagree. A key goes away by itself when it is rested. Counted as the operation `limit`.
#[derive(Debug, Clone)]
pub struct RedisLimits {
    connection: SharedConnection,
    script: Script,
    prefix: String,
}

/// Below the 50 ms that a limiter gives its store by default: a connection learns that it is silent only from a
/// command that is waited for to its end.
const WITHIN: Duration = Duration::from_millis(40);

// === impl Redis ===

impl Redis {
    /// The store for rate limits. The prefix keeps services that share a Redis apart: the service's name does.
    ///
    /// ```no_run
    /// # async fn start(crew: groundcrew_runtime::Crew) -> Result<(), Box<dyn std::error::Error>> {
    /// use groundcrew_limit::LimitConfig;
    /// use groundcrew_redis::RedisConfig;
    ///
    /// let redis = RedisConfig::of("redis://localhost").connect(&crew).await?;
    /// let limiter = LimitConfig::default().limiter_over("clients", &crew, redis.limits(crew.service()))?;
    /// assert!(limiter.take("198.51.100.7").await.allowed);
    /// # Ok(()) }
    /// ```
    pub fn limits(&self, prefix: impl Into<String>) -> RedisLimits {
        // Sent twice it takes one unit too many, and only over a connection that broke: that errs on the safe side.
        let connection = self.shared("limit").idempotent().within(WITHIN);
        RedisLimits {
            connection,
            script: Script::new(include_str!("limit_store.lua")),
            prefix: prefix.into(),
        }
    }
}

// === impl RedisLimits ===

impl RedisLimits {
    /// How long a call waits, connecting included: 40 ms by default. To be kept below the limiter's `store_budget`.
    pub fn within(mut self, limit: Duration) -> Self {
        self.connection = self.connection.within(limit);
        self
    }
}

impl LimitStore for RedisLimits {
    fn take<'a>(
        &'a self,
        key: &'a str,
        quota: &'a Quota,
        cost: u32,
    ) -> BoxFuture<'a, Result<Decision, StoreError>> {
        Box::pin(async move {
            let mut call = self.script.key(format!("{}:limit:{{{key}}}", self.prefix));
            // Rounded up: a limit is never looser for being shared.
            call.arg(quota.interval().as_nanos().div_ceil(1000).to_string()).arg(quota.burst()).arg(cost);
            let mut connection = self.connection.clone();
            // The script is sent by its hash, and whole when the server does not know it (any more).
            let (taken, debt): (u8, u64) =
                call.invoke_async(&mut connection).await.map_err(StoreError::new)?;
            Ok(Decision::new(quota, cost, taken == 1, Duration::from_micros(debt)))
        })
    }
}
