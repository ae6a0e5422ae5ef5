use sqlx::Error;

use crate::lend::{Held, Kind, Lends, Lent};
use crate::metrics::Queries;
use crate::{Connections, Database, DatabaseTransaction, Session, Transaction};

/// The connections of a [`Database`] that read, or those that write: where a [`Statement`](crate::Statement) runs.
///
/// On Postgres both are the same pool.
#[derive(Debug, Clone, Copy)]
pub enum Access<'c> {
    /// The readers of a SQLite file, or its writer.
    #[cfg(feature = "sqlite")]
    Sqlite(&'c Connections<sqlx::Sqlite>),
    /// The pool of a Postgres server.
    #[cfg(feature = "postgres")]
    Postgres(&'c Connections<sqlx::Postgres>),
}

/// Where a [`Statement`](crate::Statement) may run: [`Access`], `&Database` (which writes), `&mut` a transaction or a
/// connection, of either database or of a certain one.
pub trait RunsOn<'c>: Lends<'c> {}

impl<'c, T: Lends<'c>> RunsOn<'c> for T {}

// === impl Database ===

impl Database {
    /// Where statements run that only read: a SQLite file's readers, or the pool of Postgres.
    pub fn read(&self) -> Access<'_> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => Access::Sqlite(sqlite.read()),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => Access::Postgres(postgres.connections()),
        }
    }

    /// Where statements run that write, and those that must see what was written last: a SQLite file's only writer, or
    /// the pool of Postgres. `&database` is the same.
    pub fn write(&self) -> Access<'_> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => Access::Sqlite(sqlite.write()),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => Access::Postgres(postgres.connections()),
        }
    }

    /// Begins a transaction that may write; see [`Connections::begin`].
    pub async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => DatabaseTransaction::Sqlite(sqlite.begin().await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => DatabaseTransaction::Postgres(postgres.begin().await?),
        })
    }
}

// === impl Access ===

impl Access<'_> {
    /// Times work as [`Connections::timed`] does; for a single statement there is
    /// [`Statement::timed`](crate::Statement::timed).
    pub async fn timed<T>(&self, query_type: &'static str, work: impl Future<Output = T>) -> T {
        self.queries().timed(query_type, work).await
    }
}

// === impl RunsOn ===

impl<'c> Lends<'c> for Access<'c> {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connections) => connections.lend().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(connections) => connections.lend().await,
        }
    }

    fn queries(&self) -> Queries {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connections) => connections.queries(),
            #[cfg(feature = "postgres")]
            Self::Postgres(connections) => connections.queries(),
        }
    }
}

impl<'c> Lends<'c> for &'c Database {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        self.write().lend().await
    }

    fn queries(&self) -> Queries {
        self.write().queries()
    }
}

#[cfg(feature = "sqlite")]
impl<'c> Lends<'c> for &'c crate::Sqlite {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        self.write().lend().await
    }

    fn queries(&self) -> Queries {
        self.write().queries()
    }
}

#[cfg(feature = "postgres")]
impl<'c> Lends<'c> for &'c crate::Postgres {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        self.connections().lend().await
    }

    fn queries(&self) -> Queries {
        self.connections().queries()
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c Connections<DB> {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        Ok(DB::lent(Held::Own(self.session().await?)))
    }

    fn queries(&self) -> Queries {
        self.shared.metrics.queries()
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c mut Session<DB> {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        Ok(DB::lent(Held::Borrowed(self)))
    }

    fn queries(&self) -> Queries {
        Session::queries(self)
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c mut Transaction<DB> {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        Ok(DB::lent(Held::Borrowed(&mut **self)))
    }

    fn queries(&self) -> Queries {
        Session::queries(self)
    }
}

impl<'c> Lends<'c> for &'c mut DatabaseTransaction {
    async fn lend(self) -> Result<Lent<'c>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            DatabaseTransaction::Sqlite(transaction) => transaction.lend().await,
            #[cfg(feature = "postgres")]
            DatabaseTransaction::Postgres(transaction) => transaction.lend().await,
        }
    }

    fn queries(&self) -> Queries {
        match self {
            #[cfg(feature = "sqlite")]
            DatabaseTransaction::Sqlite(transaction) => Session::queries(transaction),
            #[cfg(feature = "postgres")]
            DatabaseTransaction::Postgres(transaction) => Session::queries(transaction),
        }
    }
}
