mod text;

use std::borrow::Cow;
use std::fmt;

use futures_core::future::BoxFuture;
use sqlx::{Error, FromRow};

use self::text::{excerpt, misread, places, sql};
use crate::lend::{Bound, Kind, On, Source};
use crate::metrics::Queries;
use crate::value::{IntoValue, Value};
use crate::{Bind, FromEitherRow, RunsOn};

/// One statement with its arguments, for whichever database is behind it.
///
/// Both databases read `$1`, `$2` … as the first argument, the second and so on. It is prepared once for each
/// connection, and has the deadlines of what it runs on.
///
/// ```
/// # use groundcrew_runtime::Crew; use groundcrew_sql::{SqlConfig, Statement};
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let crew = Crew::builder("parcels", "1.0.0").build();
/// # let database = SqlConfig::of("sqlite::memory:").connect(&crew).await?;
/// # Statement::new("CREATE TABLE parcels (name TEXT, town TEXT)").execute(&database).await?;
/// let mut select = Statement::new("SELECT name FROM parcels WHERE name <> $1").bind("lost");
/// if let Some(town) = Some("Bremen") {
///     select = select.push(" AND town = ").push_bind(town);
/// }
/// let names: Vec<String> = select.push(" ORDER BY name").scalar().fetch_all(database.read()).await?;
/// # assert!(names.is_empty()); Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a statement does nothing until it is executed"]
pub struct Statement<'q> {
    pub(crate) sqlite: Cow<'static, str>,
    pub(crate) postgres: Cow<'static, str>,
    values: Vec<Value<'q>>,
    timed: Option<&'static str>,
}

/// A statement of which one column is wanted, from [`Statement::scalar`].
#[derive(Debug, Clone)]
#[must_use = "a statement does nothing until it is executed"]
pub struct Scalar<'q>(Statement<'q>);

/// A statement for either database: [`Statement::new`].
pub fn statement<'q>(sql: &'static str) -> Statement<'q> {
    Statement::new(sql)
}

// === impl Statement ===

impl<'q> Statement<'q> {
    /// With the same text for both.
    pub fn new(sql: &'static str) -> Self {
        Self::by_dialect(sql, sql)
    }

    /// With a text for each, where they really differ. The arguments are the same ones.
    pub fn by_dialect(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite: sqlite.into(), postgres: postgres.into(), values: Vec::new(), timed: None }
    }

    /// Adds the next argument.
    pub fn bind(mut self, value: impl Bind<'q>) -> Self {
        self.values.push(IntoValue::into_value(Some(value)));
        self
    }

    /// Adds to the text.
    pub fn push(self, sql: &'static str) -> Self {
        self.push_by_dialect(sql, sql)
    }

    /// Adds to the text, where they differ.
    pub fn push_by_dialect(mut self, sqlite: &'static str, postgres: &'static str) -> Self {
        self.sqlite.to_mut().push_str(sqlite);
        self.postgres.to_mut().push_str(postgres);
        self
    }

    /// Adds the next argument, and its place to the text.
    pub fn push_bind(mut self, value: impl Bind<'q>) -> Self {
        self = self.bind(value);
        let place = format!("${}", self.values.len());
        self.sqlite.to_mut().push_str(&place);
        self.postgres.to_mut().push_str(&place);
        self
    }

    /// Times it as `db_query_duration_seconds{query_type}`, with its wait for a connection and however it ends.
    ///
    /// `query_type` is a name from the source code, such as `select_parcel`, never a value.
    pub fn timed(mut self, query_type: &'static str) -> Self {
        self.timed = Some(query_type);
        self
    }

    /// Reads the only column of its rows.
    pub fn scalar(self) -> Scalar<'q> {
        Scalar(self)
    }

    /// Runs it; how many rows it changed.
    ///
    /// # Errors
    ///
    /// What the database says, and [`DeadlineExceeded`](crate::DeadlineExceeded).
    pub fn execute<'c>(self, on: impl RunsOn<'c>) -> BoxFuture<'c, Result<u64, Error>> {
        match on.on() {
            #[cfg(feature = "sqlite")]
            On::Sqlite(source) => self.change(source),
            #[cfg(feature = "postgres")]
            On::Postgres(source) => self.change(source),
        }
    }

    /// All rows.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), and when a row does not read: the error names the column, its type and the
    /// statement.
    pub fn fetch_all<'c, T: FromEitherRow + 'c>(
        self,
        on: impl RunsOn<'c>,
    ) -> BoxFuture<'c, Result<Vec<T>, Error>> {
        match on.on() {
            #[cfg(feature = "sqlite")]
            On::Sqlite(source) => self.all(source),
            #[cfg(feature = "postgres")]
            On::Postgres(source) => self.all(source),
        }
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    ///
    /// As [`fetch_all`](Self::fetch_all).
    pub fn fetch_optional<'c, T: FromEitherRow + 'c>(
        self,
        on: impl RunsOn<'c>,
    ) -> BoxFuture<'c, Result<Option<T>, Error>> {
        match on.on() {
            #[cfg(feature = "sqlite")]
            On::Sqlite(source) => self.first(source),
            #[cfg(feature = "postgres")]
            On::Postgres(source) => self.first(source),
        }
    }

    /// The first row.
    ///
    /// # Errors
    ///
    /// As [`fetch_all`](Self::fetch_all), and [`Error::RowNotFound`] when there is none.
    pub fn fetch_one<'c, T: FromEitherRow + 'c>(
        self,
        on: impl RunsOn<'c>,
    ) -> BoxFuture<'c, Result<T, Error>> {
        let row = self.fetch_optional(on);
        Box::pin(async move { row.await?.ok_or(Error::RowNotFound) })
    }
}

/// On the database that it has come to.
impl Statement<'_> {
    fn change<DB: Kind>(self, source: Source<'_, DB>) -> BoxFuture<'_, Result<u64, Error>> {
        let (timed, queries, query) = (self.timed, source.queries(), self.bound::<DB>());
        clocked(timed, queries, async move {
            let (query, mut session) = (query?, source.lend().await?);
            DB::change(&mut session, query).await
        })
    }

    fn all<'c, DB: Kind, T>(self, source: Source<'c, DB>) -> BoxFuture<'c, Result<Vec<T>, Error>>
    where
        T: for<'r> FromRow<'r, DB::Row> + Send + 'c,
    {
        let (timed, queries, text) = (self.timed, source.queries(), DB::text(&self).clone());
        let query = self.bound::<DB>();
        clocked(timed, queries, async move {
            let (query, mut session) = (query?, source.lend().await?);
            let rows = DB::all(&mut session, query).await?;
            let rows: Result<_, _> = rows.iter().map(T::from_row).collect();
            rows.map_err(|error| misread(error, &text))
        })
    }

    fn first<'c, DB: Kind, T>(self, source: Source<'c, DB>) -> BoxFuture<'c, Result<Option<T>, Error>>
    where
        T: for<'r> FromRow<'r, DB::Row> + Send + 'c,
    {
        let (timed, queries, text) = (self.timed, source.queries(), DB::text(&self).clone());
        let query = self.bound::<DB>();
        clocked(timed, queries, async move {
            let (query, mut session) = (query?, source.lend().await?);
            let row = DB::first(&mut session, query).await?;
            row.as_ref().map(T::from_row).transpose().map_err(|error| misread(error, &text))
        })
    }

    fn bound<DB: Kind>(self) -> Result<Bound<DB>, Error> {
        let text = DB::text(&self);
        self.check(text)?;
        DB::bound(sql(text.clone()), self.values)
    }

    /// SQLite takes an argument that is missing for NULL, and does not mind one too many; Postgres refuses both.
    fn check(&self, text: &str) -> Result<(), Error> {
        let (places, given) = (places(text), self.values.len());
        // A text of its own may leave arguments to the other one, and number its places as it likes.
        let is_fine = places == given || (places < given && self.sqlite != self.postgres);
        if is_fine {
            return Ok(());
        }
        let words = format!("of the {places} arguments of a statement {given} are bound: {}", excerpt(text));
        Err(Error::InvalidArgument(words))
    }
}

impl fmt::Debug for Statement<'_> {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Statement");
        shown.field("sqlite", &self.sqlite).field("postgres", &self.postgres);
        shown.field("arguments", &self.values.len()).finish_non_exhaustive()
    }
}

// === impl Scalar ===

impl Scalar<'_> {
    /// The column of all rows; see [`Statement::fetch_all`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn fetch_all<'c, T: Send + 'c>(self, on: impl RunsOn<'c>) -> BoxFuture<'c, Result<Vec<T>, Error>>
    where
        (T,): FromEitherRow,
    {
        let rows = self.0.fetch_all::<(T,)>(on);
        Box::pin(async move { Ok(rows.await?.into_iter().map(|(value,)| value).collect()) })
    }

    /// The column of the first row, if there is one; see [`Statement::fetch_optional`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn fetch_optional<'c, T: Send + 'c>(
        self,
        on: impl RunsOn<'c>,
    ) -> BoxFuture<'c, Result<Option<T>, Error>>
    where
        (T,): FromEitherRow,
    {
        let row = self.0.fetch_optional::<(T,)>(on);
        Box::pin(async move { Ok(row.await?.map(|(value,)| value)) })
    }

    /// The column of the first row; see [`Statement::fetch_one`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn fetch_one<'c, T: Send + 'c>(self, on: impl RunsOn<'c>) -> BoxFuture<'c, Result<T, Error>>
    where
        (T,): FromEitherRow,
    {
        let row = self.fetch_optional(on);
        Box::pin(async move { row.await?.ok_or(Error::RowNotFound) })
    }
}

fn clocked<'c, T: 'c>(
    timed: Option<&'static str>,
    queries: Queries,
    work: impl Future<Output = T> + Send + 'c,
) -> BoxFuture<'c, T> {
    match timed {
        Some(name) => Box::pin(async move { queries.timed(name, work).await }),
        None => Box::pin(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bound_is_not_shown() {
        let shown = format!("{:?}", statement("SELECT $1").bind("hunter2").scalar());
        assert!(shown.contains("SELECT $1") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_pushed_is_numbered_in_both_texts() {
        let statement =
            Statement::by_dialect("a", "b").push_bind(1_i64).push_by_dialect(" c ", " d ").push_bind("x");
        assert_eq!((&*statement.sqlite, &*statement.postgres), ("a$1 c $2", "b$1 d $2"));
    }
}
