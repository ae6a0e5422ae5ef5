//! Migrations on Postgres whose connection falls silent: an error comes, and not a start that never ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundcrew_sql::{Database, MigrationProgress, MigrationsError, SqlConfig};
use groundcrew_testkit::proxy::{Direction, Mode};
use sqlx::PgPool;

use crate::support::field::Field;
use crate::support::{migrator, until, within};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(20);
const TABLE: (&str, &str) = ("parcels", "CREATE TABLE parcels (n INT)");

/// Through a proxy, with a second for each answer and no other limit that would end a wait.
async fn connected(field: &Field) -> Database {
    let config = SqlConfig {
        operation_timeout: Some(SECOND),
        connect_timeout: SECOND,
        lock_timeout: Duration::ZERO,
        migrate_timeout: Duration::from_secs(3600),
        ..field.config()
    };
    config.connect(&field.crew).await.expect("connected")
}

async fn asleep(watcher: &PgPool) -> bool {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    sqlx::query_scalar::<_, i64>(query).fetch_one(watcher).await.expect("a count") > 0
}

#[tokio::test]
async fn what_is_pending_is_told_in_time_or_an_error() {
    let field = Field::start().await;
    let database = connected(&field).await;
    database.apply_migrations(migrator(&[TABLE])).await.expect("applied");
    let watcher = field.watcher().await;
    let mut other = watcher.begin().await.expect("begin");
    sqlx::query("LOCK TABLE _sqlx_migrations").execute(&mut *other).await.expect("the lock");
    let error = within(SOON, "an error", database.migration_status(migrator(&[TABLE]))).await.unwrap_err();
    assert!(matches!(error, MigrationsError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("no answer within 1s (the larger of database.operation_timeout"));
}

#[tokio::test]
async fn a_connection_that_falls_silent_while_it_waits_for_the_lock_is_an_error() {
    let field = Field::start().await;
    let database = connected(&field).await;
    let mut other = field.watcher().await.acquire().await.expect("a connection");
    let lock = i64::from_be_bytes(*b"groundcr");
    sqlx::query("SELECT pg_advisory_lock($1)").bind(lock).execute(&mut *other).await.expect("the lock");
    let waits = AtomicBool::new(false);
    let mut tell = |progress: MigrationProgress<'_>| {
        waits.store(matches!(progress, MigrationProgress::Waiting(_)), Ordering::Relaxed);
    };
    let silence = async {
        until("it waits for the lock", || waits.load(Ordering::Relaxed)).await;
        field.proxy.set(Mode::BlackHole).await;
    };
    let applying = database.apply_migrations_telling(migrator(&[TABLE]), &mut tell);
    let (applied, ()) = within(SOON, "an error", async { tokio::join!(applying, silence) }).await;
    let error = applied.unwrap_err();
    assert!(error.to_string().contains("no answer within 1s"), "{error}");
}

#[tokio::test]
async fn a_migration_whose_answer_is_lost_is_an_error() {
    let field = Field::start().await;
    let (database, watcher) = (connected(&field).await, field.watcher().await);
    let slow = migrator(&[("slow", "SELECT pg_sleep(2)")]);
    let losing = async {
        while !asleep(&watcher).await {
            tokio::task::yield_now().await;
        }
        field.proxy.set(Mode::BlackHole).await;
        // The answer itself: the server may have said it while the proxy has not read it yet.
        while field.proxy.swallowed(Direction::ToClient) == 0 {
            tokio::task::yield_now().await;
        }
        field.proxy.heal().await;
    };
    let applying = database.apply_migrations(slow);
    let (applied, ()) = within(SOON, "an error", async { tokio::join!(applying, losing) }).await;
    let error = applied.unwrap_err();
    assert!(matches!(error, MigrationsError::Failed { version: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("its connection fell silent"), "{error}");
}

#[tokio::test]
async fn a_migration_may_take_longer_than_any_answer() {
    let field = Field::start().await;
    let database = connected(&field).await;
    let slow = migrator(&[("slow", "SELECT pg_sleep(4)")]);
    within(SOON, "it ends", database.apply_migrations(slow)).await.expect("applied");
}
