use groundcrew_sql::sqlx::{self, Error};
use groundcrew_sql::{Database, Transaction};

use super::value::{Row, Value, arguments};

/// An open transaction of either database; dropped, it is rolled back.
pub(crate) enum Open {
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Transaction<sqlx::Postgres>),
}

// === impl Open ===

impl Open {
    pub(crate) async fn begin(database: &Database) -> Result<Self, Error> {
        Ok(match database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Self::Sqlite(sqlite.begin().await?),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Self::Postgres(postgres.begin().await?),
        })
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => {
                let query = sqlx::query_with(statement, arguments::<sqlx::Sqlite>(values)?);
                query.execute(&mut **transaction).await?.rows_affected()
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                let query = sqlx::query_with(statement, arguments::<sqlx::Postgres>(values)?);
                query.execute(&mut **transaction).await?.rows_affected()
            }
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn first<T: Row>(
        &mut self,
        query: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<T>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => {
                let query = sqlx::query_as_with(query, arguments::<sqlx::Sqlite>(values)?);
                query.fetch_optional(&mut **transaction).await
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                let query = sqlx::query_as_with(query, arguments::<sqlx::Postgres>(values)?);
                query.fetch_optional(&mut **transaction).await
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}
