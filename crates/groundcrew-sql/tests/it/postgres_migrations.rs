//! Migrations on Postgres, with several processes and after those that died.
//!
//! The field note: "The migrator blocks in `pg_advisory_lock` and deadlocks with `CREATE INDEX CONCURRENTLY`.
//! → Poll `pg_try_advisory_lock` with a deadline, own connection, no statement timeout, detect INVALID indexes."

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use groundcrew_sql::{ContractMode, Database, MigrationProgress, Migrations, MigrationsError, SqlConfig};
use groundcrew_testkit::postgres::Postgres;
use sqlx::PgPool;
use sqlx::migrate::{Migration, Migrator};
use tokio::task::JoinSet;

use crate::support::{crew, migrator, within};

const TABLE: (&str, &str) = ("parcels", "CREATE TABLE parcels (n INT)");
const ROWS: (&str, &str) = ("rows", "INSERT INTO parcels SELECT generate_series(1, 1000)");
const INDEX: (&str, &str) =
    ("index", "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY parcels_n ON parcels (n)");
const SOON: Duration = Duration::from_secs(30);
/// Where the process that is killed finds its database.
const URL: &str = "GROUNDCREW_SQL_TEST_HOLDER";

fn config(url: &str) -> SqlConfig {
    SqlConfig { check_period: Duration::from_secs(3600), ..SqlConfig::of(url) }
}

async fn connected(url: &str) -> Database {
    config(url).connect(&crew()).await.expect("connected")
}

/// The test's migrations, where those that say so ask for no transaction.
fn migrations(of: &[(&'static str, &'static str)]) -> &'static Migrator {
    let all = migrator(of).iter().cloned().map(|migration| {
        let no_tx = migration.sql.as_str().starts_with("-- no-transaction");
        Migration { no_tx, ..migration }
    });
    Box::leak(Box::new(Migrator::with_migrations(all.collect())))
}

async fn is_valid(pool: &PgPool, index: &'static str) -> Option<bool> {
    let query = "SELECT indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = $1";
    sqlx::query_scalar(query).bind(index).fetch_optional(pool).await.expect("an answer")
}

#[tokio::test]
async fn replicas_that_start_together_create_an_index_concurrently_without_a_deadlock() {
    let server = Postgres::start().await.expect("a server");
    let all = migrations(&[TABLE, ROWS, INDEX]);
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let url = server.url().to_owned();
        starts.spawn(async move { connected(&url).await.apply_migrations(all).await });
    }
    for status in within(SOON, "all replicas", starts.join_all()).await {
        assert_eq!(status.expect("applied").applied.len(), 3);
    }
    let pool = PgPool::connect(server.url()).await.expect("connected");
    assert_eq!(is_valid(&pool, "parcels_n").await, Some(true));
}

/// The control: those who wait inside of `pg_advisory_lock` are what the index waits for.
#[tokio::test]
async fn replicas_that_start_together_with_plain_sqlx_deadlock() {
    let server = Postgres::start().await.expect("a server");
    let all = migrations(&[TABLE, ROWS, INDEX]);
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let url = server.url().to_owned();
        starts.spawn(async move {
            let mut connection =
                PgPool::connect(&url).await.expect("connected").acquire().await.expect("one");
            all.run_direct(None, &mut *connection, false).await
        });
    }
    let ended = tokio::time::timeout(Duration::from_secs(15), starts.join_all()).await;
    let deadlocked = ended.map_or(true, |all| all.iter().any(Result::is_err));
    assert!(deadlocked, "sqlx has mended its lock: ours may go");
}

#[tokio::test]
async fn an_index_waits_for_an_older_transaction_longer_than_the_limits_of_the_service() {
    let server = Postgres::start().await.expect("a server");
    let brief = Duration::from_millis(100);
    let config = SqlConfig {
        statement_timeout: brief,
        lock_timeout: brief,
        operation_timeout: Some(brief),
        ..config(server.url())
    };
    let database = config.connect(&crew()).await.expect("connected");
    database.apply_migrations(migrations(&[TABLE])).await.expect("applied");
    let pool = PgPool::connect(server.url()).await.expect("connected");
    let mut older = pool.begin().await.expect("begin");
    sqlx::query("INSERT INTO parcels VALUES (1)").execute(&mut *older).await.expect("a row");
    let applying = tokio::spawn(async move { database.apply_migrations(migrations(&[TABLE, INDEX])).await });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%CONCURRENTLY parcels_n%' \
                 AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '500 ms'";
    within(SOON, "it waits", async {
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&pool).await.expect("a count") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    older.commit().await.expect("commit");
    within(SOON, "the index", applying).await.expect("no panic").expect("applied");
    assert_eq!(is_valid(&pool, "parcels_n").await, Some(true));
}

#[tokio::test]
async fn an_index_that_failed_is_named_and_in_the_way_until_it_is_dropped() {
    let server = Postgres::start().await.expect("a server");
    let database = connected(server.url()).await;
    let twice = ("rows", "INSERT INTO parcels VALUES (1), (1)");
    let once = ("once", "DELETE FROM parcels");
    let error = database.apply_migrations(migrations(&[TABLE, twice, INDEX])).await.unwrap_err().to_string();
    for part in
        ["migration 3 (index)", "could not create unique index", "DROP INDEX CONCURRENTLY parcels_n first"]
    {
        assert!(error.contains(part), "{error}");
    }
    let pool = PgPool::connect(server.url()).await.expect("connected");
    sqlx::query(once.1).execute(&pool).await.expect("deleted");

    // As after a process that was killed: `IF NOT EXISTS` would take it for done.
    let lenient =
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS parcels_n ON parcels (n)";
    let all = migrations(&[TABLE, twice, ("index", lenient)]);
    let error = database.apply_migrations(all).await.unwrap_err();
    assert!(
        matches!(&error, MigrationsError::InvalidIndex { version: 3, index, .. } if index == "parcels_n")
    );
    assert!(error.to_string().contains("DROP INDEX CONCURRENTLY parcels_n, and start or `migrate` again"));

    sqlx::query("DROP INDEX CONCURRENTLY parcels_n").execute(&pool).await.expect("dropped");
    database.apply_migrations(all).await.expect("applied");
    assert_eq!(is_valid(&pool, "parcels_n").await, Some(true));
}

/// Not a test: what `a_process_that_is_killed…` starts and kills.
#[tokio::test]
#[ignore = "runs for a minute in a process of its own, which another test kills"]
async fn holder() {
    let Ok(url) = std::env::var(URL) else { return };
    let _ended = connected(&url).await.apply_migrations(migrations(&[("slow", "SELECT pg_sleep(60)")])).await;
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_migrates_does_not_hold_up_the_next() {
    let server = Postgres::start().await.expect("a server");
    let pool = PgPool::connect(server.url()).await.expect("connected");
    let mut holder = Command::new(std::env::current_exe().expect("ourselves"))
        .args(["--exact", "postgres_migrations::holder", "--ignored"])
        .env(URL, server.url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    within(SOON, "it migrates", async {
        while sqlx::query_scalar::<_, i64>(asleep).fetch_one(&pool).await.expect("a count") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    let started = Instant::now();
    let status =
        within(SOON, "the next", connected(server.url()).await.apply_migrations(migrations(&[TABLE]))).await;
    assert_eq!(status.expect("applied").applied.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_session_that_is_terminated_while_it_migrates_does_not_hold_up_the_next() {
    let server = Postgres::start().await.expect("a server");
    let pool = PgPool::connect(server.url()).await.expect("connected");
    let url = server.url().to_owned();
    let slow = tokio::spawn(async move {
        connected(&url).await.apply_migrations(migrations(&[("slow", "SELECT pg_sleep(60)")])).await
    });
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    within(SOON, "it is terminated", async {
        while sqlx::query_scalar::<_, i64>(kill).fetch_one(&pool).await.expect("a count") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let error = within(SOON, "an error", slow).await.expect("no panic").unwrap_err();
    assert!(matches!(error, MigrationsError::Failed { version: 1, .. }), "{error:?}");
    connected(server.url()).await.apply_migrations(migrations(&[TABLE])).await.expect("applied");
}

#[tokio::test]
async fn progress_is_told() {
    let server = Postgres::start().await.expect("a server");
    let mut told = Vec::new();
    let mut tell = |progress: MigrationProgress<'_>| {
        told.push(match progress {
            MigrationProgress::Applying(migration) => format!("applying {}", migration.version),
            MigrationProgress::Applied(migration, _) => format!("applied {}", migration.version),
            _ => "waiting".to_owned(),
        });
    };
    let database = connected(server.url()).await;
    database.apply_migrations_telling(migrations(&[TABLE, INDEX]), &mut tell).await.expect("applied");
    assert_eq!(told, ["applying 1", "applied 1", "applying 2", "applied 2"]);
}

const DROP: (&str, &str) = ("away", "-- The new way.\nALTER TABLE parcels\n  DROP COLUMN n;");

#[tokio::test]
async fn a_migration_that_takes_something_away_is_refused_before_any_is_applied() {
    let server = Postgres::start().await.expect("a server");
    let database = connected(server.url()).await;
    database.apply_migrations(migrations(&[TABLE])).await.expect("applied");
    let error = database.apply_migrations(migrations(&[TABLE, ROWS, DROP])).await.unwrap_err();
    let words = error.to_string();
    let parts = [
        "migration 3 (away)",
        "line 2",
        "`ALTER TABLE parcels DROP COLUMN n`",
        "-- groundcrew: contract <why>",
    ];
    for part in parts {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(database.migration_status(migrations(&[TABLE])).await.expect("status").applied.len(), 1);
}

#[tokio::test]
async fn a_constraint_that_keeps_values_unique_is_not_dropped_and_another_one_is() {
    let server = Postgres::start().await.expect("a server");
    let database = connected(server.url()).await;
    let rules = ("rules", "ALTER TABLE parcels ADD UNIQUE (n), ADD CONSTRAINT heavy CHECK (n > 5)");
    database.apply_migrations(migrations(&[TABLE, rules])).await.expect("applied");
    let away = ("away", "ALTER TABLE parcels DROP CONSTRAINT parcels_n_key");
    let error = database.apply_migrations(migrations(&[TABLE, rules, away])).await.unwrap_err();
    assert!(matches!(error, MigrationsError::Contract { version: 3, .. }), "{error:?}");
    let check = ("away", "ALTER TABLE parcels DROP CONSTRAINT heavy");
    database.apply_migrations(migrations(&[TABLE, rules, check])).await.expect("it only relaxes");
}

#[tokio::test]
async fn what_takes_something_away_is_applied_where_it_is_marked_allowed_or_from_before() {
    let server = Postgres::start().await.expect("a server");
    let marked =
        ("away", "-- groundcrew: contract nobody has read n since 1.4\nALTER TABLE parcels DROP COLUMN n");
    let warned = |mode| SqlConfig { migrate_contract: mode, ..config("") };
    let cases = [
        (SqlConfig::default(), Migrations::from(migrations(&[TABLE, marked]))),
        (warned(ContractMode::Allow), Migrations::from(migrations(&[TABLE, DROP]))),
        (warned(ContractMode::Warn), Migrations::from(migrations(&[TABLE, DROP]))),
        (SqlConfig::default(), Migrations::from(migrations(&[TABLE, DROP])).judged_after(2)),
    ];
    for (settings, all) in cases {
        let own = server.database().await.expect("a database");
        let config = SqlConfig { url: config(own.url()).url, ..settings };
        let database = config.connect(&crew()).await.expect("connected");
        database.apply_migrations(migrations(&[TABLE])).await.expect("applied");
        assert_eq!(database.apply_migrations(all).await.expect("applied").applied.len(), 2);
    }
}

#[tokio::test]
async fn in_an_empty_database_nobody_uses_what_is_taken_away() {
    let server = Postgres::start().await.expect("a server");
    let status = connected(server.url()).await.apply_migrations(migrations(&[TABLE, DROP])).await;
    assert_eq!(status.expect("applied").applied.len(), 2);
}
