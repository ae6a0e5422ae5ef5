use sqlx::Error;

use crate::Transaction;

/// An open transaction of a [`Database`](crate::Database), from [`begin`](crate::Database::begin). It is rolled back
/// when it is dropped without `commit`.
///
/// A [`Statement`](crate::Statement) runs on `&mut transaction`. What only one of them can do is done by a match.
#[derive(Debug)]
pub enum DatabaseTransaction {
    /// Of a SQLite file's writer.
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<sqlx::Sqlite>),
    /// Of a Postgres server.
    #[cfg(feature = "postgres")]
    Postgres(Transaction<sqlx::Postgres>),
}

// === impl DatabaseTransaction ===

impl DatabaseTransaction {
    /// Commits; see [`Transaction::commit`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    /// Rolls back, which dropping does too, without waiting for the answer; see [`Transaction::rollback`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn rollback(self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.rollback().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.rollback().await,
        }
    }
}

#[cfg(feature = "sqlite")]
impl From<Transaction<sqlx::Sqlite>> for DatabaseTransaction {
    fn from(transaction: Transaction<sqlx::Sqlite>) -> Self {
        Self::Sqlite(transaction)
    }
}

#[cfg(feature = "postgres")]
impl From<Transaction<sqlx::Postgres>> for DatabaseTransaction {
    fn from(transaction: Transaction<sqlx::Postgres>) -> Self {
        Self::Postgres(transaction)
    }
}
