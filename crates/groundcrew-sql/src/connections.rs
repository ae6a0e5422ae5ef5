use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use groundcrew_runtime::{Outcome, PhaseScope};
use groundcrew_telemetry::Metrics;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Pool, SqlSafeStr, Transaction};

use crate::ConnectError;
use crate::metrics::{self, PoolMetrics};

/// A bounded set of connections whose waits are counted. A reference is a sqlx executor.
///
/// Clones share everything.
pub struct Connections<DB: Database> {
    pool: Pool<DB>,
    metrics: Arc<PoolMetrics>,
    begin: &'static str,
}

// === impl Connections ===

impl<DB: Database> Connections<DB> {
    pub(crate) fn register(
        metrics: &Metrics,
        name: &str,
        pool: Pool<DB>,
        begin: &'static str,
    ) -> Result<Self, ConnectError> {
        let metrics = PoolMetrics::register(metrics, name, &pool)
            .map_err(|source| ConnectError::Metrics { name: name.to_owned(), source })?;
        Ok(Self { pool, metrics: Arc::new(metrics), begin })
    }

    /// Waits for a connection, at most for `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::PoolTimedOut`] when none became free in time, [`Error::PoolClosed`] during the shutdown.
    pub async fn acquire(&self) -> Result<PoolConnection<DB>, Error> {
        let started = Instant::now();
        let acquired = self.pool.acquire().await;
        self.metrics.waited(started.elapsed());
        if matches!(acquired, Err(Error::PoolTimedOut)) {
            self.metrics.timed_out();
        }
        acquired
    }

    /// Begins a transaction. It is rolled back when it is dropped without `commit`.
    ///
    /// May be used under a timeout and in `select!`: the statement itself runs in a task of its own, so that
    /// a caller who goes away cannot leave a connection in the pool with its transaction still open.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire), and what the database says.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        let connection = self.acquire().await?;
        let statement = self.begin.into_sql_str();
        let begun = tokio::spawn(async move { Transaction::begin(connection, Some(statement)).await });
        match begun.await {
            Ok(transaction) => transaction,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a runtime that shuts down cancels a task that nobody aborts.
            Err(_) => Err(Error::PoolClosed),
        }
    }

    /// Times work on the database as `db_query_duration_seconds{query_type}`, however it ends.
    ///
    /// `query_type` is a name from the source code, such as `select_parcel`, never a value.
    pub async fn timed<T>(&self, query_type: &'static str, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = work.await;
        self.metrics.queried(query_type, started.elapsed());
        result
    }

    /// The library's own pool, without our guarantees: its waits are not counted, and its `begin()` must not
    /// be cancelled.
    pub fn raw(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Closes the pool; connections in use are waited for until the phase is cut.
    pub(crate) async fn close(&self, scope: &PhaseScope) -> Closed {
        let open = self.pool.size();
        tokio::select! {
            () = self.pool.close() => Closed { open, in_use: 0 },
            () = scope.cut() => Closed { open, in_use: metrics::active(&self.pool) },
        }
    }
}

impl<DB: Database> Clone for Connections<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), metrics: self.metrics.clone(), begin: self.begin }
    }
}

impl<DB: Database> fmt::Debug for Connections<DB> {
    /// Without the options of the pool, which hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("backend", &DB::NAME)
            .field("size", &self.pool.size())
            .field("idle", &self.pool.num_idle())
            .finish_non_exhaustive()
    }
}

/// What closing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    open: u32,
    in_use: u32,
}

impl std::ops::Add for Closed {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { open: self.open + other.open, in_use: self.in_use + other.in_use }
    }
}

impl From<Closed> for Outcome {
    fn from(Closed { open, in_use }: Closed) -> Self {
        let noun = if open == 1 { "connection" } else { "connections" };
        match in_use {
            0 => Outcome::finished(format!("{open} {noun} closed")),
            _ => Outcome::cut(format!("{in_use} of {open} {noun} still in use")),
        }
    }
}
