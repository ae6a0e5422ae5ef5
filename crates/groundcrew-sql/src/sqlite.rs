use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use groundcrew_runtime::{Crew, Phase};
use sqlx::Error;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::connections::Limits;
use crate::ended_by_sqlite;
use crate::migrations::MigrationPlan;
use crate::target::Target;
use crate::{
    ConnectError, Connections, Database, DatabaseImpact, MigrationStatus, Migrations, MigrationsError,
    SqlConfig, Transaction, UrlError, readiness,
};

/// Between two attempts to open a file that another process is opening.
const PAUSE: Duration = Duration::from_millis(20);

/// A SQLite file with one writer and many readers.
///
/// A reference executes on the writer, which takes one statement or transaction at a time; whatever only
/// reads belongs on [`read`](Self::read). Transactions take the write lock when they begin: one that has read
/// first can never fail with SQLITE_BUSY when it comes to write.
///
/// ```
/// # use groundcrew_runtime::Crew; use groundcrew_sql::SqlConfig;
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let crew = Crew::builder("parcels", "1.0.0").build();
/// let sqlite = SqlConfig::of("sqlite::memory:").connect_sqlite(&crew).await?;
/// sqlx::query("CREATE TABLE parcels (name TEXT)").execute(&sqlite).await?;
///
/// let mut transaction = sqlite.begin().await?;
/// sqlx::query("INSERT INTO parcels VALUES (?)").bind("north").execute(&mut *transaction).await?;
/// transaction.commit().await?;
///
/// let names: Vec<String> = sqlx::query_scalar("SELECT name FROM parcels").fetch_all(sqlite.read()).await?;
/// assert_eq!(names, ["north"]);
/// # Ok(()) }
/// ```
///
/// A database in memory (`sqlite::memory:`) has one connection for both: do not read beside an open
/// transaction there.
#[derive(Debug, Clone)]
pub struct Sqlite {
    writer: Connections<sqlx::Sqlite>,
    reader: Connections<sqlx::Sqlite>,
    plan: Arc<MigrationPlan>,
}

// === impl Sqlite ===

impl Sqlite {
    /// The only connection that writes.
    pub fn write(&self) -> &Connections<sqlx::Sqlite> {
        &self.writer
    }

    /// The connections that only read. They see what was committed, and no writer makes them wait.
    pub fn read(&self) -> &Connections<sqlx::Sqlite> {
        &self.reader
    }

    /// Begins a transaction that may write; see [`Connections::begin`].
    pub async fn begin(&self) -> Result<Transaction<sqlx::Sqlite>, Error> {
        self.writer.begin().await
    }

    /// The library's own pool of the writer, without our guarantees: its `begin()` is a deferred one.
    pub fn raw(&self) -> SqlitePool {
        self.writer.raw()
    }

    /// What a start does about migrations; see [`Database::migrate`](crate::Database::migrate).
    ///
    /// # Errors
    ///
    /// Names the migration that failed, and what to do about it.
    pub async fn migrate(
        &self,
        crew: &Crew,
        migrations: impl Into<Migrations>,
    ) -> Result<MigrationStatus, MigrationsError> {
        Database::Sqlite(self.clone()).migrate(crew, migrations).await
    }

    pub(crate) fn plan(&self) -> &MigrationPlan {
        &self.plan
    }
}

// === impl SqlConfig ===

impl SqlConfig {
    /// Opens the SQLite database that is configured, named `database` in health, metrics and the shutdown.
    ///
    /// # Errors
    ///
    /// When the URL is wrong, names Postgres, or was not chosen in production, and when the file cannot be
    /// opened.
    pub async fn connect_sqlite(&self, crew: &Crew) -> Result<Sqlite, ConnectError> {
        self.connect_sqlite_as("database", crew).await
    }

    /// As [`connect_sqlite`](Self::connect_sqlite), for a service with several databases.
    pub async fn connect_sqlite_as(&self, name: &str, crew: &Crew) -> Result<Sqlite, ConnectError> {
        match crate::target::resolve(self, crew.service(), crew.environment())? {
            Target::Sqlite { url, origin } => {
                let url = url.map(|url| url.expose().clone());
                open(self, name, crew, url.as_deref(), &origin).await
            }
            Target::Postgres { origin, .. } => Err(ConnectError::Url(UrlError::Unavailable {
                origin,
                backend: "Postgres",
                problem: "this service keeps its data in SQLite: write sqlite:data/app.db",
            })),
        }
    }
}

pub(crate) async fn open(
    config: &SqlConfig,
    name: &str,
    crew: &Crew,
    url: Option<&str>,
    origin: &str,
) -> Result<Sqlite, ConnectError> {
    let base = options(config, crew.service(), url, origin)?;
    let path = base.get_filename().to_path_buf();
    let in_memory = is_in_memory(url);
    let (begin, limits) = ("BEGIN IMMEDIATE", Limits::local(config));

    let write = base.clone().journal_mode(SqliteJournalMode::Wal).create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(config.acquire_timeout)
        .after_release(|connection, _| Box::pin(ended_by_sqlite::repair(connection)));
    let forever = pool.clone().max_lifetime(None).idle_timeout(None).min_connections(1).max_connections(1);
    let writer = connect_in_turn(forever, write, config.lock_timeout).await;
    let writer = writer.map_err(|cause| cannot_open(&path, url, cause))?;
    let writer = Connections::register(crew.metrics(), &format!("{name}-writer"), writer, begin, limits)?;
    let reader = if in_memory {
        writer.clone()
    } else {
        let pool = pool
            .max_connections(config.max_connections)
            .min_connections(config.min_connections.min(config.max_connections));
        let pool = pool.connect_lazy_with(base.create_if_missing(false).read_only(true));
        Connections::register(crew.metrics(), &format!("{name}-reader"), pool, "BEGIN", limits)?
    };

    let (file, probed) = (readiness::File::of((!in_memory).then_some(path.as_path())), reader.clone());
    let probe = move || readiness::sqlite(probed.clone(), file.clone());
    crew.check(name, readiness::policy(config, DatabaseImpact::Required), probe).keep();
    let (first, last) = (reader.clone(), writer.clone());
    crew.on_shutdown(Phase::Close, name, move |scope| async move {
        // The writer goes last: it folds the log into the file.
        let read = if in_memory { None } else { Some(first.close(&scope).await) };
        let written = last.close(&scope).await;
        read.map_or(written, |read| read + written)
    });
    let shown = path.display().to_string();
    tracing::info!(database.name = name, database.file = shown, "SQLite database is open");
    Ok(Sqlite { writer, reader, plan: Arc::new(MigrationPlan::of(config)) })
}

/// Two processes that make the file a WAL file at once wait for each other: SQLite sees the deadlock, and
/// refuses one of them without asking its busy timeout (<https://sqlite.org/c3ref/busy_handler.html>).
async fn connect_in_turn(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
    patience: Duration,
) -> Result<SqlitePool, Error> {
    let started = Instant::now();
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && started.elapsed() < patience => tokio::time::sleep(PAUSE).await,
            outcome => return outcome,
        }
    }
}

/// Whether another process holds the lock.
pub(crate) fn is_busy(error: &Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // The low byte of an extended code is the plain one: 5 is SQLITE_BUSY.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

fn options(
    config: &SqlConfig,
    service: &str,
    url: Option<&str>,
    origin: &str,
) -> Result<SqliteConnectOptions, UrlError> {
    let options = match url {
        None => SqliteConnectOptions::new().filename(format!("{service}.db")),
        Some(url) => {
            SqliteConnectOptions::from_str(&with_lower_scheme(url)).map_err(|error| UrlError::Malformed {
                origin: origin.to_owned(),
                problem: error.to_string(),
                right: "sqlite:data/app.db, or sqlite:/data/app.db from the root",
            })?
        }
    };
    if options.get_filename().as_os_str().is_empty() {
        return Err(UrlError::Malformed {
            origin: origin.to_owned(),
            problem: "it names no file".to_owned(),
            right: "sqlite:data/app.db, or sqlite:/data/app.db from the root",
        });
    }
    Ok(options.foreign_keys(true).synchronous(SqliteSynchronous::Normal).busy_timeout(config.lock_timeout))
}

/// Whether the file is still to be created.
pub(crate) fn is_missing(
    config: &SqlConfig,
    service: &str,
    url: Option<&str>,
    origin: &str,
) -> Result<bool, UrlError> {
    Ok(!is_in_memory(url) && !options(config, service, url, origin)?.get_filename().exists())
}

fn with_lower_scheme(url: &str) -> String {
    url.split_once(':').map_or_else(|| url.to_owned(), |(_, rest)| format!("sqlite:{rest}"))
}

fn is_in_memory(url: Option<&str>) -> bool {
    url.is_some_and(|url| url.contains(":memory:") || url.contains("mode=memory"))
}

fn cannot_open(path: &Path, url: Option<&str>, cause: Error) -> ConnectError {
    let parent: Option<PathBuf> =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_path_buf);
    let hint = match parent {
        Some(parent) if !parent.is_dir() => format!("; there is no directory {}", parent.display()),
        _ if url.is_some_and(|url| url.starts_with("sqlite:///")) => format!(
            "; sqlite:///file is a file in the root: for one in the working directory write sqlite:{}",
            path.file_name().unwrap_or_default().display()
        ),
        _ => String::new(),
    };
    ConnectError::Open { path: path.display().to_string(), cause: Box::new(cause), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_named_after_the_service() {
        let options = options(&SqlConfig::default(), "parcels", None, "default").expect("a file");
        assert_eq!(options.get_filename(), Path::new("parcels.db"));
    }

    #[test]
    fn a_url_that_names_no_file_is_refused() {
        for url in ["sqlite:", "sqlite://", "sqlite:?mode=rwc"] {
            let error =
                options(&SqlConfig::default(), "parcels", Some(url), "--set").unwrap_err().to_string();
            assert!(error.contains("names no file"), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_opened_in_the_root_shows_how_a_relative_path_is_written() {
        let url = "sqlite:///parcels.db";
        let error = cannot_open(Path::new("/parcels.db"), Some(url), Error::PoolTimedOut).to_string();
        assert!(error.ends_with("write sqlite:parcels.db"), "{error}");
    }
}
