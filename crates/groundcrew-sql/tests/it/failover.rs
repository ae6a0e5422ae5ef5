//! A primary that becomes a standby while connections to it are open.
//!
//! A server on which transactions are read-only stands for the standby, and new connections, which are not, for the
//! primary that the name leads to later: both answer a write with 25006, and everything else as ever.

use groundcrew_sql::{Postgres, SqlConfig};
use sqlx::PgPool;

use crate::support::field::Field;

const INSERT: &str = "INSERT INTO parcels VALUES (1)";

/// Says it on a connection that takes writes itself.
async fn set(watcher: &PgPool, setting: &'static str) {
    let mut own = watcher.acquire().await.expect("a connection");
    for statement in ["SET default_transaction_read_only = off", setting] {
        sqlx::raw_sql(statement).execute(&mut *own).await.expect("a setting");
    }
}

/// A pool whose only connection leads to a server that was demoted, while the next will lead to the primary.
async fn demoted() -> (Field, PgPool, Postgres) {
    let field = Field::start().await;
    let watcher = field.watcher().await;
    sqlx::query("CREATE TABLE parcels (n INT)").execute(&watcher).await.expect("a table");
    set(&watcher, "ALTER ROLE postgres SET default_transaction_read_only = on").await;
    let config = SqlConfig { max_connections: 1, ..field.config() };
    let postgres = config.connect_postgres(&field.crew).await.expect("connected");
    sqlx::query("SELECT 1").execute(&postgres).await.expect("the connection");
    set(&watcher, "ALTER ROLE postgres RESET default_transaction_read_only").await;
    (field, watcher, postgres)
}

async fn rows(watcher: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM parcels").fetch_one(watcher).await.expect("a count")
}

fn is_refused<T>(result: sqlx::Result<T>) -> bool {
    let code = result.err().and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
    code.as_deref() == Some("25006")
}

#[tokio::test]
async fn a_connection_to_a_server_that_takes_no_writes_any_more_is_not_lent_again() {
    let (_field, watcher, postgres) = demoted().await;
    assert!(is_refused(sqlx::query(INSERT).execute(&postgres).await));
    sqlx::query(INSERT).execute(&postgres).await.expect("the primary");
    assert_eq!(rows(&watcher).await, 1);
}

#[tokio::test]
async fn a_transaction_on_a_server_that_takes_no_writes_any_more_is_the_last_on_its_connection() {
    let (_field, watcher, postgres) = demoted().await;
    let mut transaction = postgres.begin().await.expect("begin");
    assert!(is_refused(sqlx::query(INSERT).execute(&mut *transaction).await));
    let error = transaction.commit().await.unwrap_err();
    assert!(error.to_string().contains("it is rolled back"), "{error}");
    let mut transaction = postgres.begin().await.expect("begin");
    sqlx::query(INSERT).execute(&mut *transaction).await.expect("the primary");
    transaction.commit().await.expect("commit");
    assert_eq!(rows(&watcher).await, 1);
}
