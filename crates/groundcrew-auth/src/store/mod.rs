//! The tables of this crate, on either database. Both read `$1`, so each statement is written once.

mod schema;
mod transaction;
mod value;

use groundcrew_sql::Database;
use groundcrew_sql::sqlx::{self, Error};

pub use self::schema::migrate;
pub(crate) use self::transaction::Open;
use self::value::arguments;
pub(crate) use self::value::{Row, Value};

/// Runs a statement; how many rows it changed.
pub(crate) async fn execute(
    database: &Database,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<u64, Error> {
    Ok(match database {
        #[cfg(feature = "sqlite")]
        Database::Sqlite(sqlite) => {
            let query = sqlx::query_with(statement, arguments::<sqlx::Sqlite>(values)?);
            query.execute(sqlite).await?.rows_affected()
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(postgres) => {
            let query = sqlx::query_with(statement, arguments::<sqlx::Postgres>(values)?);
            query.execute(postgres).await?.rows_affected()
        }
    })
}

/// The rows of a query that changes nothing.
pub(crate) async fn read<T: Row>(
    database: &Database,
    query: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<T>, Error> {
    match database {
        #[cfg(feature = "sqlite")]
        Database::Sqlite(sqlite) => {
            let query = sqlx::query_as_with(query, arguments::<sqlx::Sqlite>(values)?);
            query.fetch_all(sqlite.read()).await
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(postgres) => {
            let query = sqlx::query_as_with(query, arguments::<sqlx::Postgres>(values)?);
            query.fetch_all(postgres).await
        }
    }
}
