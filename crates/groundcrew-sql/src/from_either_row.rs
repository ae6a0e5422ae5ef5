use sqlx::FromRow;

/// What can be read from the rows of each database that is compiled in: tuples, and structs with
/// `#[derive(sqlx::FromRow)]`, of types that both know.
pub trait FromEitherRow: OfSqlite + OfPostgres + Send + Unpin {}

impl<T: OfSqlite + OfPostgres + Send + Unpin> FromEitherRow for T {}

#[cfg(feature = "sqlite")]
pub trait OfSqlite: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> {}
#[cfg(feature = "sqlite")]
impl<T: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>> OfSqlite for T {}

#[cfg(not(feature = "sqlite"))]
pub trait OfSqlite {}
#[cfg(not(feature = "sqlite"))]
impl<T> OfSqlite for T {}

#[cfg(feature = "postgres")]
pub trait OfPostgres: for<'r> FromRow<'r, sqlx::postgres::PgRow> {}
#[cfg(feature = "postgres")]
impl<T: for<'r> FromRow<'r, sqlx::postgres::PgRow>> OfPostgres for T {}

#[cfg(not(feature = "postgres"))]
pub trait OfPostgres {}
#[cfg(not(feature = "postgres"))]
impl<T> OfPostgres for T {}
