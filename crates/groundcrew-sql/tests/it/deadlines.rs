//! Every operation ends in time, also when Postgres has fallen silent.
//!
//! The field note: "No TCP keepalive, and the return-to-pool ping has no timeout: a black-holed connection
//! keeps its pool permit for minutes" (sqlx#3540).

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use groundcrew_sql::{Awaited, DeadlineExceeded, Limit, Postgres, SqlConfig};
use groundcrew_telemetry::Context;
use groundcrew_testkit::proxy::Mode;
use sqlx::postgres::PgPoolOptions;

use crate::support::field::Field;
use crate::support::{until, within};

const BRIEF: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(20);

async fn connected(field: &Field) -> Postgres {
    let config = SqlConfig { operation_timeout: Some(BRIEF), ..field.config() };
    config.connect_postgres(&field.crew).await.expect("connected")
}

fn exceeded(error: &sqlx::Error) -> (Awaited, Limit) {
    let exceeded = DeadlineExceeded::of(error).unwrap_or_else(|| panic!("not a deadline: {error}"));
    (exceeded.awaited, exceeded.limit)
}

#[tokio::test]
async fn a_statement_that_is_never_answered_is_cut_by_the_operation_timeout() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    let mut held = postgres.connections().acquire().await.expect("a connection");
    field.proxy.set(Mode::BlackHole).await;
    let error = within(SOON, "an error", sqlx::query("SELECT 1").execute(&mut *held)).await.unwrap_err();
    assert_eq!(exceeded(&error), (Awaited::Statement, Limit::Operation));
    assert!(
        error.to_string().contains("no answer to the statement within 300ms (database.operation_timeout)")
    );
    let counted = field.crew.metrics().encode();
    let series = "db_operation_timeouts_total{pool=\"database\",service=\"parcels\"} ";
    let cut = counted.lines().find_map(|line| line.strip_prefix(series)?.parse::<u64>().ok());
    // The health check may have been cut as well.
    assert!(cut.is_some_and(|cut| cut >= 1), "{cut:?}");
}

#[tokio::test]
async fn a_statement_has_no_more_time_than_its_request() {
    let field = Field::start().await;
    let config = SqlConfig { operation_timeout: Some(Duration::from_secs(3600)), ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    let request = Context::random().with_timeout(BRIEF).into_arc();
    let sleeping = request.scope(async { sqlx::query("SELECT pg_sleep(60)").execute(&postgres).await });
    let error = within(SOON, "an error", sleeping).await.unwrap_err();
    assert_eq!(exceeded(&error), (Awaited::Statement, Limit::Request));
}

#[tokio::test]
async fn a_request_whose_time_is_over_asks_the_database_nothing() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    let request = Context::random().with_deadline(Instant::now()).into_arc();
    let asked = request.scope(async { sqlx::query("SELECT 1").execute(&postgres).await });
    assert_eq!(exceeded(&asked.await.unwrap_err()), (Awaited::Connection, Limit::Request));
    assert_eq!(postgres.raw().size(), 0, "no connection was opened");
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_cut() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    let query = "SELECT n, pg_sleep(CASE WHEN n > 1000 THEN 60 ELSE 0 END) FROM generate_series(1, 2000) n";
    let mut rows = sqlx::query(query).fetch(&postgres);
    assert!(rows.try_next().await.expect("a row").is_some());
    let error = within(SOON, "an error", async {
        loop {
            if let Err(error) = rows.try_next().await {
                break error;
            }
        }
    });
    assert_eq!(exceeded(&error.await), (Awaited::Statement, Limit::Operation));
}

#[tokio::test]
async fn a_slow_reader_of_a_stream_does_not_use_up_the_databases_time() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    let mut rows = sqlx::query("SELECT generate_series(1, 4)").fetch(&postgres);
    let mut read = 0;
    while rows.try_next().await.expect("a row").is_some() {
        read += 1;
        tokio::time::sleep(BRIEF / 2).await;
    }
    assert_eq!(read, 4);
}

#[tokio::test]
async fn begin_and_commit_are_cut_too_and_a_commit_says_that_its_outcome_is_not_known() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    let mut transaction = postgres.begin().await.expect("begin");
    sqlx::query("CREATE TABLE parcels ()").execute(&mut *transaction).await.expect("a table");
    field.proxy.set(Mode::BlackHole).await;
    let error = within(SOON, "an error", transaction.commit()).await.unwrap_err();
    assert_eq!(exceeded(&error), (Awaited::Commit, Limit::Operation));
    assert!(error.to_string().contains("whether it took place is not known"), "{error}");

    let error = within(SOON, "an error", postgres.begin()).await.unwrap_err();
    assert_eq!(exceeded(&error), (Awaited::Connection, Limit::Acquire));
}

#[tokio::test]
async fn a_transaction_with_a_statement_that_was_cut_cannot_be_committed() {
    let field = Field::start().await;
    let postgres = connected(&field).await;
    sqlx::query("CREATE TABLE parcels (n INT)").execute(&postgres).await.expect("a table");
    let mut transaction = postgres.begin().await.expect("begin");
    let slow = "INSERT INTO parcels SELECT 1 FROM pg_sleep(2)";
    sqlx::query(slow).execute(&mut *transaction).await.unwrap_err();
    let error = transaction.commit().await.unwrap_err();
    assert!(error.to_string().contains("it is rolled back"), "{error}");
    let watcher = field.watcher().await;
    within(SOON, "the rollback", async {
        let busy =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parcels' AND state <> 'idle'";
        while sqlx::query_scalar::<_, i64>(busy).fetch_one(&watcher).await.expect("a count") > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM parcels").fetch_one(&watcher).await.expect("n");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_connection_whose_statement_was_cut_is_not_lent_again() {
    let field = Field::start().await;
    let config = SqlConfig { max_connections: 1, operation_timeout: Some(BRIEF), ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    let pid = || sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()");
    let before = pid().fetch_one(&postgres).await.expect("a pid");
    sqlx::query("SELECT pg_sleep(60)").execute(&postgres).await.unwrap_err();
    let after = within(SOON, "a connection", pid().fetch_one(&postgres)).await.expect("a pid");
    assert_ne!(before, after);
}

/// `max_connections` bounds the statements on the server, not only the connections of the process.
#[tokio::test]
async fn statements_whose_callers_were_cut_end_on_the_server_long_before_their_timeout() {
    let field = Field::start().await;
    let config = SqlConfig { max_connections: 2, operation_timeout: Some(BRIEF), ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    for _ in 0..5 {
        let error = sqlx::query("SELECT pg_sleep(60)").execute(&postgres).await.unwrap_err();
        assert_eq!(exceeded(&error), (Awaited::Statement, Limit::Operation));
    }
    let watcher = field.watcher().await;
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    within(config.statement_timeout / 3, "they end", async {
        while sqlx::query_scalar::<_, i64>(asleep).fetch_one(&watcher).await.expect("a count") > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_falls_silent_while_it_is_lent_gives_its_place_back() {
    let field = Field::start().await;
    let config = SqlConfig { max_connections: 1, ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    let held = postgres.connections().acquire().await.expect("a connection");
    field.proxy.set(Mode::BlackHole).await;
    drop(held);
    until("the place is free", || postgres.raw().size() == 0).await;
    field.proxy.heal().await;
    let answered = sqlx::query("SELECT 1").execute(&postgres);
    within(SOON, "the place is free", answered).await.expect("an answer");
}

/// The control: the ping with which sqlx takes a connection back has no bound.
#[tokio::test]
async fn a_connection_of_a_plain_pool_that_falls_silent_keeps_its_place() {
    let field = Field::start().await;
    let plain = field.plain(PgPoolOptions::new().max_connections(1));
    let held = plain.acquire().await.expect("a connection");
    field.proxy.set(Mode::BlackHole).await;
    drop(held);
    let free = until("the place is free", || plain.size() == 0);
    // Ours needs two seconds.
    assert!(tokio::time::timeout(Duration::from_secs(6), free).await.is_err(), "sqlx bounds its ping");
    field.proxy.heal().await;
    let stuck = tokio::time::timeout(Duration::from_secs(2), sqlx::query("SELECT 1").execute(&plain));
    assert!(stuck.await.is_err(), "sqlx bounds its ping: ours may go");
}

/// The control: an operation of sqlx has no deadline.
#[tokio::test]
async fn a_statement_of_a_plain_pool_waits_for_ever() {
    let field = Field::start().await;
    let plain = field.plain(PgPoolOptions::new().max_connections(1));
    let mut held = plain.acquire().await.expect("a connection");
    field.proxy.set(Mode::BlackHole).await;
    let request = Context::random().with_timeout(BRIEF).into_arc();
    let asked = request.scope(async { sqlx::query("SELECT 1").execute(&mut *held).await });
    assert!(tokio::time::timeout(BRIEF * 10, asked).await.is_err(), "sqlx has deadlines: ours may go");
}

#[tokio::test]
async fn idle_connections_that_fell_silent_are_all_found_out_by_the_first() {
    let field = Field::start().await;
    let config = SqlConfig { max_connections: 10, ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(postgres.connections().acquire().await.expect("a connection"));
    }
    drop(held);
    until("all are back", || postgres.raw().num_idle() == 10).await;
    field.proxy.set(Mode::BlackHole).await;
    let error = sqlx::query("SELECT 1").execute(&postgres).await.unwrap_err();
    assert_eq!(exceeded(&error), (Awaited::Connection, Limit::Acquire));
    // Nobody asks again: the other nine were found out by the first.
    until("all are found out", || postgres.raw().num_idle() == 0 && postgres.raw().size() == 0).await;
    field.proxy.heal().await;
    sqlx::query("SELECT 1").execute(&postgres).await.expect("an answer within acquire_timeout");
}
