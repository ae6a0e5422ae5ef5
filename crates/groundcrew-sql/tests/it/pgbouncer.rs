//! Postgres behind a pooler that lends a server for one transaction.
//!
//! The field note: "PgBouncer in transaction mode: `statement_cache_capacity(0)`; advisory locks leak there:
//! migrations take a direct URL." It says too little: a statement that is prepared for once takes two round
//! trips, and they may meet two servers.

use std::str::FromStr;
use std::time::Duration;

use groundcrew_sql::{MigrationsError, SqlConfig};
use groundcrew_testkit::pgbouncer::PgBouncer;
use groundcrew_testkit::postgres::Postgres;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::JoinSet;

use crate::support::{crew, migrator, within};

const SOON: Duration = Duration::from_secs(60);
const CALLERS: i64 = 12;
const CALLS: i64 = 100;

/// A pooler with two servers, which knows no setting beyond its own.
async fn pooler() -> (Postgres, PgBouncer) {
    let server = Postgres::start().await.expect("a server");
    let setup = PgBouncer::setup().setting("default_pool_size", "2").setting("ignore_startup_parameters", "");
    let bouncer = setup.in_front_of(&server).await.expect("a pooler");
    (server, bouncer)
}

fn config(server: &Postgres, bouncer: &PgBouncer) -> SqlConfig {
    SqlConfig {
        pgbouncer: true,
        max_connections: 10,
        check_period: Duration::from_secs(3600),
        direct_url: SqlConfig::of(server.url()).url,
        ..SqlConfig::of(bouncer.url_to(server.url()))
    }
}

/// Asks many different questions at once; how many were not answered, or not rightly.
async fn wrong_answers<E>(on: E) -> i64
where
    E: Clone + Send + 'static,
    for<'e> &'e E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let on = on.clone();
        callers.spawn(async move {
            let mut wrong = 0;
            for call in 0..CALLS {
                let factor = caller + 2;
                let query = sqlx::AssertSqlSafe(format!("SELECT $1::bigint * {factor}"));
                let answer = sqlx::query_scalar::<_, i64>(query).bind(call).fetch_one(&on).await;
                wrong += i64::from(!answer.is_ok_and(|answer| answer == call * factor));
            }
            wrong
        });
    }
    within(SOON, "all answers", callers.join_all()).await.iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_gets_its_own_answer_through_a_pooler() {
    let (server, bouncer) = pooler().await;
    let postgres = config(&server, &bouncer).connect_postgres(&crew()).await.expect("connected");
    assert_eq!(wrong_answers(postgres).await, 0);
}

/// The control: without a transaction around it, a statement meets what another caller has prepared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_plain_sqlx_meet_each_other_in_a_pooler() {
    let (server, bouncer) = pooler().await;
    let options = PgConnectOptions::from_str(&bouncer.url_to(server.url())).expect("a URL");
    let options = options.statement_cache_capacity(0).extra_float_digits(None);
    let plain = PgPoolOptions::new().max_connections(10).connect_with(options).await.expect("connected");
    assert!(wrong_answers(plain).await > 0, "sqlx prepares and runs in one step: our transactions may go");
}

#[tokio::test]
async fn transactions_streams_and_errors_are_as_without_a_pooler() {
    let (server, bouncer) = pooler().await;
    let postgres = config(&server, &bouncer).connect_postgres(&crew()).await.expect("connected");
    sqlx::query("CREATE TABLE parcels (n INT UNIQUE)").execute(&postgres).await.expect("a table");
    let mut transaction = postgres.begin().await.expect("begin");
    for n in 0..10 {
        let insert = sqlx::query("INSERT INTO parcels VALUES ($1)").bind(n);
        insert.execute(&mut *transaction).await.expect("a row");
    }
    transaction.commit().await.expect("commit");
    let mut checkout = postgres.connections().acquire().await.expect("a connection");
    sqlx::query("INSERT INTO parcels VALUES (1)").execute(&mut *checkout).await.unwrap_err();
    sqlx::query("INSERT INTO parcels VALUES (10)").execute(&mut *checkout).await.expect("it goes on");
    drop(checkout);
    let all: Vec<i32> =
        sqlx::query_scalar("SELECT n FROM parcels ORDER BY n").fetch_all(&postgres).await.expect("rows");
    assert_eq!(all, (0..=10).collect::<Vec<_>>());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "size", rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

/// sqlx asks for such types by itself, with statements that it names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_of_the_services_own_is_known_on_every_server_of_a_pooler() {
    let (server, bouncer) = pooler().await;
    let postgres = config(&server, &bouncer).connect_postgres(&crew()).await.expect("connected");
    sqlx::query("CREATE TYPE size AS ENUM ('small', 'large')").execute(&postgres).await.expect("a type");
    let mut callers = JoinSet::new();
    for size in [Size::Small, Size::Large, Size::Small, Size::Large] {
        let postgres = postgres.clone();
        callers.spawn(async move {
            for _ in 0..20 {
                let query = sqlx::query_scalar::<_, Size>("SELECT $1").bind(size);
                assert_eq!(query.fetch_one(&postgres).await.expect("an answer"), size);
            }
        });
    }
    within(SOON, "all answers", callers.join_all()).await;
}

#[tokio::test]
async fn a_setting_in_the_start_up_is_refused_by_a_pooler_and_so_none_is_sent() {
    let (server, bouncer) = pooler().await;
    let naive = SqlConfig { pgbouncer: false, ..config(&server, &bouncer) };
    let error = naive.connect_postgres(&crew()).await.unwrap_err().to_string();
    assert!(error.contains("unsupported startup parameter"), "{error}");
    config(&server, &bouncer).connect_postgres(&crew()).await.expect("connected");
}

async fn advisory_locks(server: &Postgres) -> i64 {
    let pool = PgPool::connect(server.url()).await.expect("connected");
    let query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    sqlx::query_scalar(query).fetch_one(&pool).await.expect("a count")
}

#[tokio::test]
async fn migrations_go_past_the_pooler_and_leave_no_lock() {
    let (server, bouncer) = pooler().await;
    let all = migrator(&[("parcels", "CREATE TABLE parcels (n INT)")]);
    let database = config(&server, &bouncer).connect(&crew()).await.expect("connected");
    database.apply_migrations(all).await.expect("applied");
    assert_eq!(advisory_locks(&server).await, 0);
}

/// The control: a lock that was taken through the pooler stays when its taker is gone.
#[tokio::test]
async fn an_advisory_lock_leaks_in_a_pooler() {
    let (server, bouncer) = pooler().await;
    let options =
        PgConnectOptions::from_str(&bouncer.url_to(server.url())).expect("a URL").extra_float_digits(None);
    let mut naive = PgConnection::connect_with(&options).await.expect("connected");
    sqlx::raw_sql("SELECT pg_advisory_lock(1)").execute(&mut naive).await.expect("the lock");
    naive.close().await.expect("closed");
    assert_eq!(advisory_locks(&server).await, 1, "poolers give locks back: `direct_url` may go");
}

#[tokio::test]
async fn without_a_direct_url_migrations_are_refused_with_its_name() {
    let (server, bouncer) = pooler().await;
    let config = SqlConfig { direct_url: None, ..config(&server, &bouncer) };
    let database = config.connect(&crew()).await.expect("connected");
    let error = database.apply_migrations(migrator(&[("parcels", "SELECT 1")])).await.unwrap_err();
    assert!(matches!(error, MigrationsError::Database { .. }));
    assert!(error.to_string().contains("DATABASE_DIRECT_URL"), "{error}");
}
