use sqlx::Error;

use crate::lend::{Kind, Lends, On, Source};
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
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connections) => connections.timed(query_type, work).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(connections) => connections.timed(query_type, work).await,
        }
    }
}

// === impl RunsOn ===

impl<'c> Lends<'c> for Access<'c> {
    fn on(self) -> On<'c> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connections) => connections.on(),
            #[cfg(feature = "postgres")]
            Self::Postgres(connections) => connections.on(),
        }
    }
}

impl<'c> Lends<'c> for &'c Database {
    fn on(self) -> On<'c> {
        self.write().on()
    }
}

#[cfg(feature = "sqlite")]
impl<'c> Lends<'c> for &'c crate::Sqlite {
    fn on(self) -> On<'c> {
        self.write().on()
    }
}

#[cfg(feature = "postgres")]
impl<'c> Lends<'c> for &'c crate::Postgres {
    fn on(self) -> On<'c> {
        self.connections().on()
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c Connections<DB> {
    fn on(self) -> On<'c> {
        DB::on(Source::Pool(self))
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c mut Session<DB> {
    fn on(self) -> On<'c> {
        DB::on(Source::Session(self))
    }
}

impl<'c, DB: Kind> Lends<'c> for &'c mut Transaction<DB> {
    fn on(self) -> On<'c> {
        DB::on(Source::Session(self))
    }
}

impl<'c> Lends<'c> for &'c mut DatabaseTransaction {
    fn on(self) -> On<'c> {
        match self {
            #[cfg(feature = "sqlite")]
            DatabaseTransaction::Sqlite(transaction) => transaction.on(),
            #[cfg(feature = "postgres")]
            DatabaseTransaction::Postgres(transaction) => transaction.on(),
        }
    }
}
