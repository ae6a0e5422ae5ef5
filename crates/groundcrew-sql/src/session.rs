use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Describe, Either, Error, Execute, Executor, SqlSafeStr, SqlStr};
use sqlx_core::transaction::TransactionManager;

use crate::connections::Shared;
use crate::deadline::{Awaited, Budget, Limit};
use crate::fleeting::Fleeting;
use crate::metrics::Queries;
use crate::stream::Feed;

/// A connection that is lent out, from [`Connections::acquire`](crate::Connections::acquire).
///
/// `&mut *checkout` is a sqlx executor whose operations have a deadline.
#[derive(Debug)]
pub struct Checkout<DB: Database>(pub(crate) Session<DB>);

/// One connection, as a [`Checkout`] or a [`Transaction`](crate::Transaction) has it: a mutable reference is a
/// sqlx executor, and every operation ends by its deadline.
///
/// A connection whose operation was cut is discarded, since its answer may still be under way, or never come.
pub struct Session<DB: Database> {
    connection: PoolConnection<DB>,
    shared: Arc<Shared<DB>>,
    /// An operation was cut, or the connection is broken or leads to a server that takes no writes any more.
    cut: bool,
    /// A statement of its own transaction is under way, as a transaction pooler needs it.
    wrapped: bool,
}

/// What Postgres says to a write when it is a standby. A server that was the primary before says so on connections
/// that answer everything else; a new one is opened to whatever is the primary now. Whoever writes in a transaction
/// that they have made read-only themselves loses the connection too, which costs them no more than another one.
const READ_ONLY: &str = "25006";

/// What one operation gives: rows, and counts of rows.
type Step<DB> = Either<<DB as Database>::QueryResult, <DB as Database>::Row>;

// === impl Checkout ===

impl<DB: Database> Deref for Checkout<DB> {
    type Target = Session<DB>;

    fn deref(&self) -> &Session<DB> {
        &self.0
    }
}

impl<DB: Database> DerefMut for Checkout<DB> {
    fn deref_mut(&mut self) -> &mut Session<DB> {
        &mut self.0
    }
}

// === impl Session ===

impl<DB: Database> Session<DB> {
    pub(crate) fn new(connection: PoolConnection<DB>, shared: Arc<Shared<DB>>) -> Self {
        Self { connection, shared, cut: false, wrapped: false }
    }

    /// The library's own connection, for what an executor cannot do (`COPY`, savepoints). Its operations have
    /// no deadline but those of the server.
    pub fn raw(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    pub(crate) fn queries(&self) -> Queries {
        self.shared.metrics.queries()
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Never to be lent again.
    pub(crate) fn discard(&mut self) {
        self.cut = true;
    }

    /// Closed when it is given back, where [`discard`](Self::discard) does nothing: a connection that cannot fall
    /// silent goes back the pool's own way.
    #[cfg(feature = "sqlite")]
    pub(crate) fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }

    /// A budget for an operation of this connection, from now on.
    pub(crate) fn budget(&self, awaited: Awaited) -> Budget {
        Budget::new(awaited, Limit::Operation, self.shared.limits.operation)
    }

    /// Remembers what an operation tells about the connection.
    pub(crate) fn judge<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        match &result {
            // Whatever it says, it has answered.
            Ok(_) => self.shared.pulse.answered(),
            Err(Error::Database(error)) => {
                self.shared.pulse.answered();
                self.cut |= error.code().as_deref() == Some(READ_ONLY);
            }
            Err(Error::Io(_) | Error::Protocol(_) | Error::Tls(_) | Error::WorkerCrashed) => self.cut = true,
            Err(_) => {}
        }
        self.shared.count(&result);
        result
    }

    pub(crate) async fn begin(&mut self, statement: SqlStr, mut budget: Budget) -> Result<(), Error> {
        let begun = budget.wait(DB::TransactionManager::begin(&mut self.connection, Some(statement))).await;
        self.judge(begun)
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Error> {
        let mut budget = self.budget(Awaited::Commit);
        let committed = budget.wait(DB::TransactionManager::commit(&mut self.connection)).await;
        self.judge(committed)
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Error> {
        let mut budget = self.budget(Awaited::Rollback);
        let rolled_back = budget.wait(DB::TransactionManager::rollback(&mut self.connection)).await;
        self.judge(rolled_back)
    }

    /// Before a statement. Behind a transaction pooler it gets a transaction of its own: the two round trips
    /// of a prepared statement would otherwise meet two servers.
    async fn prelude(&mut self, budget: &mut Budget) -> Result<(), Error> {
        if self.wrapped {
            let words = "an operation on this connection was abandoned: take another connection";
            return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, words)));
        }
        let depth = DB::TransactionManager::get_transaction_depth(&self.connection);
        if !self.shared.limits.through_pooler || depth > 0 {
            return Ok(());
        }
        self.wrapped = true;
        let statement = self.shared.begin.into_sql_str();
        let begun = budget.wait(DB::TransactionManager::begin(&mut self.connection, Some(statement))).await;
        self.judge(begun)
    }

    /// After a statement.
    async fn finish<T>(&mut self, result: Result<T, Error>, budget: &mut Budget) -> Result<T, Error> {
        let result = self.judge(result);
        if !self.wrapped || self.cut {
            return result;
        }
        let ended = if result.is_ok() {
            budget.wait(DB::TransactionManager::commit(&mut self.connection)).await
        } else {
            budget.wait(DB::TransactionManager::rollback(&mut self.connection)).await
        };
        // A connection whose transaction did not end stays marked, and is discarded.
        self.wrapped = ended.is_err();
        let value = result?;
        ended.map(|()| value)
    }

    /// Feeds what a statement gives to the reader of a stream.
    pub(crate) async fn stream<'q, E>(&mut self, query: E, feed: Feed<Step<DB>>) -> Result<(), Error>
    where
        E: 'q + Execute<'q, DB>,
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        let query = Fleeting { query, fleeting: self.shared.limits.through_pooler };
        let mut budget = self.budget(Awaited::Statement);
        self.prelude(&mut budget).await?;
        let result = {
            let mut steps = (&mut *self.connection).fetch_many(query);
            loop {
                match budget.wait(steps.try_next()).await {
                    Ok(Some(step)) => {
                        self.shared.pulse.answered();
                        feed.send(step).await;
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        };
        self.finish(result, &mut budget).await
    }

    pub(crate) async fn optional<'q, E>(&mut self, query: E) -> Result<Option<DB::Row>, Error>
    where
        E: 'q + Execute<'q, DB>,
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        let query = Fleeting { query, fleeting: self.shared.limits.through_pooler };
        let mut budget = self.budget(Awaited::Statement);
        self.prelude(&mut budget).await?;
        let result = budget.wait((&mut *self.connection).fetch_optional(query)).await;
        self.finish(result, &mut budget).await
    }

    pub(crate) async fn prepared(
        &mut self,
        sql: SqlStr,
        parameters: &[DB::TypeInfo],
    ) -> Result<DB::Statement, Error>
    where
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        if self.shared.limits.through_pooler {
            let words = "a statement cannot be prepared for later behind a pooler (database.pgbouncer): run it at once";
            return Err(Error::InvalidArgument(words.to_owned()));
        }
        let mut budget = self.budget(Awaited::Statement);
        self.prelude(&mut budget).await?;
        let result = budget.wait((&mut *self.connection).prepare_with(sql, parameters)).await;
        self.finish(result, &mut budget).await
    }

    pub(crate) async fn described(&mut self, sql: SqlStr) -> Result<Describe<DB>, Error>
    where
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        let mut budget = self.budget(Awaited::Statement);
        self.prelude(&mut budget).await?;
        let result = budget.wait((&mut *self.connection).describe(sql)).await;
        self.finish(result, &mut budget).await
    }
}

impl<DB: Database> Drop for Session<DB> {
    /// Gives the connection back. The pool's own way does that too, but waits without a bound for the answer to
    /// its ping, and keeps the place in the pool meanwhile.
    fn drop(&mut self) {
        let Some(patience) = self.shared.limits.release else { return };
        // From here on the place in the pool is free as soon as this future is gone.
        let returning = self.connection.return_to_pool();
        if self.cut || self.wrapped {
            drop(returning);
            self.shared.released.notify_one();
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            if tokio::time::timeout(patience, returning).await.is_err() {
                tracing::debug!(within = ?patience, "a connection that did not answer was discarded");
            }
            shared.released.notify_one();
        });
    }
}

impl<DB: Database> fmt::Debug for Session<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("backend", &DB::NAME).field("cut", &self.cut).finish_non_exhaustive()
    }
}
