use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value, cmd};
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::ending::{Answer, Ending};
use crate::lane::{Lane, no_answer};
use crate::limits::limit;
use crate::metrics::Operation;
use crate::redis::Inner;
use crate::sharable;

/// A way to Redis that many operations share, for commands that need no connection of their own: anything but
/// `WATCH`, `SUBSCRIBE`, blocking commands and such as change the connection, which are refused.
///
/// It is what `redis` calls a connection, so that commands, pipelines and scripts run on it. Every command is
/// bounded by the response timeout or [`within`](Self::within), and by the request's deadline. While Redis is
/// down, commands fail at once. Errors are those of the library: `is_timeout` says that no answer came.
#[derive(Debug, Clone)]
pub struct SharedConnection {
    redis: Arc<Inner>,
    operation: Operation,
    within: Duration,
    idempotent: bool,
}

// === impl SharedConnection ===

impl SharedConnection {
    pub(crate) fn new(redis: Arc<Inner>, operation: &'static str) -> Self {
        let (operation, within) = (redis.metrics.operation(operation), redis.response_timeout);
        Self { redis, operation, within, idempotent: false }
    }

    /// How long a command waits for its answer, connecting included. Default: `redis.response_timeout`.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Says that the commands may be run twice: one whose connection turns out to be broken, as an idle one is
    /// after a restart of Redis, is sent once more over a new one. One that got no answer in time is not.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    async fn run<T, F>(&self, send: impl Fn(MultiplexedConnection) -> F) -> RedisResult<T>
    where
        T: Answer,
        F: Future<Output = RedisResult<T>>,
    {
        let limit = limit(self.within);
        let until = Instant::now() + limit;
        let lane = self.redis.lane();
        let silent = || no_answer(&self.redis.target, limit);
        let attempts = async {
            match attempt(lane, until, &silent, &send).await {
                result if self.idempotent && Ending::of(&result).wants_another() => {
                    attempt(lane, until, &silent, &send).await
                }
                result => result,
            }
        };
        // The same instant as inside, where the lane learns of it; here it also bounds the connecting.
        let result = tokio::time::timeout_at(until, attempts).await.unwrap_or_else(|_| Err(silent()));
        self.operation.count(Ending::of(&result));
        result
    }
}

async fn attempt<T, F>(
    lane: &Arc<Lane>,
    until: Instant,
    silent: impl Fn() -> RedisError,
    send: impl Fn(MultiplexedConnection) -> F,
) -> RedisResult<T>
where
    T: Answer,
    F: Future<Output = RedisResult<T>>,
{
    let leased = lane.lease().await?;
    let answer = tokio::time::timeout_at(until, send(leased.connection.clone())).await;
    let result = answer.unwrap_or_else(|_| Err(silent()));
    lane.ended(&leased, Ending::of(&result));
    result
}

impl ConnectionLike for SharedConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        if let Err(refused) = sharable::check(cmd) {
            return std::future::ready(Err(refused)).boxed();
        }
        self.run(move |mut connection| async move { connection.send_packed_command(cmd).await }).boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        if let Err(refused) = sharable::check_all(pipeline) {
            return std::future::ready(Err(refused)).boxed();
        }
        self.run(move |mut connection| async move {
            connection.send_packed_commands(pipeline, offset, count).await
        })
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.redis.target.client.get_connection_info().redis_settings().db()
    }
}

/// Asks whether a connection is alive; the health check keeps all of them warm that way.
pub(crate) async fn ping(lane: &Arc<Lane>, redis: &Inner) -> RedisResult<()> {
    let ping = |mut connection| async move { cmd("PING").query_async(&mut connection).await };
    let limit = redis.response_timeout;
    attempt(lane, Instant::now() + limit, || no_answer(&redis.target, limit), ping).await
}
