use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult};
use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};
use futures_util::future::join_all;
use groundcrew_runtime::{CheckPolicy, Crew, Outcome, Phase, PhaseScope};
use tokio::sync::watch;

use crate::lane::Lane;
use crate::limits::limit;
use crate::metrics::{Operation, RedisMetrics, names};
use crate::shared::{SharedConnection, ping};
use crate::target::{Target, chosen, resolve};
use crate::{AcquireError, ConnectError, Connection, RedisConfig, RedisImpact, UrlError};

/// One Redis server: a pool, and a few connections that everybody shares. Clones share everything.
///
/// Nothing is open before it is needed, and what breaks is replaced: a Redis that is down, restarts or moves
/// does not need the service to be restarted.
#[derive(Debug, Clone)]
pub struct Redis {
    inner: Arc<Inner>,
    pooled: [Operation; 2],
}

pub(crate) struct Inner {
    pub(crate) target: Target,
    pub(crate) metrics: RedisMetrics,
    pub(crate) response_timeout: Duration,
    /// How many connections of the pool are lent out.
    pub(crate) in_use: watch::Sender<usize>,
    acquire_timeout: Duration,
    /// Whoever waited at least so long has given the idle connections the time to prove that they are alive.
    patience: Duration,
    max: usize,
    pool: Pool,
    lanes: Vec<Arc<Lane>>,
    turn: AtomicUsize,
}

// === impl Redis ===

impl Redis {
    /// A way to Redis that is shared, for commands that need no connection of their own.
    ///
    /// `operation` is a word from the source code, never a value: it is the label under which
    /// `redis_operations_total` counts. Keep what you get, and clone it: its counters are looked up here.
    pub fn shared(&self, operation: &'static str) -> SharedConnection {
        SharedConnection::new(self.inner.clone(), operation)
    }

    /// A connection of one's own from the pool, within `redis.acquire_timeout` and the request's deadline.
    ///
    /// # Errors
    ///
    /// When none is free in time, when Redis cannot be reached, and during the shutdown.
    pub async fn get(&self) -> Result<Connection, AcquireError> {
        let inner = &self.inner;
        let within = limit(inner.acquire_timeout);
        let started = Instant::now();
        let acquired = inner.take(within).await;
        inner.metrics.waited(started.elapsed());
        let target = inner.target.shown.clone();
        match acquired {
            Some(Ok(pooled)) => Ok(Connection::new(inner.clone(), pooled, self.pooled.clone())),
            Some(Err(PoolError::Backend(cause))) => Err(AcquireError::Connect { target, cause }),
            Some(Err(PoolError::Timeout(deadpool_redis::TimeoutType::Create))) => {
                let words = "no answer within redis.connect_timeout";
                let cause = std::io::Error::new(std::io::ErrorKind::TimedOut, words).into();
                Err(AcquireError::Connect { target, cause })
            }
            None | Some(Err(PoolError::Timeout(_))) => {
                inner.metrics.timed_out();
                if within >= inner.patience {
                    inner.distrust_idle();
                }
                let in_use = *inner.in_use.borrow();
                Err(AcquireError::TimedOut { target, within, in_use, max: inner.max })
            }
            // Neither hooks nor a missing runtime are possible with the pool that we build.
            Some(Err(_)) => Err(AcquireError::Closed { target }),
        }
    }

    /// The library's own pool, without our guarantees: its waits are not counted, a request's deadline is not
    /// known to it, and what is silent goes back to it.
    pub fn raw(&self) -> &Pool {
        &self.inner.pool
    }

    async fn ping(&self) -> RedisResult<()> {
        let inner = &*self.inner;
        join_all(inner.lanes.iter().map(|lane| ping(lane, inner))).await.into_iter().collect()
    }

    async fn close(&self, scope: &PhaseScope) -> Outcome {
        let inner = &self.inner;
        let open = inner.pool.status().size + inner.lanes.iter().filter(|lane| lane.is_open()).count();
        inner.lanes.iter().for_each(|lane| lane.close());
        inner.pool.close();
        let mut in_use = inner.in_use.subscribe();
        let returned = async { in_use.wait_for(|in_use| *in_use == 0).await.is_ok() };
        let done = tokio::select! {
            done = returned => done,
            () = scope.cut() => false,
        };
        let noun = if open == 1 { "connection" } else { "connections" };
        if done {
            return Outcome::finished(format!("{open} {noun} closed"));
        }
        Outcome::cut(format!("{} of {open} {noun} still in use", *inner.in_use.borrow()))
    }
}

// === impl Inner ===

impl Inner {
    fn build(config: &RedisConfig, target: Target, metrics: RedisMetrics) -> Self {
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.response_timeout));
        let info = target.client.get_connection_info().clone();
        let manager = Manager::new_with_config(info, options).expect("a target that was resolved opens");
        let max = usize::try_from(config.max_connections).unwrap_or(usize::MAX);
        let pool = Pool::builder(manager)
            .max_size(max)
            .timeouts(Timeouts {
                wait: Some(config.acquire_timeout),
                create: Some(config.connect_timeout),
                recycle: Some(config.recycle_timeout),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with a runtime builds");
        let lane = |_| Lane::new(target.clone(), config.connect_timeout, config.response_timeout);
        Self {
            metrics,
            response_timeout: config.response_timeout,
            in_use: watch::Sender::new(0),
            acquire_timeout: config.acquire_timeout,
            patience: config.recycle_timeout.min(config.acquire_timeout),
            max,
            pool,
            lanes: (0..config.shared_connections.max(1)).map(lane).collect(),
            turn: AtomicUsize::new(0),
            target,
        }
    }

    /// A connection of the pool; `None` where there is none within so long.
    async fn take(&self, within: Duration) -> Option<Result<deadpool_redis::Connection, PoolError>> {
        // Without time, nothing is asked: the pool throws away what it was testing when its caller went away.
        if within.is_zero() {
            return None;
        }
        tokio::time::timeout(within, self.pool.get()).await.ok()
    }

    /// The next of the shared connections, in turn.
    pub(crate) fn lane(&self) -> &Arc<Lane> {
        &self.lanes[self.turn.fetch_add(1, Ordering::Relaxed) % self.lanes.len()]
    }

    /// Throws away the idle connections that have not lately proved to be alive. Testing a whole pool of dead
    /// ones would cost every caller `recycle_timeout` times their number.
    pub(crate) fn distrust_idle(&self) {
        let lately = self.response_timeout;
        drop(self.pool.retain(|_, metrics| metrics.last_used() < lately));
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("target", &self.target).finish_non_exhaustive()
    }
}

// === impl RedisConfig ===

impl RedisConfig {
    /// A handle for the Redis that is configured, named `redis` in health, metrics and the shutdown.
    ///
    /// A server that is down does not stop the start: it is tried once, for at most `connect_timeout`, and the
    /// handle connects when it is back.
    ///
    /// # Errors
    ///
    /// When no URL is set or it is wrong, and when Redis answers and refuses the password.
    pub async fn connect(&self, crew: &Crew) -> Result<Redis, ConnectError> {
        self.connect_as("redis", crew).await
    }

    /// As [`connect`](Self::connect), for a service with several of them.
    pub async fn connect_as(&self, name: &str, crew: &Crew) -> Result<Redis, ConnectError> {
        let target = resolve(self)?.ok_or(UrlError::NotConfigured)?;
        open(self, name, crew, target).await
    }

    /// As [`connect`](Self::connect), for a service that also works without: `None` if no URL is set.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); in production also when there is no URL and nobody chose that with
    /// `redis.in_process`.
    pub async fn connect_if_configured(&self, crew: &Crew) -> Result<Option<Redis>, ConnectError> {
        self.connect_if_configured_as("redis", crew).await
    }

    /// As [`connect_if_configured`](Self::connect_if_configured), for a service with several of them.
    pub async fn connect_if_configured_as(
        &self,
        name: &str,
        crew: &Crew,
    ) -> Result<Option<Redis>, ConnectError> {
        match chosen(self, crew.environment())? {
            Some(target) => open(self, name, crew, target).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn open(config: &RedisConfig, name: &str, crew: &Crew, target: Target) -> Result<Redis, ConnectError> {
    #[cfg(feature = "tls")]
    crate::tls::ensure_provider();
    let unregistered = |source| ConnectError::Metrics { name: name.to_owned(), source };
    let metrics = RedisMetrics::register(crew.metrics(), name).map_err(unregistered)?;
    let pooled = ["command", "pipeline"].map(|operation| metrics.operation(operation));
    let redis = Redis { inner: Arc::new(Inner::build(config, target, metrics)), pooled };
    show(&redis.inner, name, crew).map_err(unregistered)?;

    let target = &redis.inner.target.shown;
    match redis.ping().await {
        Ok(()) => tracing::info!(redis.name = name, redis.target = target, "Redis is connected"),
        Err(cause) if is_refusal(&cause) => {
            return Err(ConnectError::Refused { target: target.clone(), cause });
        }
        Err(error) => tracing::warn!(
            redis.name = name,
            redis.target = target,
            %error,
            "Redis cannot be reached; the service starts without it"
        ),
    }
    let policy = match config.impact {
        RedisImpact::Required => CheckPolicy::required(),
        RedisImpact::Degraded => CheckPolicy::degraded(),
    };
    let policy = policy.period(config.check_period).timeout(config.check_timeout);
    let probed = redis.clone();
    let probe = move || {
        let redis = probed.clone();
        async move { redis.ping().await }
    };
    crew.check(name, policy, probe).keep();
    let closing = redis.clone();
    crew.on_shutdown(Phase::Close, name, move |scope| async move { closing.close(&scope).await });
    Ok(redis)
}

fn show(inner: &Arc<Inner>, name: &str, crew: &Crew) -> Result<(), groundcrew_telemetry::MetricsError> {
    let gauge = |metric: (&str, &str), read: fn(&Inner) -> usize| {
        let inner = inner.clone();
        RedisMetrics::gauge(crew.metrics(), name, metric, move || read(&inner))
    };
    gauge((names::ACTIVE, "Connections of the pool that are in use."), |inner| *inner.in_use.borrow())?;
    gauge((names::SIZE, "Open connections of the pool, in use and idle."), |inner| inner.pool.status().size)?;
    gauge((names::IDLE, "Open connections of the pool that wait for work."), |inner| {
        inner.pool.status().size.saturating_sub(*inner.in_use.borrow())
    })?;
    gauge((names::MAX, "How many connections the pool may open."), |inner| inner.max)?;
    gauge((names::SHARED, "Shared connections that are open."), |inner| {
        inner.lanes.iter().filter(|lane| lane.is_open()).count()
    })
}

/// Whether Redis answered that it does not want us; anything else may be over in a moment.
fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
}
