//! What migrations promise, on SQLite.

use std::sync::mpsc;
use std::time::Duration;

use crate::support::{crew, migrator, within};
use groundcrew_runtime::Crew;
use groundcrew_sql::{
    Database, MigrateMode, MigrationProgress, Migrations, MigrationsError, SqlConfig, statement,
};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};

const TABLE: (&str, &str) = ("parcels", "CREATE TABLE parcels (name TEXT NOT NULL)");
const COLUMN: (&str, &str) = ("weight", "ALTER TABLE parcels ADD COLUMN weight INTEGER");
const BROKEN: (&str, &str) = ("broken", "ALTER TABLE nowhere ADD COLUMN n INTEGER");
const ROW: (&str, &str) = ("row", "INSERT INTO parcels VALUES ('north', 1)");
/// Run twice, it shows.
const GRAMS: (&str, &str) = ("grams", "-- no-transaction\nUPDATE parcels SET weight = weight * 1000");
const SOON: Duration = Duration::from_secs(30);

fn config(folder: &TempDir) -> SqlConfig {
    SqlConfig::of(format!("sqlite:{}", folder.path().join("parcels.db").display()))
}

async fn database() -> (TempDir, Crew, Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    let database = config(&folder).connect(&crew).await.expect("open");
    (folder, crew, database)
}

fn versions(states: &[groundcrew_sql::MigrationState]) -> Vec<i64> {
    states.iter().map(|state| state.version).collect()
}

async fn has_table(database: &Database) -> bool {
    let Database::Sqlite(sqlite) = database else { return false };
    let query = "SELECT count(*) FROM sqlite_schema WHERE name = 'parcels'";
    sqlx::query_scalar::<_, i64>(query).fetch_one(sqlite.read()).await.expect("a count") == 1
}

#[tokio::test]
async fn a_start_applies_what_is_pending_and_the_next_finds_nothing_to_do() {
    let (_folder, crew, database) = database().await;
    let migrator = migrator(&[TABLE, COLUMN]);
    let before = database.migration_status(migrator).await.expect("status");
    assert_eq!((versions(&before.applied), versions(&before.pending)), (vec![], vec![1, 2]));
    assert!(!has_table(&database).await, "asking changes nothing");
    for _ in 0..2 {
        let after = database.migrate(&crew, migrator).await.expect("applied");
        assert_eq!((versions(&after.applied), versions(&after.pending)), (vec![1, 2], vec![]));
        assert_eq!(after.applied[1].description, "weight");
    }
    assert!(has_table(&database).await);
}

#[tokio::test]
async fn migrate_never_leaves_them_to_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    let config = SqlConfig { migrate: MigrateMode::Never, ..config(&folder) };
    let database = config.connect(&crew).await.expect("open");
    let status = database.migrate(&crew, migrator(&[TABLE])).await.expect("status");
    assert_eq!(versions(&status.pending), [1]);
    assert!(!has_table(&database).await);
    database.apply_migrations(migrator(&[TABLE])).await.expect("the command");
    assert!(has_table(&database).await);
}

#[tokio::test]
async fn a_migration_that_fails_is_named_and_leaves_nothing_behind() {
    let (_folder, crew, database) = database().await;
    let error = database.migrate(&crew, migrator(&[TABLE, BROKEN])).await.unwrap_err();
    assert!(matches!(&error, MigrationsError::Failed { version: 2, .. }), "{error:?}");
    let words = error.to_string();
    for part in ["migration 2 (broken)", "no such table: nowhere", "all were rolled back", "migrate"] {
        assert!(words.contains(part), "{words}");
    }
    assert!(!has_table(&database).await);
    database.migrate(&crew, migrator(&[TABLE, COLUMN])).await.expect("the mended ones");
}

#[tokio::test]
async fn the_service_is_not_ready_before_its_migrations_are_done() {
    let (_folder, crew, database) = database().await;
    let migrating = database.migrate(&crew, migrator(&[TABLE]));
    let mut migrating = std::pin::pin!(migrating);
    let first =
        std::future::poll_fn(|cx| std::task::Poll::Ready(migrating.as_mut().poll(cx).is_ready())).await;
    assert!(!first, "it takes more than one step");
    assert!(crew.readiness().reasons.contains(&"still starting: migrations".to_owned()));
    migrating.await.expect("applied");
    assert!(!crew.readiness().reasons.contains(&"still starting: migrations".to_owned()));
}

#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let (_folder, crew, database) = database().await;
    database.migrate(&crew, migrator(&[TABLE])).await.expect("applied");
    let changed = migrator(&[("parcels", "CREATE TABLE parcels (other TEXT)")]);
    let error = database.migrate(&crew, changed).await.unwrap_err();
    assert_eq!(error, MigrationsError::Changed { version: 1, description: "parcels".into() });
}

#[tokio::test]
async fn an_older_replica_may_start_beside_a_newer_database() {
    let (_folder, crew, database) = database().await;
    database.migrate(&crew, migrator(&[TABLE, COLUMN])).await.expect("the newer one");
    let status = database.migrate(&crew, migrator(&[TABLE])).await.expect("the older one");
    assert_eq!((versions(&status.applied), versions(&status.newer)), (vec![1], vec![2]));
}

#[tokio::test]
async fn a_database_of_another_service_is_refused() {
    let (_folder, crew, database) = database().await;
    database.migrate(&crew, migrator(&[TABLE, COLUMN])).await.expect("applied");
    let gap: &'static _ = Box::leak(Box::new(sqlx::migrate::Migrator::with_migrations(
        migrator(&[TABLE, COLUMN, BROKEN]).iter().filter(|one| one.version != 2).cloned().collect(),
    )));
    let error = database.migrate(&crew, gap).await.unwrap_err();
    assert_eq!(error, MigrationsError::Unknown { version: 2 });
}

/// What four processes that start at once say to be applied.
async fn started_together(folder: &TempDir, migrator: &'static Migrator) -> Vec<Vec<i64>> {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = config(folder);
        starts.spawn(async move {
            let crew = crew();
            let database = config.connect(&crew).await.expect("open");
            database.migrate(&crew, migrator).await
        });
    }
    let all = within(SOON, "all of them", starts.join_all()).await;
    all.into_iter().map(|status| versions(&status.expect("applied").applied)).collect()
}

async fn weight(database: &Database) -> i64 {
    statement("SELECT weight FROM parcels").scalar().fetch_one(database.read()).await.expect("a weight")
}

#[tokio::test]
async fn processes_that_start_together_take_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    for applied in started_together(&folder, migrator(&[TABLE, COLUMN])).await {
        assert_eq!(applied, [1, 2]);
    }
}

#[tokio::test]
async fn processes_that_start_together_run_a_migration_without_a_transaction_once() {
    let folder = tempfile::tempdir().expect("a folder");
    for applied in started_together(&folder, migrator(&[TABLE, COLUMN, ROW, GRAMS])).await {
        assert_eq!(applied, [1, 2, 3, 4]);
    }
    let database = config(&folder).connect(&crew()).await.expect("open");
    assert_eq!(weight(&database).await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_waits_for_another_one_that_runs_a_migration_without_a_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = migrator(&[TABLE, COLUMN, ROW, GRAMS]);
    let ((runs, running), (speak, heard)) = (oneshot::channel(), mpsc::channel());
    let config_of_first = config(&folder);
    let first = tokio::spawn(async move {
        let database = config_of_first.connect(&crew()).await.expect("open");
        let mut runs = Some(runs);
        // About to run the last one, it stops there until the other process has said anything.
        let mut tell = move |progress: MigrationProgress<'_>| match progress {
            MigrationProgress::Applying(state) if state.version == 4 => {
                let _ = runs.take().map(|runs| runs.send(()));
                let _ = tokio::task::block_in_place(|| heard.recv());
            }
            _ => {}
        };
        database.apply_migrations_telling(all, &mut tell).await
    });
    within(SOON, "the first comes so far", running).await.expect("it says so");
    let database = config(&folder).connect(&crew()).await.expect("open");
    let mut tell = |_: MigrationProgress<'_>| {
        let _ = speak.send(());
    };
    let second = within(SOON, "the second", database.apply_migrations_telling(all, &mut tell)).await;
    assert_eq!(versions(&second.expect("applied").applied), [1, 2, 3, 4]);
    within(SOON, "the first", first).await.expect("no panic").expect("applied");
    assert_eq!(weight(&database).await, 1000);
}

#[tokio::test]
async fn what_an_older_version_applies_meanwhile_is_not_run_again_beside_one_without_a_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqlConfig { lock_timeout: Duration::from_millis(10), ..config(&folder) };
    let database = config.connect(&crew()).await.expect("open");
    let file = SqliteConnectOptions::new().filename(folder.path().join("parcels.db"));
    let mut other = file.connect().await.expect("open");
    let mut older = other.begin_with("BEGIN IMMEDIATE").await.expect("the write lock");
    migrator(&[TABLE, COLUMN, ROW]).run(&mut *older).await.expect("applied");

    let waits = Notify::new();
    let mut tell = |progress: MigrationProgress<'_>| {
        if matches!(progress, MigrationProgress::Waiting(_)) {
            waits.notify_one();
        }
    };
    let newer = database.apply_migrations_telling(migrator(&[TABLE, COLUMN, ROW, GRAMS]), &mut tell);
    let commit = async {
        waits.notified().await;
        older.commit().await.expect("commit");
    };
    let (status, ()) = within(SOON, "both", async { tokio::join!(newer, commit) }).await;
    assert_eq!(versions(&status.expect("applied").applied), [1, 2, 3, 4]);
    assert_eq!(weight(&database).await, 1000);
}

#[tokio::test]
async fn a_migration_without_a_transaction_is_run_in_memory_too() {
    let database = SqlConfig::of("sqlite::memory:").connect(&crew()).await.expect("open");
    database.apply_migrations(migrator(&[TABLE, COLUMN, ROW, GRAMS])).await.expect("applied");
    assert_eq!(weight(&database).await, 1000);
}

#[tokio::test]
async fn a_backend_without_migrations_is_named() {
    let (_folder, crew, database) = database().await;
    let error = database.migrate(&crew, Migrations::postgres(migrator(&[TABLE]))).await.unwrap_err();
    assert_eq!(error, MigrationsError::NoneFor { backend: "SQLite" });
}

#[tokio::test]
async fn a_file_that_is_not_there_is_planned_for_and_not_created() {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    assert!(config(&folder).connect_existing(&crew).await.expect("no error").is_none());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let all = Migrations::from(migrator(&[TABLE, COLUMN]));
    assert_eq!(versions(&all.for_a_new_sqlite_file().expect("a status").pending), [1, 2]);

    config(&folder).connect(&crew).await.expect("open").apply_migrations(all).await.expect("applied");
    let crew = self::crew();
    let there = config(&folder).connect_existing(&crew).await.expect("open").expect("it is there");
    assert_eq!(versions(&there.migration_status(all).await.expect("a status").applied), [1, 2]);
}

#[tokio::test]
async fn a_migration_that_takes_something_away_is_refused() {
    let (_folder, crew, database) = database().await;
    database.migrate(&crew, migrator(&[TABLE])).await.expect("applied");
    let error =
        database.migrate(&crew, migrator(&[TABLE, ("away", "DROP TABLE parcels")])).await.unwrap_err();
    assert!(matches!(error, MigrationsError::Contract { version: 2, line: 1, .. }), "{error:?}");
    assert!(has_table(&database).await);
}

#[tokio::test]
async fn an_index_that_keeps_values_unique_is_not_dropped_and_another_one_is() {
    let (_folder, crew, database) = database().await;
    let indexes =
        ("indexes", "CREATE UNIQUE INDEX by_name ON parcels (name); CREATE INDEX plain ON parcels (name)");
    database.migrate(&crew, migrator(&[TABLE, indexes])).await.expect("applied");
    let error = database
        .migrate(&crew, migrator(&[TABLE, indexes, ("away", "DROP INDEX By_Name")]))
        .await
        .unwrap_err();
    assert!(matches!(error, MigrationsError::Contract { version: 3, .. }), "{error:?}");
    let plain = migrator(&[TABLE, indexes, ("away", "DROP INDEX plain")]);
    database.migrate(&crew, plain).await.expect("nobody names it");
}
