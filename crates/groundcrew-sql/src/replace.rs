//! Watching over a pool to Postgres: keeps some connections open, and puts another pool in its place when
//! every connection of it hangs on an answer that will not come.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Error};

use crate::client_check::look_for_the_client;
use crate::connections::{PING, Shared};
use crate::{Connections, SqlConfig, metrics, retry};

/// How long a connection of our own is waited for, which tells a pool that hangs from a server that is away: one
/// that was begun during an outage must not delay the recovery.
const PROBE: Duration = Duration::from_secs(2);

/// How a pool is made, the first time and when it is replaced.
#[derive(Clone)]
pub(crate) struct Recipe {
    pool: PgPoolOptions,
    options: PgConnectOptions,
    min_connections: u32,
    replace_after: Duration,
    connect_timeout: Duration,
    name: String,
}

// === impl Recipe ===

impl Recipe {
    pub(crate) fn new(
        name: &str,
        config: &SqlConfig,
        options: PgConnectOptions,
        lifetime: Option<Duration>,
    ) -> Self {
        let pool = PgPoolOptions::new()
            // Callers wait no longer than `acquire_timeout`; an attempt to connect may take its own time, or a
            // slow server would never get one done.
            .acquire_timeout(config.acquire_timeout.max(config.connect_timeout))
            .max_connections(config.max_connections)
            .max_lifetime(lifetime)
            // The pool's own ping waits until `acquire_timeout` is over; a bounded one leaves time for another
            // connection.
            .test_before_acquire(false)
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    let ping = tokio::time::timeout(PING, connection.ping());
                    ping.await.unwrap_or(Err(Error::PoolTimedOut)).map(|()| true)
                })
            });
        // What is set for a session would reach others through a pooler.
        let pool = if config.pgbouncer {
            pool
        } else {
            pool.after_connect(|connection, _| Box::pin(look_for_the_client(connection)))
        };
        Self {
            pool,
            options,
            // Not the pool's own: its upkeep holds a place for minutes while an attempt to connect hangs.
            min_connections: config.min_connections.min(config.max_connections),
            replace_after: config.replace_after,
            connect_timeout: config.connect_timeout,
            name: name.to_owned(),
        }
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.pool.clone().connect_lazy_with(self.options.clone())
    }

    /// Watches until the handle is gone or the shutdown has closed it.
    pub(crate) fn watch(self, connections: &Connections<sqlx::Postgres>) {
        let watched = Arc::downgrade(&connections.shared);
        if self.min_connections > 0 || !self.replace_after.is_zero() {
            tokio::spawn(self.run(watched));
        }
    }

    async fn run(self, watched: Weak<Shared<sqlx::Postgres>>) {
        let period = (self.replace_after / 5).clamp(Duration::from_millis(10), Duration::from_millis(500));
        let mut saturated_since = None;
        while let Some(shared) = watched.upgrade() {
            let pool = shared.pools.current();
            if pool.is_closed() {
                return;
            }
            self.keep_some_open(&shared, &pool).await;
            let saturated = metrics::active(&pool) >= pool.options().get_max_connections();
            saturated_since = saturated.then(|| saturated_since.unwrap_or_else(Instant::now));
            if let Some(since) = saturated_since
                && self.is_stuck(&shared, since)
                && retry::attempt(&self.options, self.connect_timeout.min(PROBE)).await.is_ok()
            {
                shared.pools.replace(self.pool());
                shared.metrics.replaced();
                saturated_since = None;
                tracing::warn!(
                    database.name = self.name,
                    silent_for = ?shared.pulse.silence(),
                    "every connection of the pool is in use and none is answered, though Postgres answers a new \
                     one: the pool is replaced"
                );
            }
            drop((shared, pool));
            tokio::time::sleep(period).await;
        }
    }

    /// Slow statements look the same for a while; that only one pool retires at a time bounds what a wrong
    /// guess costs to twice the connections.
    fn is_stuck(&self, shared: &Shared<sqlx::Postgres>, since: Instant) -> bool {
        !self.replace_after.is_zero()
            && since.elapsed().min(shared.pulse.silence()) >= self.replace_after
            && shared.pulse.is_wanted()
            && !shared.pools.is_retiring()
    }

    async fn keep_some_open(&self, shared: &Arc<Shared<sqlx::Postgres>>, pool: &PgPool) {
        let mut opened = Vec::new();
        while pool.size() < self.min_connections && !pool.is_closed() {
            match tokio::time::timeout(self.connect_timeout, shared.open_another()).await {
                Ok(Ok(session)) => opened.push(session),
                // Tried again after the pause, which the gate makes longer.
                _ => return,
            }
        }
    }
}
