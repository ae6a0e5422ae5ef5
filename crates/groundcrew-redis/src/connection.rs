use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use futures_util::FutureExt;

use crate::ending::{Answer, Ending};
use crate::lane::no_answer;
use crate::limits::limit;
use crate::metrics::Operation;
use crate::redis::Inner;
use crate::sharable;

/// A connection of one's own from the pool, for what cannot be shared: `WATCH`, blocking commands, scripts that
/// take long. It goes back when it is dropped, and is thrown away if a command got no answer or lost it, if its
/// caller went away before the answer, and if it was changed for whoever comes next, as by `SELECT`.
///
/// Every command is bounded by `redis.response_timeout` or [`set_limit`](Self::set_limit), and by the request's
/// deadline. Counted as the operations `command` and `pipeline`.
pub struct Connection {
    redis: Arc<Inner>,
    /// Taken out while a command is under way, and for good when it is to be thrown away.
    pooled: Option<deadpool_redis::Connection>,
    /// It is not what the pool has opened any more.
    changed: bool,
    command: Operation,
    pipeline: Operation,
    limit: Duration,
}

/// A connection that is not to go back to the pool: dropped, it is closed.
///
/// That is what becomes of it while a command is under way. Whoever gives the command up, by dropping its future, leaves
/// it pending on the server; a blocking one would later take what nobody receives.
struct UnderWay(Option<deadpool_redis::Connection>);

// === impl Connection ===

impl Connection {
    pub(crate) fn new(
        redis: Arc<Inner>,
        mut pooled: deadpool_redis::Connection,
        ops: [Operation; 2],
    ) -> Self {
        redis.in_use.send_modify(|in_use| *in_use += 1);
        let [command, pipeline] = ops;
        // Ours is the only clock; what a former user may have set is undone.
        pooled.set_response_timeout(Duration::MAX);
        let limit = redis.response_timeout;
        Self { redis, pooled: Some(pooled), changed: false, command, pipeline, limit }
    }

    /// How long the commands that follow may wait for their answers, as blocking commands need it.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    async fn run<T: Answer>(
        &mut self,
        operation: fn(&Self) -> &Operation,
        send: impl AsyncFnOnce(&mut deadpool_redis::Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let limit = limit(self.limit);
        let mut under_way = UnderWay(self.pooled.take());
        let result = match &mut under_way.0 {
            Some(pooled) => tokio::time::timeout(limit, send(pooled)).await,
            None => Ok(Err(crate::lane::closed(&self.redis.target))),
        };
        self.pooled = under_way.0.take();
        let result = result.unwrap_or_else(|_| Err(no_answer(&self.redis.target, limit)));
        let ending = Ending::of(&result);
        operation(self).count(ending);
        if ending == Ending::Silent || ending.wants_another() {
            // What was broken must not go back, and the idle ones that have not been used since are no better. That
            // nothing came within less time than others have says nothing about those.
            drop(UnderWay(self.pooled.take()));
            if ending != Ending::Silent || limit >= self.redis.response_timeout {
                self.redis.distrust_idle();
            }
        }
        result
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.changed |= sharable::changes(cmd);
        self.run(
            |own| &own.command,
            async move |pooled: &mut deadpool_redis::Connection| pooled.send_packed_command(cmd).await,
        )
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.changed |= pipeline.cmd_iter().any(sharable::changes);
        self.run(
            |own| &own.pipeline,
            async move |pooled: &mut deadpool_redis::Connection| {
                pooled.send_packed_commands(pipeline, offset, count).await
            },
        )
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.redis.target.client.get_connection_info().redis_settings().db()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.changed {
            drop(UnderWay(self.pooled.take()));
        } else if let Some(mut pooled) = self.pooled.take() {
            // Whoever takes it through `raw` has no other clock.
            pooled.set_response_timeout(self.redis.response_timeout);
        }
        self.redis.in_use.send_modify(|in_use| *in_use -= 1);
    }
}

// === impl UnderWay ===

impl Drop for UnderWay {
    fn drop(&mut self) {
        drop(self.0.take().map(deadpool_redis::Connection::take));
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("redis", &self.redis.target).finish_non_exhaustive()
    }
}
