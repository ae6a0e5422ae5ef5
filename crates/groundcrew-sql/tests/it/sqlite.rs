//! SQLite against real files.

use std::path::Path;
use std::time::Duration;

use crate::support::{abandon_after, crew, until};
use futures_util::TryStreamExt;
use groundcrew_config::Environment;
use groundcrew_runtime::{Crew, Outcome, Phase, Reason, Signals, supervise};
use groundcrew_sql::{DatabaseImpact, SqlConfig, Sqlite, names};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;

fn config(folder: &TempDir) -> SqlConfig {
    let url = format!("sqlite:{}", folder.path().join("parcels.db").display());
    SqlConfig { check_period: Duration::from_millis(10), ..SqlConfig::of(url) }
}

/// A folder and an open database in it with a counter that stands at 0.
async fn counter() -> (TempDir, Crew, Sqlite) {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    let sqlite = config(&folder).connect_sqlite(&crew).await.expect("open");
    sqlx::raw_sql("CREATE TABLE counter (n INTEGER NOT NULL); INSERT INTO counter VALUES (0)")
        .execute(&sqlite)
        .await
        .expect("a table");
    (folder, crew, sqlite)
}

async fn read_then_write(sqlite: &Sqlite) -> sqlx::Result<()> {
    let mut transaction = sqlite.begin().await?;
    let n: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&mut *transaction).await?;
    tokio::task::yield_now().await;
    sqlx::query("UPDATE counter SET n = ?").bind(n + 1).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn count(sqlite: &Sqlite) -> i64 {
    sqlx::query_scalar("SELECT n FROM counter").fetch_one(sqlite.read()).await.expect("a number")
}

#[tokio::test]
async fn transactions_that_read_and_then_write_all_succeed_within_a_process() {
    let (_folder, _crew, sqlite) = counter().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let sqlite = sqlite.clone();
        tasks.spawn(async move { read_then_write(&sqlite).await });
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no panic").expect("no SQLITE_BUSY");
    }
    assert_eq!(count(&sqlite).await, 20);
}

#[tokio::test]
async fn transactions_that_read_and_then_write_all_succeed_between_processes() {
    let (folder, _crew, first) = counter().await;
    // Another pool of another crew stands for another process: only the file is shared.
    let other = crew();
    let second = config(&folder).connect_sqlite(&other).await.expect("open");
    let both: (sqlx::Result<()>, sqlx::Result<()>) = tokio::join!(
        async {
            for _ in 0..10 {
                read_then_write(&first).await?;
            }
            Ok(())
        },
        async {
            for _ in 0..10 {
                read_then_write(&second).await?;
            }
            Ok(())
        }
    );
    both.0.expect("no SQLITE_BUSY");
    both.1.expect("no SQLITE_BUSY");
    assert_eq!(count(&first).await, 20);
}

/// The control: what the handles protect from does happen without them.
#[tokio::test]
async fn deferred_transactions_that_read_and_then_write_fail_with_sqlite_busy() {
    let (folder, _crew, _sqlite) = counter().await;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("parcels.db"))
        .busy_timeout(Duration::from_secs(60));
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.expect("open");
    let (mut first, mut second) = (pool.begin().await.expect("begin"), pool.begin().await.expect("begin"));
    for transaction in [&mut first, &mut second] {
        sqlx::query("SELECT n FROM counter").fetch_one(&mut **transaction).await.expect("a number");
    }
    sqlx::query("UPDATE counter SET n = 1").execute(&mut *first).await.expect("the first may write");
    first.commit().await.expect("commit");
    let error = sqlx::query("UPDATE counter SET n = 1").execute(&mut *second).await.unwrap_err();
    assert!(error.to_string().contains("database is locked"), "{error}");
}

#[tokio::test]
async fn a_reader_sees_what_was_committed_while_a_writer_is_at_work() {
    let (_folder, _crew, sqlite) = counter().await;
    let mut transaction = sqlite.begin().await.expect("begin");
    sqlx::query("UPDATE counter SET n = 7").execute(&mut *transaction).await.expect("write");
    assert_eq!(count(&sqlite).await, 0);
    transaction.commit().await.expect("commit");
    assert_eq!(count(&sqlite).await, 7);
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, _crew, sqlite) = counter().await;
    let error = sqlx::query("UPDATE counter SET n = 1").execute(sqlite.read()).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
}

#[tokio::test]
async fn the_file_is_opened_with_a_log_foreign_keys_and_normal_synchronisation() {
    let (_folder, _crew, sqlite) = counter().await;
    let text = |pragma| sqlx::query_scalar::<_, String>(pragma);
    let number = |pragma| sqlx::query_scalar::<_, i64>(pragma);
    assert_eq!(text("PRAGMA journal_mode").fetch_one(&sqlite).await.expect("a mode"), "wal");
    for connections in [sqlite.write(), sqlite.read()] {
        assert_eq!(number("PRAGMA foreign_keys").fetch_one(connections).await.expect("a flag"), 1);
        assert_eq!(number("PRAGMA synchronous").fetch_one(connections).await.expect("a level"), 1);
        assert_eq!(number("PRAGMA busy_timeout").fetch_one(connections).await.expect("a time"), 5000);
    }
}

#[tokio::test]
async fn a_reference_streams_rows() {
    let (_folder, _crew, sqlite) = counter().await;
    let query =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) SELECT n FROM c";
    let rows: Vec<i64> =
        sqlx::query_scalar::<_, i64>(query).fetch(&sqlite).try_collect().await.expect("rows");
    assert_eq!(rows, (1..=1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_is_dropped_gives_its_connection_back() {
    let (_folder, _crew, sqlite) = counter().await;
    let query = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c";
    {
        let mut rows = sqlx::query_scalar::<_, i64>(query).fetch(&sqlite);
        assert_eq!(rows.try_next().await.expect("a row"), Some(1));
    }
    sqlx::query("UPDATE counter SET n = 1").execute(&sqlite).await.expect("the writer is free again");
}

#[tokio::test]
async fn a_begin_that_is_abandoned_leaves_no_open_transaction() {
    let (_folder, _crew, sqlite) = counter().await;
    for polls in 0..40 {
        abandon_after(polls, sqlite.begin()).await;
        let transaction = sqlite.begin().await.expect("no transaction is open");
        transaction.rollback().await.expect("rollback");
    }
}

#[tokio::test]
async fn production_refuses_a_database_that_nobody_chose() {
    let crew = Crew::builder("parcels", "1.0.0").environment(Environment::Production).build();
    let error = SqlConfig::default().connect(&crew).await.unwrap_err().to_string();
    assert!(error.contains("DATABASE_URL=sqlite:/data/parcels.db"), "{error}");
    assert!(!Path::new("parcels.db").exists(), "nothing was created");
}

#[tokio::test]
async fn production_takes_a_sqlite_file_that_was_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = Crew::builder("parcels", "1.0.0").environment(Environment::Production).build();
    config(&folder).connect(&crew).await.expect("open");
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("data");
    let config = SqlConfig::of(format!("sqlite:{}/parcels.db", missing.display()));
    let error = config.connect(&crew()).await.unwrap_err().to_string();
    assert!(error.contains(&format!("there is no directory {}", missing.display())), "{error}");
}

#[tokio::test]
async fn readiness_fails_when_the_file_is_deleted() {
    let (folder, crew, _sqlite) = counter().await;
    until("the database is ready", || crew.readiness().ready).await;
    std::fs::remove_file(folder.path().join("parcels.db")).expect("delete");
    until("the service is unready", || !crew.readiness().ready).await;
    let reasons = crew.readiness().reasons.join("; ");
    assert!(reasons.contains("database is unhealthy") && reasons.contains("parcels.db is gone"), "{reasons}");
}

#[tokio::test]
async fn readiness_fails_when_the_file_is_replaced() {
    let (folder, crew, _sqlite) = counter().await;
    until("the database is ready", || crew.readiness().ready).await;
    std::fs::write(folder.path().join("other"), "").expect("write");
    std::fs::rename(folder.path().join("other"), folder.path().join("parcels.db")).expect("rename");
    until("the service is unready", || !crew.readiness().ready).await;
    assert!(crew.readiness().reasons.join("; ").contains("was replaced"));
}

#[tokio::test]
async fn a_file_that_is_gone_only_degrades_where_that_is_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    let config = SqlConfig { impact: Some(DatabaseImpact::Degraded), ..config(&folder) };
    let _sqlite = config.connect_sqlite(&crew).await.expect("open");
    until("the first check is done", || !crew.readiness().degraded).await;
    std::fs::remove_file(folder.path().join("parcels.db")).expect("delete");
    until("the service is degraded", || crew.readiness().degraded).await;
    assert!(crew.readiness().ready);
}

#[tokio::test]
async fn every_metric_is_there_by_its_name_for_both_pools() {
    let (_folder, crew, sqlite) = counter().await;
    assert_eq!(sqlite.read().timed("select_counter", async { count(&sqlite).await }).await, 0);
    sqlite.write().timed("nothing", async {}).await;
    let text = crew.metrics().encode();
    for pool in ["database-writer", "database-reader"] {
        let gauges = [names::ACTIVE, names::SIZE, names::IDLE, names::MAX, names::ACQUIRE_TIMEOUTS];
        for series in gauges.map(|name| format!("{name}{{pool=\"{pool}\",service=\"parcels\"}}")) {
            assert!(text.contains(&series), "{series}\n{text}");
        }
        assert!(text.contains(&format!("{}_count{{pool=\"{pool}\"", names::ACQUIRE_WAIT)), "{text}");
    }
    let labels = r#"pool="database-reader",query_type="select_counter",service="parcels""#;
    let timed = format!("{}_count{{{labels}}} 1", names::QUERY_DURATION);
    assert!(text.contains(&timed), "{text}");
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_and_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let crew = crew();
    let config = SqlConfig { acquire_timeout: Duration::from_secs(2), ..config(&folder) };
    let sqlite = config.connect_sqlite(&crew).await.expect("open");
    let _held = sqlite.begin().await.expect("begin");
    let error = sqlite.begin().await.unwrap_err();
    assert!(error.to_string().contains("no connection within 2s (database.acquire_timeout)"), "{error}");
    let text = crew.metrics().encode();
    let counted = "db_acquire_timeouts_total{pool=\"database-writer\",service=\"parcels\"} 1";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("db_active_connections{pool=\"database-writer\",service=\"parcels\"} 1"), "{text}");
}

#[tokio::test]
async fn two_databases_of_one_service_need_two_names() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let crew = crew();
    config(&one).connect(&crew).await.expect("open");
    let error = config(&two).connect(&crew).await.unwrap_err().to_string();
    assert!(error.contains("`database-writer`") && error.contains("name of its own"), "{error}");
    config(&two).connect_as("reports", &crew).await.expect("another name");
    assert_eq!(crew.readiness().checks.len(), 2);
}

#[tokio::test]
async fn the_shutdown_closes_the_pools_and_says_how_many_connections_there_were() {
    let (folder, crew) = (tempfile::tempdir().expect("a folder"), crew());
    let config = SqlConfig { max_connections: 1, ..config(&folder) };
    let sqlite = config.connect_sqlite(&crew).await.expect("open");
    let log = folder.path().join("parcels.db-wal");
    let signals = Signals::install().expect("signals");
    let landed = supervise(&crew, signals, async {
        sqlx::query("CREATE TABLE counter (n INTEGER)").execute(&sqlite).await.expect("a table");
        assert!(log.exists(), "what is written goes to the log first");
        sqlx::query("SELECT n FROM counter").fetch_all(sqlite.read()).await.expect("rows");
        crew.request_shutdown(Reason::Requested("enough".into()));
    })
    .await;
    let receipt = landed.receipt.expect("a receipt");
    let close = receipt.phases.iter().find(|phase| phase.phase == Phase::Close).expect("the phase");
    let entry = close.entries.iter().find(|entry| entry.name == "database").expect("the database");
    assert_eq!(entry.outcome, Outcome::finished("2 connections closed"));
    assert!(!log.exists(), "the log is folded into the file");
    assert!(matches!(sqlite.begin().await, Err(sqlx::Error::PoolClosed)));
}
