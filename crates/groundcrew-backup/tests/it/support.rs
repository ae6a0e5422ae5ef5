use std::future::Future;
use std::path::Path;
use std::time::Duration;

use groundcrew_backup::{BackupConfig, BackupSections, Backups};
use groundcrew_config::Environment;
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::postgres::PgConnection;
use groundcrew_sql::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use groundcrew_sql::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};
use groundcrew_testkit::postgres::{Database, Postgres};

/// No test may hang.
pub(crate) async fn bounded<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(90), test).await.expect("the test ends in time")
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) fn config(folder: &Path) -> BackupConfig {
    BackupConfig { folder: folder.to_path_buf(), timeout: Duration::from_secs(60), ..BackupConfig::default() }
}

pub(crate) fn open(url: &str, backup: BackupConfig) -> Backups {
    let sections = BackupSections { database: SqlConfig::of(url), backup };
    Backups::open(sections, "parcels", Environment::Testing).expect("a store")
}

/// What lies in a folder, hidden files too; a folder that is missing is empty.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) fn sqlite_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// A connection as the service has it: WAL, and what is missing is made.
pub(crate) async fn sqlite(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(10));
    options.connect().await.expect("a SQLite file")
}

pub(crate) async fn on_sqlite(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

pub(crate) async fn sqlite_number(connection: &mut SqliteConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect(sql)
}

pub(crate) async fn server() -> Postgres {
    Postgres::start().await.expect("a PostgreSQL server")
}

pub(crate) async fn database(server: &Postgres) -> Database {
    server.database().await.expect("a database")
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

pub(crate) async fn on(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

pub(crate) async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect(sql)
}

pub(crate) async fn text(connection: &mut PgConnection, sql: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect(sql)
}
