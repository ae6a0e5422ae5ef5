//! What migrations promise, on SQLite.

use crate::support::{crew, migrator};
use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, MigrateMode, Migrations, MigrationsError, SqlConfig};
use tempfile::TempDir;

const TABLE: (&str, &str) = ("parcels", "CREATE TABLE parcels (name TEXT NOT NULL)");
const COLUMN: (&str, &str) = ("weight", "ALTER TABLE parcels ADD COLUMN weight INTEGER");
const BROKEN: (&str, &str) = ("broken", "ALTER TABLE nowhere ADD COLUMN n INTEGER");

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

#[tokio::test]
async fn processes_that_start_together_take_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    let migrator = migrator(&[TABLE, COLUMN]);
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = config(&folder);
        starts.spawn(async move {
            let crew = crew();
            let database = config.connect(&crew).await.expect("open");
            database.migrate(&crew, migrator).await
        });
    }
    while let Some(status) = starts.join_next().await {
        assert_eq!(versions(&status.expect("no panic").expect("applied").applied), [1, 2]);
    }
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
