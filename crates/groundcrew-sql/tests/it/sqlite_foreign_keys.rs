//! Migrations and the foreign keys of SQLite.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, MigrationsError, SqlConfig, SqlProblem, Sqlite};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::support::{crew, migrator, within};

const PARCELS: (&str, &str) = ("parcels", "CREATE TABLE parcels (id INTEGER PRIMARY KEY, name TEXT)");
const LABELS: (&str, &str) = (
    "labels",
    "CREATE TABLE labels (id INTEGER PRIMARY KEY, parcel INTEGER REFERENCES parcels (id) ON DELETE CASCADE)",
);
const REBUILT: &str = "-- groundcrew: contract the same columns\n\
                       CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n\
                       INSERT INTO new SELECT id, name FROM parcels;\n\
                       DROP TABLE parcels;\n\
                       ALTER TABLE new RENAME TO parcels;";

/// A file, or a database in memory.
async fn with_a_label(url: &str) -> (Crew, Sqlite, Database) {
    let crew = crew();
    let sqlite = SqlConfig::of(url).connect_sqlite(&crew).await.expect("open");
    let database = Database::from(sqlite.clone());
    database.apply_migrations(migrator(&[PARCELS, LABELS])).await.expect("applied");
    let rows = "INSERT INTO parcels VALUES (1, 'north'); INSERT INTO labels VALUES (7, 1)";
    sqlx::raw_sql(rows).execute(&sqlite).await.expect("rows");
    (crew, sqlite, database)
}

fn url(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("parcels.db").display())
}

async fn rows(sqlite: &Sqlite, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(sqlite).await.expect("a count")
}

async fn labels(sqlite: &Sqlite) -> i64 {
    rows(sqlite, "SELECT count(*) FROM labels").await
}

async fn foreign_keys_are_on(sqlite: &Sqlite) -> bool {
    let inserted = sqlx::query("INSERT INTO labels (parcel) VALUES (404)").execute(sqlite).await;
    inserted.is_err_and(|error| SqlProblem::of(&error) == SqlProblem::StillReferenced)
}

#[tokio::test]
async fn a_table_that_is_rebuilt_keeps_the_rows_that_refer_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in [url(&folder), "sqlite::memory:".to_owned()] {
        let (_crew, sqlite, database) = with_a_label(&url).await;
        let all = migrator(&[PARCELS, LABELS, ("rebuilt", REBUILT)]);
        assert_eq!(database.apply_migrations(all).await.expect("applied").applied.len(), 3);
        assert_eq!(labels(&sqlite).await, 1, "{url}");
        assert!(foreign_keys_are_on(&sqlite).await, "{url}");
    }
}

#[tokio::test]
async fn a_table_that_is_rebuilt_without_a_transaction_keeps_the_rows_that_refer_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite, database) = with_a_label(&url(&folder)).await;
    let alone: &'static str = Box::leak(format!("-- no-transaction\n{REBUILT}").into_boxed_str());
    let on = ("on", "-- no-transaction\nPRAGMA foreign_keys = ON");
    let all = migrator(&[PARCELS, LABELS, on, ("rebuilt", alone), ("again", REBUILT)]);
    assert_eq!(database.apply_migrations(all).await.expect("applied").applied.len(), 5);
    assert_eq!(labels(&sqlite).await, 1);
    assert!(foreign_keys_are_on(&sqlite).await);
}

#[tokio::test]
async fn rows_that_would_refer_to_nothing_are_named_and_nothing_is_applied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite, database) = with_a_label(&url(&folder)).await;
    let away = ("away", "DELETE FROM parcels");
    let alone = ("alone", "-- no-transaction\nCREATE TABLE boxes (n INTEGER)");
    for all in [migrator(&[PARCELS, LABELS, away]), migrator(&[PARCELS, LABELS, away, alone])] {
        let error = database.apply_migrations(all).await.unwrap_err();
        let MigrationsError::Orphan { table, row, parent, .. } = &error else { panic!("{error:?}") };
        assert_eq!((&**table, *row, &**parent), ("labels", Some(7), "parcels"));
        let words = error.to_string();
        for part in ["row 7 of labels refers to a row of parcels", "rolled back"] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(rows(&sqlite, "SELECT count(*) FROM parcels").await, 1);
        assert_eq!(database.migration_status(all).await.expect("a status").applied.len(), 2);
        assert!(foreign_keys_are_on(&sqlite).await);
    }
}

#[tokio::test]
async fn rows_that_referred_to_nothing_before_are_in_no_migrations_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, _sqlite, database) = with_a_label(&url(&folder)).await;
    let file = folder.path().join("parcels.db");
    let mut other =
        SqliteConnectOptions::new().filename(file).foreign_keys(false).connect().await.expect("open");
    sqlx::query("INSERT INTO labels VALUES (8, 404)").execute(&mut other).await.expect("a row");
    let column = ("column", "ALTER TABLE parcels ADD COLUMN weight INTEGER");
    let status = database.apply_migrations(migrator(&[PARCELS, LABELS, column])).await;
    assert_eq!(status.expect("applied").applied.len(), 3);
}

#[tokio::test]
async fn foreign_keys_are_on_again_after_a_migration_that_failed_or_left_a_transaction_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite, database) = with_a_label(&url(&folder)).await;
    for broken in [
        "ALTER TABLE nowhere ADD COLUMN n INTEGER",
        "-- no-transaction\nALTER TABLE nowhere ADD COLUMN n INTEGER",
        "-- no-transaction\nPRAGMA foreign_keys = OFF; BEGIN; ALTER TABLE nowhere ADD COLUMN n INTEGER; COMMIT;",
    ] {
        let error = database.apply_migrations(migrator(&[PARCELS, LABELS, ("broken", broken)])).await;
        assert!(matches!(error, Err(MigrationsError::Failed { version: 3, .. })), "{error:?}");
        assert!(foreign_keys_are_on(&sqlite).await, "{broken}");
        assert_eq!(labels(&sqlite).await, 1, "{broken}");
    }
}

#[tokio::test]
async fn foreign_keys_are_on_again_after_migrations_that_were_abandoned() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite, database) = with_a_label(&url(&folder)).await;
    let all = migrator(&[PARCELS, LABELS, ("rebuilt", REBUILT)]);
    let is_applying = AtomicBool::new(false);
    {
        let mut tell = |_: groundcrew_sql::MigrationProgress<'_>| is_applying.store(true, Ordering::Relaxed);
        let mut applying = std::pin::pin!(database.apply_migrations_telling(all, &mut tell));
        let until_it_applies = std::future::poll_fn(|cx| {
            assert!(applying.as_mut().poll(cx).is_pending(), "it takes more than one step");
            if is_applying.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        });
        within(Duration::from_secs(20), "it applies", until_it_applies).await;
    }
    assert!(foreign_keys_are_on(&sqlite).await);
    assert_eq!(labels(&sqlite).await, 1);
    assert_eq!(database.apply_migrations(all).await.expect("applied").applied.len(), 3);
}
