//! Where a statement for either database runs. Nothing here has a name outside of the crate: the guarantees are those
//! of our own connections.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use futures_core::future::BoxFuture;
use sqlx::query::Query;
use sqlx::{Error, SqlStr};

use crate::metrics::Queries;
use crate::value::{Value, arguments};
use crate::{Connections, Session, Statement};

/// Whatever has a connection for a statement.
#[diagnostic::on_unimplemented(
    message = "a statement cannot run on `{Self}`",
    note = "hand it `database.read()`, `database.write()` or `&mut transaction`; in a function that was given `&mut DatabaseTransaction`: `&mut *transaction`"
)]
pub trait Lends<'c>: Send {
    /// At once, and not in a future: one that depended on this type could not be spawned in all places.
    fn on(self) -> On<'c>;
}

/// Where a statement runs.
pub enum On<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(Source<'c, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Source<'c, sqlx::Postgres>),
}

/// A pool that lends a connection, or one that its owner goes on with.
pub enum Source<'c, DB: sqlx::Database> {
    Pool(&'c Connections<DB>),
    Session(&'c mut Session<DB>),
}

/// A connection for one statement.
pub(crate) enum Lent<'c, DB: sqlx::Database> {
    Own(Session<DB>),
    Borrowed(&'c mut Session<DB>),
}

/// A kind of database that is compiled in. What sqlx has no trait for is here.
pub trait Kind: sqlx::Database {
    fn on(source: Source<'_, Self>) -> On<'_>;

    fn text<'s>(statement: &'s Statement<'_>) -> &'s Cow<'static, str>;

    fn bound(sql: SqlStr, values: Vec<Value<'_>>) -> Result<Bound<Self>, Error>;

    /// How many rows it changed.
    fn change(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<u64, Error>>;

    fn all(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<Vec<Self::Row>, Error>>;

    fn first(
        session: &mut Session<Self>,
        query: Bound<Self>,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Error>>;
}

/// A statement with its arguments.
pub(crate) type Bound<DB> = Query<'static, DB, <DB as sqlx::Database>::Arguments>;

// === impl Kind ===

#[cfg(feature = "sqlite")]
impl Kind for sqlx::Sqlite {
    fn on(source: Source<'_, Self>) -> On<'_> {
        On::Sqlite(source)
    }

    fn text<'s>(statement: &'s Statement<'_>) -> &'s Cow<'static, str> {
        &statement.sqlite
    }

    fn bound(sql: SqlStr, values: Vec<Value<'_>>) -> Result<Bound<Self>, Error> {
        Ok(sqlx::query_with(sql, arguments::<Self>(values)?))
    }

    fn change(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move { Ok(query.execute(session).await?.rows_affected()) })
    }

    fn all(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<Vec<Self::Row>, Error>> {
        Box::pin(query.fetch_all(session))
    }

    fn first(
        session: &mut Session<Self>,
        query: Bound<Self>,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Error>> {
        Box::pin(query.fetch_optional(session))
    }
}

#[cfg(feature = "postgres")]
impl Kind for sqlx::Postgres {
    fn on(source: Source<'_, Self>) -> On<'_> {
        On::Postgres(source)
    }

    fn text<'s>(statement: &'s Statement<'_>) -> &'s Cow<'static, str> {
        &statement.postgres
    }

    fn bound(sql: SqlStr, values: Vec<Value<'_>>) -> Result<Bound<Self>, Error> {
        Ok(sqlx::query_with(sql, arguments::<Self>(values)?))
    }

    fn change(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move { Ok(query.execute(session).await?.rows_affected()) })
    }

    fn all(session: &mut Session<Self>, query: Bound<Self>) -> BoxFuture<'_, Result<Vec<Self::Row>, Error>> {
        Box::pin(query.fetch_all(session))
    }

    fn first(
        session: &mut Session<Self>,
        query: Bound<Self>,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Error>> {
        Box::pin(query.fetch_optional(session))
    }
}

// === impl Source ===

impl<'c, DB: sqlx::Database> Source<'c, DB> {
    pub(crate) async fn lend(self) -> Result<Lent<'c, DB>, Error> {
        match self {
            Self::Pool(connections) => connections.session().await.map(Lent::Own),
            Self::Session(session) => Ok(Lent::Borrowed(session)),
        }
    }

    /// Where it is noted how long it took.
    pub(crate) fn queries(&self) -> Queries {
        match self {
            Self::Pool(connections) => connections.shared.metrics.queries(),
            Self::Session(session) => session.queries(),
        }
    }
}

// === impl Lent ===

impl<DB: sqlx::Database> Deref for Lent<'_, DB> {
    type Target = Session<DB>;

    fn deref(&self) -> &Session<DB> {
        match self {
            Self::Own(session) => session,
            Self::Borrowed(session) => session,
        }
    }
}

impl<DB: sqlx::Database> DerefMut for Lent<'_, DB> {
    fn deref_mut(&mut self) -> &mut Session<DB> {
        match self {
            Self::Own(session) => session,
            Self::Borrowed(session) => session,
        }
    }
}
