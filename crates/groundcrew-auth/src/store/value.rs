use groundcrew_sql::sqlx::{self, Arguments as _, Encode, Error, FromRow, Type};

/// What is bound to a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    TextOrNull(Option<&'a str>),
    Number(i64),
    NumberOrNull(Option<i64>),
}

/// What can be read from a row of each database that is compiled in.
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub(crate) trait Row:
    for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin
{
}

/// What can be read from a row.
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
pub(crate) trait Row: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin {}

/// What can be read from a row.
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
pub(crate) trait Row: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin {}

#[cfg(all(feature = "sqlite", feature = "postgres"))]
impl<T> Row for T where
    T: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>
        + for<'r> FromRow<'r, sqlx::postgres::PgRow>
        + Send
        + Unpin
{
}

#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
impl<T> Row for T where T: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin {}

#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
impl<T> Row for T where T: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin {}

/// The values as a database takes them.
pub(super) fn arguments<DB: sqlx::Database>(values: &[Value<'_>]) -> Result<DB::Arguments, Error>
where
    for<'t> String: Encode<'t, DB> + Type<DB>,
    for<'t> Option<String>: Encode<'t, DB> + Type<DB>,
    for<'t> i64: Encode<'t, DB> + Type<DB>,
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        let added = match *value {
            Value::Text(text) => arguments.add(text.to_owned()),
            Value::TextOrNull(text) => arguments.add(text.map(str::to_owned)),
            Value::Number(number) => arguments.add(number),
            Value::NumberOrNull(number) => arguments.add(number),
        };
        added.map_err(Error::Encode)?;
    }
    Ok(arguments)
}
