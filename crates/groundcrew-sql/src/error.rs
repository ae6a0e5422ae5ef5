use std::time::Duration;

/// What is wrong with the database that is configured. No message shows any part of the URL that could be a
/// password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing is configured, and in production that would give every replica a database of its own.
    #[error(
        "no database is configured, and ENVIRONMENT is production: set DATABASE_URL (database.url) to \
         postgres://user@host:5432/name and DATABASE_PASSWORD to the password; if one SQLite file on this \
         machine is what you want, say so with DATABASE_URL=sqlite:/data/{service}.db"
    )]
    NotChosen {
        /// The service's name.
        service: String,
    },
    /// The scheme is not one that we know.
    #[error(
        "database.url ({origin}) begins with `{scheme}:`, which is no database of ours: write \
         postgres://user@host:5432/name or sqlite:data/app.db"
    )]
    UnknownScheme {
        /// Where the URL came from.
        origin: String,
        /// What it begins with.
        scheme: String,
    },
    /// It does not read as a URL.
    #[error("database.url ({origin}) cannot be read: {problem}; right would be {right}")]
    Malformed {
        /// Where the URL came from.
        origin: String,
        /// What is wrong, without any part of the URL.
        problem: String,
        /// An example of what would be right.
        right: &'static str,
    },
    /// The backend is not compiled in, or this service needs the other one.
    #[error("database.url ({origin}) names a {backend} database, but {problem}")]
    Unavailable {
        /// Where the URL came from.
        origin: String,
        /// `SQLite` or `Postgres`.
        backend: &'static str,
        /// Why that does not work here, and what would.
        problem: &'static str,
    },
}

/// Why there is no connection to the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration is wrong; nothing was tried.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The SQLite file could not be opened.
    #[error("cannot open the SQLite database {path}: {cause}{hint}")]
    Open {
        /// The file.
        path: String,
        /// What SQLite said.
        cause: Box<sqlx::Error>,
        /// What may be the reason; empty, or begins with `; `.
        hint: String,
    },
    /// Postgres answered and refused; trying again would not help.
    #[error("Postgres at {target} refuses the connection: {cause}{hint}")]
    Refused {
        /// Host, port and database.
        target: String,
        /// What Postgres said.
        cause: Box<sqlx::Error>,
        /// Which setting to look at; empty, or begins with `; `.
        hint: String,
    },
    /// Postgres could not be reached for as long as start-up is willing to try.
    #[error(
        "cannot reach Postgres at {target} after {attempts} attempts within {within:?} \
         (database.connect_retry): {last}"
    )]
    Unreachable {
        /// Host, port and database.
        target: String,
        /// How often it was tried.
        attempts: u32,
        /// For how long it was tried.
        within: Duration,
        /// What went wrong the last time.
        last: String,
    },
    /// The metrics of the pool could not be registered: another database of the service has the same name.
    #[error(
        "the metrics of the database `{name}` cannot be registered; give each database a name of its own"
    )]
    Metrics {
        /// The database's name.
        name: String,
        /// What the registry said.
        source: groundcrew_telemetry::MetricsError,
    },
}
