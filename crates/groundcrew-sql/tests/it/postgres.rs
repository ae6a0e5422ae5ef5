//! Postgres against a real server.

use std::time::Duration;

use crate::support::server::{PASSWORD, Server};
use crate::support::{abandon_after, crew, migrator, until};
use futures_util::TryStreamExt;
use groundcrew_config::Secret;
use groundcrew_runtime::{Outcome, Phase, Reason, Signals, supervise};
use groundcrew_sql::{ConnectError, Database, DatabaseImpact, MigrationsError, SqlConfig, SqlProblem};
use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;

fn config(server: &Server) -> SqlConfig {
    let brief = Duration::from_millis(300);
    SqlConfig {
        check_period: Duration::from_millis(10),
        connect_retry: brief,
        ..SqlConfig::of(server.url(PASSWORD))
    }
}

/// How many connections with this name wait inside of a transaction.
async fn idle_in_transaction(on: impl Executor<'_, Database = sqlx::Postgres>, name: &str) -> i64 {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state LIKE 'idle in%'";
    sqlx::query_scalar(query).bind(name).fetch_one(on).await.expect("a count")
}

#[tokio::test]
async fn a_reference_is_an_executor() {
    let server = Server::start().await;
    let postgres = config(&server).connect_postgres(&crew()).await.expect("connected");
    sqlx::query("CREATE TABLE parcels (n INT)").execute(&postgres).await.expect("a table");
    sqlx::query("INSERT INTO parcels SELECT generate_series(1, 500)").execute(&postgres).await.expect("rows");
    let rows: Vec<i32> = sqlx::query_scalar::<_, i32>("SELECT n FROM parcels ORDER BY n")
        .fetch(&postgres)
        .try_collect()
        .await
        .expect("rows");
    assert_eq!(rows, (1..=500).collect::<Vec<_>>());
    let mut transaction = postgres.begin().await.expect("begin");
    sqlx::query("DELETE FROM parcels").execute(&mut *transaction).await.expect("deleted");
    drop(transaction);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM parcels").fetch_one(&postgres).await.expect("n");
    assert_eq!(left, 500, "what is not committed is rolled back");
}

#[tokio::test]
async fn the_limits_hold_on_the_server() {
    let server = Server::start().await;
    let config = SqlConfig { statement_timeout: Duration::from_millis(50), ..config(&server) };
    let postgres = config.connect_postgres(&crew()).await.expect("connected");
    let error = sqlx::query("SELECT pg_sleep(60)").execute(&postgres).await.unwrap_err();
    assert!(error.to_string().contains("statement timeout"), "{error}");
    let show = |setting: &'static str| sqlx::query_scalar::<_, String>(setting);
    assert_eq!(show("SHOW lock_timeout").fetch_one(&postgres).await.expect("a setting"), "5s");
    let idle = show("SHOW idle_in_transaction_session_timeout").fetch_one(&postgres).await;
    assert_eq!(idle.expect("a setting"), "1min");
    assert_eq!(show("SHOW application_name").fetch_one(&postgres).await.expect("a setting"), "parcels");
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once_and_shown_nowhere() {
    let server = Server::start().await;
    let config = SqlConfig { connect_retry: Duration::from_secs(3600), ..config(&server) };
    let wrong = SqlConfig { password: Some(Secret::new("wrong-canary".into())), ..config };
    let error = wrong.connect(&crew()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    let shown = format!("{error} {error:?} {wrong:?}");
    assert!(shown.contains("DATABASE_PASSWORD"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_password_of_its_own_wins_over_the_one_in_the_url_and_is_shown_nowhere() {
    let server = Server::start().await;
    let password = Some(Secret::new(PASSWORD.to_owned()));
    let url = SqlConfig::of(server.url("password")).url;
    let config = SqlConfig { url, password, ..config(&server) };
    let database = config.connect(&crew()).await.expect("connected");
    let shown = format!("{database:?} {config:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_missing_database_is_refused_with_a_hint() {
    let server = Server::start().await;
    let url = format!("{}?dbname=nowhere", server.url(PASSWORD));
    let config = SqlConfig { url: SqlConfig::of(url).url, ..config(&server) };
    let error = config.connect(&crew()).await.unwrap_err().to_string();
    assert!(error.contains("nowhere") && error.contains("create the database"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_come_is_given_up_with_the_last_cause() {
    let server = Server::prepare().await;
    let error = config(&server).connect(&crew()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { attempts: 2.., .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("Connection refused") && error.contains("connect_retry"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_server_that_starts_late_is_waited_for() {
    let mut server = Server::prepare().await;
    let config = SqlConfig { connect_retry: Duration::from_secs(60), ..config(&server) };
    let crew = crew();
    let mut connecting = Box::pin(config.connect(&crew));
    tokio::select! {
        biased;
        _ = &mut connecting => panic!("nobody is there yet"),
        () = tokio::time::sleep(Duration::from_millis(250)) => {}
    }
    server.launch().await;
    connecting.await.expect("connected");
}

#[tokio::test]
async fn a_server_that_stops_degrades_the_service_and_one_that_comes_back_mends_it() {
    let mut server = Server::start().await;
    let crew = crew();
    let _postgres = config(&server).connect(&crew).await.expect("connected");
    until("the first check is done", || !crew.readiness().degraded).await;
    server.stop();
    until("the service is degraded", || crew.readiness().degraded).await;
    let readiness = crew.readiness();
    assert!(readiness.ready, "all replicas share Postgres");
    let cause = readiness.checks[0].last_error.clone().expect("a cause");
    assert!(cause.contains("refused"), "{cause}");
    server.launch().await;
    until("the service is whole again", || !crew.readiness().degraded).await;
}

#[tokio::test]
async fn a_server_that_stops_makes_the_service_unready_where_that_is_configured() {
    let mut server = Server::start().await;
    let crew = crew();
    let config = SqlConfig { impact: Some(DatabaseImpact::Required), ..config(&server) };
    let _postgres = config.connect(&crew).await.expect("connected");
    until("the service is ready", || crew.readiness().ready).await;
    server.stop();
    until("the service is unready", || !crew.readiness().ready).await;
}

#[tokio::test]
async fn a_begin_that_is_abandoned_leaves_no_open_transaction() {
    let server = Server::start().await;
    let quiet = Duration::from_secs(3600);
    let config = SqlConfig {
        max_connections: 1,
        acquire_timeout: Duration::from_secs(5),
        check_period: quiet,
        ..config(&server)
    };
    let postgres = config.connect_postgres(&crew()).await.expect("connected");
    let watcher = sqlx::PgPool::connect(&server.url(PASSWORD)).await.expect("connected");
    for polls in 0..60 {
        until("the connection is back", || postgres.raw().num_idle() == 1).await;
        abandon_after(polls, postgres.begin()).await;
        // The pool has one connection: once it is ours, whatever was abandoned is over.
        let connection = postgres.connections().acquire().await.expect("the connection is back");
        assert_eq!(idle_in_transaction(&watcher, "parcels").await, 0, "after {polls} polls");
        drop(connection);
    }
}

/// The control: without the task of its own, a connection does go back with its transaction open.
#[tokio::test]
async fn a_begin_of_a_plain_pool_that_is_abandoned_leaves_an_open_transaction() {
    let server = Server::start().await;
    let url = format!("{}?application_name=plain", server.url(PASSWORD));
    // Without a ping before it, the first step of `begin` is to send its statement.
    let plain = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let plain = plain.connect(&url).await.expect("connected");
    let watcher = sqlx::PgPool::connect(&server.url(PASSWORD)).await.expect("connected");
    let mut leaked = 0;
    for _ in 0..50 {
        until("the connection is back", || plain.num_idle() == 1).await;
        abandon_after(1, plain.begin()).await;
        let connection = plain.acquire().await.expect("the connection is back");
        leaked += idle_in_transaction(&watcher, "plain").await;
        drop(connection);
    }
    assert!(leaked > 0, "sqlx has mended `begin`: the task of its own may go");
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_an_error_in_time_and_is_counted() {
    let server = Server::start().await;
    let crew = crew();
    let check_period = Duration::from_secs(60);
    let config = SqlConfig { max_connections: 1, check_period, ..config(&server) };
    let postgres = config.connect_postgres(&crew).await.expect("connected");
    until("the first check is done", || !crew.readiness().degraded).await;
    let _held = postgres.begin().await.expect("begin");
    let error = postgres.begin().await.unwrap_err();
    let words =
        "no connection within 3s (database.acquire_timeout): all 1 connections of the pool are in use";
    assert!(error.to_string().ends_with(words), "{error}");
    let text = crew.metrics().encode();
    for series in ["db_acquire_timeouts_total", "db_active_connections", "db_connection_pool_size"] {
        assert!(text.contains(&format!("{series}{{pool=\"database\",service=\"parcels\"}} 1\n")), "{text}");
    }
}

#[tokio::test]
async fn the_shutdown_closes_the_pool_and_says_so() {
    let server = Server::start().await;
    let crew = crew();
    let config = SqlConfig { max_connections: 1, ..config(&server) };
    let postgres = config.connect_postgres(&crew).await.expect("connected");
    let signals = Signals::install().expect("signals");
    let landed = supervise(&crew, signals, async {
        sqlx::query("SELECT 1").execute(&postgres).await.expect("an answer");
        crew.request_shutdown(Reason::Requested("enough".into()));
    })
    .await;
    let receipt = landed.receipt.expect("a receipt");
    let close = receipt.phases.iter().find(|phase| phase.phase == Phase::Close).expect("the phase");
    assert_eq!(close.entries[0].outcome, Outcome::finished("1 connection closed"));
}

#[tokio::test]
async fn processes_that_start_together_migrate_once_without_a_deadlock() {
    let server = Server::start().await;
    let migrator = migrator(&[
        ("parcels", "CREATE TABLE parcels (n INT)"),
        ("rows", "INSERT INTO parcels SELECT generate_series(1, 10)"),
    ]);
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = SqlConfig { acquire_timeout: Duration::from_secs(10), ..config(&server) };
        starts.spawn(async move {
            let crew = crew();
            let database = config.connect(&crew).await.expect("connected");
            database.migrate(&crew, migrator).await
        });
    }
    while let Some(status) = starts.join_next().await {
        assert_eq!(status.expect("no panic").expect("applied").applied.len(), 2);
    }
    let pool = sqlx::PgPool::connect(&server.url(PASSWORD)).await.expect("connected");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM parcels").fetch_one(&pool).await.expect("n");
    assert_eq!(rows, 10);
}

#[tokio::test]
async fn a_migration_that_fails_is_named_and_keeps_those_before_it() {
    let server = Server::start().await;
    let database: Database = config(&server).connect_postgres(&crew()).await.expect("connected").into();
    let broken =
        migrator(&[("parcels", "CREATE TABLE parcels (n INT)"), ("broken", "ALTER TABLE nowhere ADD n INT")]);
    let error = database.apply_migrations(broken).await.unwrap_err();
    assert!(matches!(&error, MigrationsError::Failed { version: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("migration 2 (broken)") && error.to_string().contains("nowhere"));
    let status = database.migration_status(broken).await.expect("status");
    assert_eq!((status.applied.len(), status.pending.len()), (1, 1));
    // The lock went with its connection.
    database.apply_migrations(migrator(&[("parcels", "CREATE TABLE parcels (n INT)")])).await.expect("again");
}

#[tokio::test]
async fn somebody_else_who_migrates_for_too_long_is_an_error() {
    let server = Server::start().await;
    let config = SqlConfig { migrate_timeout: Duration::from_millis(50), ..config(&server) };
    let database = config.connect(&crew()).await.expect("connected");
    let other = sqlx::PgPool::connect(&server.url(PASSWORD)).await.expect("connected");
    let mut other = other.acquire().await.expect("a connection");
    let lock = i64::from_be_bytes(*b"groundcr");
    sqlx::query("SELECT pg_advisory_lock($1)").bind(lock).execute(&mut *other).await.expect("the lock");
    let error = database.apply_migrations(migrator(&[("parcels", "SELECT 1")])).await.unwrap_err();
    assert_eq!(error, MigrationsError::Locked { within: Duration::from_millis(50) });
}

#[tokio::test]
async fn what_postgres_says_is_told_apart_for_the_answer() {
    let server = Server::start().await;
    let config = SqlConfig { statement_timeout: Duration::from_millis(100), ..config(&server) };
    let postgres = config.connect_postgres(&crew()).await.expect("connected");
    let schema = "CREATE TABLE parcels (n INT UNIQUE NOT NULL CHECK (n < 5), of INT REFERENCES parcels (n))";
    sqlx::query(schema).execute(&postgres).await.expect("a table");
    sqlx::query("INSERT INTO parcels VALUES (1)").execute(&postgres).await.expect("a row");
    for (statement, problem) in [
        ("INSERT INTO parcels VALUES (1)", SqlProblem::Exists),
        ("INSERT INTO parcels VALUES (2, 3)", SqlProblem::StillReferenced),
        ("INSERT INTO parcels VALUES (9)", SqlProblem::Rejected),
        ("INSERT INTO parcels VALUES (NULL)", SqlProblem::Rejected),
        ("SELECT pg_sleep(60)", SqlProblem::DeadlineExceeded),
        ("SELECT nonsense", SqlProblem::Other),
    ] {
        let error = sqlx::query(statement).execute(&postgres).await.unwrap_err();
        assert_eq!(SqlProblem::of(&error), problem, "{error}");
    }
}
