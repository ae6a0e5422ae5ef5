use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use groundcrew_runtime::{Outcome, PhaseScope};
use groundcrew_telemetry::Metrics;
use sqlx::{Connection, Database, Error, Pool, SqlSafeStr};
use tokio::sync::Notify;

use crate::connect_gate::ConnectGate;
use crate::deadline::{Awaited, Budget, DeadlineExceeded, Limit};
use crate::metrics::{self, PoolMetrics};
use crate::pools::{Pools, Pulse};
use crate::{Checkout, ConnectError, Session, SqlConfig, Transaction};

/// How long an idle connection has to answer before it is lent.
pub(crate) const PING: Duration = Duration::from_secs(1);

/// How long a connection has to answer before it is given back.
#[cfg(feature = "postgres")]
const RELEASE: Duration = Duration::from_secs(2);

/// A bounded set of connections whose waits are bounded and counted. A reference is a sqlx executor.
///
/// Every operation ends by the smaller of `operation_timeout` and what is left of the time of the request or
/// job on whose behalf it runs. Clones share everything.
pub struct Connections<DB: Database> {
    pub(crate) shared: Arc<Shared<DB>>,
}

/// What the handle, its connections and the one who watches them share.
pub(crate) struct Shared<DB: Database> {
    pub(crate) pools: Arc<Pools<DB>>,
    pub(crate) limits: Limits,
    pub(crate) pulse: Pulse,
    pub(crate) released: Notify,
    pub(crate) metrics: PoolMetrics,
    gate: Option<Arc<ConnectGate>>,
    pub(crate) begin: &'static str,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    acquire: Duration,
    /// `None`: no limit but the request's.
    pub(crate) operation: Option<Duration>,
    /// `None` where a connection cannot fall silent: it goes back the pool's own way, and is kept.
    pub(crate) release: Option<Duration>,
    /// Behind a pooler that lends a server for one transaction.
    pub(crate) through_pooler: bool,
}

// === impl Connections ===

impl<DB: Database> Connections<DB> {
    pub(crate) fn register(
        metrics: &Metrics,
        name: &str,
        pool: Pool<DB>,
        begin: &'static str,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        let pools = Pools::new(pool);
        let metrics = PoolMetrics::register(metrics, name, &pools)
            .map_err(|source| ConnectError::Metrics { name: name.to_owned(), source })?;
        let gate = limits.release.map(|_| Arc::new(ConnectGate::new()));
        let (pulse, released) = (Pulse::new(), Notify::new());
        Ok(Self { shared: Arc::new(Shared { pools, limits, pulse, released, metrics, gate, begin }) })
    }

    /// Waits for a connection, at most for `acquire_timeout` and no longer than the request has time.
    ///
    /// # Errors
    ///
    /// [`DeadlineExceeded`] when none became free in time, with what the last attempt to connect failed of;
    /// [`Error::PoolClosed`] during the shutdown.
    pub async fn acquire(&self) -> Result<Checkout<DB>, Error> {
        self.session().await.map(Checkout)
    }

    pub(crate) async fn session(&self) -> Result<Session<DB>, Error> {
        let shared = &self.shared;
        let started = Instant::now();
        let mut budget = Budget::new(Awaited::Connection, Limit::Acquire, Some(shared.limits.acquire));
        let taken = {
            let _waiting = shared.pulse.wait();
            budget.wait(Box::pin(shared.take())).await
        };
        shared.metrics.waited(started.elapsed());
        taken.map_err(|error| shared.explain(error))
    }

    /// Begins a transaction. It is rolled back when it is dropped without `commit`.
    ///
    /// May be used under a timeout and in `select!`: the statement itself runs in a task of its own, so that
    /// a caller who goes away cannot leave a connection in the pool with its transaction still open.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire), and what the database says.
    pub async fn begin(&self) -> Result<Transaction<DB>, Error> {
        let session = self.session().await?;
        let (budget, statement) = (session.budget(Awaited::Begin), self.shared.begin.into_sql_str());
        let begun = tokio::spawn(Box::pin(Transaction::begin(session, statement, budget)));
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
        self.shared.metrics.queries().timed(query_type, work).await
    }

    /// The library's own pool, without our guarantees: its waits are not counted, its operations have no
    /// deadline, and its `begin()` must not be cancelled. Ask for it anew instead of keeping it: a pool that no
    /// longer answers is replaced by another one.
    pub fn raw(&self) -> Pool<DB> {
        self.shared.pools.current()
    }

    /// Closes the pool; connections in use are waited for until the phase is cut.
    pub(crate) async fn close(&self, scope: &PhaseScope) -> Closed {
        let pool = self.raw();
        let open = pool.size();
        tokio::select! {
            () = pool.close() => Closed { open, in_use: 0 },
            () = scope.cut() => Closed { open, in_use: metrics::active(&pool) },
        }
    }
}

impl<DB: Database> Clone for Connections<DB> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<DB: Database> fmt::Debug for Connections<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("backend", &DB::NAME)
            .field("pools", &self.shared.pools)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl<DB: Database> Shared<DB> {
    async fn take(self: &Arc<Self>) -> Result<Session<DB>, Error> {
        let Some(gate) = &self.gate else {
            let connection = Box::pin(self.pools.current().acquire()).await?;
            return Ok(Session::new(connection, Arc::clone(self)));
        };
        let pass = {
            let mut pass = pin!(Arc::clone(gate).pass());
            loop {
                if let Some(session) = self.idle().await {
                    return Ok(session);
                }
                // While others connect, or nobody may for a while, one may still be given back.
                tokio::select! {
                    biased;
                    pass = &mut pass => break pass,
                    () = self.released.notified() => {}
                }
            }
        };
        let opening = Box::pin(Arc::clone(self).open(pass));
        // In a task of its own: a caller with little time must not end every attempt before it gets through.
        tokio::spawn(opening).await.unwrap_or(Err(Error::PoolClosed))
    }

    /// A connection beside the idle ones, for the upkeep of a minimum.
    #[cfg(feature = "postgres")]
    pub(crate) async fn open_another(self: &Arc<Self>) -> Result<Session<DB>, Error> {
        let Some(gate) = &self.gate else { return Err(Error::PoolClosed) };
        let pass = Arc::clone(gate).pass().await;
        Arc::clone(self).open(pass).await
    }

    /// An idle connection that answers.
    async fn idle(self: &Arc<Self>) -> Option<Session<DB>> {
        loop {
            let mut session = Session::new(self.pools.current().try_acquire()?, Arc::clone(self));
            match tokio::time::timeout(PING, session.raw().ping()).await {
                Ok(Ok(())) => {
                    self.pulse.answered();
                    return Some(session);
                }
                Ok(Err(_)) => session.discard(),
                Err(_) => {
                    session.discard();
                    self.suspect();
                }
            }
        }
    }

    /// One connection fell silent: the idle ones are all asked at once, or each would cost somebody a wait.
    fn suspect(self: &Arc<Self>) {
        let pool = self.pools.current();
        for _ in 0..pool.num_idle() {
            let Some(connection) = pool.try_acquire() else { return };
            drop(Session::new(connection, Arc::clone(self)));
        }
    }

    /// A connection that was given back meanwhile, or a new one.
    async fn open(self: Arc<Self>, pass: crate::connect_gate::Pass) -> Result<Session<DB>, Error> {
        loop {
            let pool = self.pools.current();
            match pool.acquire().await {
                Ok(connection) => {
                    pass.succeeded();
                    return Ok(Session::new(connection, self));
                }
                // Replaced while we waited.
                Err(Error::PoolClosed) if !self.pools.current().is_closed() => {}
                Err(Error::PoolClosed) => return Err(Error::PoolClosed),
                Err(Error::PoolTimedOut) => {
                    if metrics::active(&pool) < pool.options().get_max_connections() {
                        let words = format!("no answer within {:?}", pool.options().get_acquire_timeout());
                        pass.failed(words);
                    }
                    return Err(Error::PoolTimedOut);
                }
                Err(error) => {
                    pass.failed(error.to_string());
                    return Err(error);
                }
            }
        }
    }

    /// Says which limit it was and what is known, and counts.
    fn explain(&self, error: Error) -> Error {
        let exceeded = match (&error, DeadlineExceeded::of(&error)) {
            (_, Some(exceeded)) => exceeded.clone(),
            (Error::PoolTimedOut, None) => DeadlineExceeded {
                awaited: Awaited::Connection,
                limit: Limit::Acquire,
                within: self.limits.acquire,
                cause: None,
            },
            _ => return error,
        };
        self.metrics.timed_out();
        self.pulse.missed();
        let cause = self.gate.as_ref().and_then(|gate| gate.last_failure());
        let cause = cause.or_else(|| {
            let pool = self.pools.current();
            let (active, max) = (metrics::active(&pool), pool.options().get_max_connections());
            (active >= max).then(|| format!("all {max} connections of the pool are in use"))
        });
        DeadlineExceeded { cause, ..exceeded }.into_sqlx()
    }

    /// Counts an operation that was cut.
    pub(crate) fn count<T>(&self, result: &Result<T, Error>) {
        if result.as_ref().is_err_and(|error| DeadlineExceeded::of(error).is_some()) {
            self.metrics.cut();
        }
    }
}

// === impl Limits ===

impl Limits {
    /// For a database that is a file: its connections answer, or the machine does not.
    pub(crate) fn local(config: &SqlConfig) -> Self {
        let operation = config.operation_limit();
        Self { acquire: config.acquire_timeout, operation, release: None, through_pooler: false }
    }

    /// For a server at the other end of a network.
    #[cfg(feature = "postgres")]
    pub(crate) fn remote(config: &SqlConfig) -> Self {
        Self { release: Some(RELEASE), through_pooler: config.pgbouncer, ..Self::local(config) }
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
