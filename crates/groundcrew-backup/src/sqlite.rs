//! SQLite: a consistent copy while others write, and a file that is replaced in one step.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundcrew_config::Environment;
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use groundcrew_sql::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};

use crate::manifest::Contents;

/// How many steps of SQLite's machine pass between two looks at whether anybody still waits.
const STEPS: i32 = 10_000;

/// What a SQLite file holds.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) version: String,
    /// The first words of the integrity check, when it did not say `ok`.
    pub(crate) damage: Option<String>,
    pub(crate) contents: Contents,
}

/// Ends what a connection does as soon as nobody waits for it any more.
struct Interrupt(Arc<AtomicBool>);

/// The SQLite file that the configuration names; `None` when it is not SQLite that it names.
pub(crate) fn file(config: &SqlConfig, service: &str, environment: Environment) -> Option<PathBuf> {
    let Some(url) = &config.url else {
        return (!environment.is_production()).then(|| PathBuf::from(format!("{service}.db")));
    };
    let text = url.expose();
    let chosen = !(environment.is_production() && url.is_default());
    let rest = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("sqlite:")).map(|_| &text[7..]);
    let options =
        rest.filter(|_| chosen).map(|rest| SqliteConnectOptions::from_str(&format!("sqlite:{rest}")));
    options.map(|options| options.map(|options| options.get_filename().to_path_buf()).unwrap_or_default())
}

pub(crate) async fn open(
    path: &Path,
    patience: Duration,
    read_only: bool,
) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).read_only(read_only);
    options.busy_timeout(patience).connect().await
}

/// Copies the database as it is at one moment, without making a writer wait.
pub(crate) async fn copy(from: &Path, into: &Path, patience: Duration) -> Result<(), sqlx::Error> {
    // Not read-only: such a connection, when it is the last one, leaves its log and its index behind.
    let mut connection = open(from, patience, false).await?;
    let _interrupt = Interrupt::of(&mut connection).await?;
    let into = into.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO ?").bind(into).execute(&mut connection).await?;
    connection.close().await
}

/// Checks a file that nobody else uses, and counts what is in it.
pub(crate) async fn inspect(path: &Path, count: bool) -> Result<Inspection, sqlx::Error> {
    let mut connection = open(path, Duration::ZERO, true).await?;
    let _interrupt = Interrupt::of(&mut connection).await?;
    let version = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
    let words: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    let mut inspection =
        Inspection { version, damage: (words != "ok").then_some(words), contents: Contents::default() };
    if inspection.damage.is_none() {
        inspection.contents = contents(&mut connection, count).await?;
    }
    connection.close().await?;
    Ok(inspection)
}

async fn contents(connection: &mut SqliteConnection, count: bool) -> Result<Contents, sqlx::Error> {
    let mut contents = Contents::default();
    let tables = "SELECT name, '\"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_schema \
                  WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let tables: Vec<(String, String)> = sqlx::query_as(tables).fetch_all(&mut *connection).await?;
    if tables.iter().any(|(name, _)| name == "_sqlx_migrations") {
        let newest = "SELECT max(version) FROM _sqlx_migrations WHERE success";
        contents.migration = sqlx::query_scalar(newest).fetch_one(&mut *connection).await?;
    }
    for (name, quoted) in tables.into_iter().filter(|_| count) {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {quoted}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut *connection).await?;
        contents.rows.insert(name, u64::try_from(rows).unwrap_or_default());
    }
    Ok(contents)
}

/// Folds the log into the file and removes it, which succeeds only while nobody else has the database open.
/// `Ok(false)`: somebody has. A file that is no database, or a damaged one, is nobody's.
pub(crate) async fn settle(path: &Path, patience: Duration) -> Result<bool, sqlx::Error> {
    let settled = async {
        let mut connection = open(path, patience, false).await?;
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await?;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
        sqlx::query("COMMIT").execute(&mut connection).await?;
        connection.close().await?;
        Ok(mode.eq_ignore_ascii_case("delete"))
    };
    match settled.await {
        Err(sqlx::Error::Database(error)) => match error.code().as_deref().map(primary) {
            Some(BUSY | LOCKED) => Ok(false),
            Some(CORRUPT | NOT_A_DATABASE) => Ok(true),
            _ => Err(sqlx::Error::Database(error)),
        },
        other => other,
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;

/// The primary code of an extended one.
fn primary(code: &str) -> u32 {
    code.parse::<u32>().map_or(0, |code| code & 0xff)
}

/// The name of a file that SQLite keeps beside a database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

// === impl Interrupt ===

impl Interrupt {
    async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let wanted = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&wanted);
        connection.lock_handle().await?.set_progress_handler(STEPS, move || still.load(Ordering::Relaxed));
        Ok(Self(wanted))
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str, environment: Environment) -> Option<PathBuf> {
        file(&SqlConfig::of(url), "parcels", environment)
    }

    #[test]
    fn the_file_is_the_one_that_the_service_opens() {
        let development = Environment::Development;
        assert_eq!(named("sqlite:data/app.db?mode=rwc", development), Some("data/app.db".into()));
        assert_eq!(named("SQLITE:/data/app.db", Environment::Production), Some("/data/app.db".into()));
        assert_eq!(named("postgres://host/name", development), None);
        assert_eq!(file(&SqlConfig::default(), "parcels", development), Some("parcels.db".into()));
        assert_eq!(file(&SqlConfig::default(), "parcels", Environment::Production), None);
    }
}
