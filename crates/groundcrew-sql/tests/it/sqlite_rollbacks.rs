//! Transactions that SQLite ends by itself, and what comes after them on its only writer.

use groundcrew_runtime::Crew;
use groundcrew_sql::{SqlConfig, Sqlite, Transaction};
use sqlx::sqlite::SqlitePoolOptions;
use tempfile::TempDir;

use crate::support::crew;

const TOO_MUCH: &str = "INSERT INTO parcels (content) VALUES (zeroblob(1000000))";

/// A way to end a transaction whose statement has failed.
#[derive(Debug, Clone, Copy)]
enum End {
    Drop,
    Commit,
    Rollback,
}

impl End {
    const ALL: [Self; 3] = [Self::Drop, Self::Commit, Self::Rollback];

    async fn of(self, transaction: Transaction<sqlx::Sqlite>) {
        match self {
            Self::Drop => drop(transaction),
            Self::Commit => assert!(transaction.commit().await.is_err(), "there is nothing to commit"),
            Self::Rollback => assert!(transaction.rollback().await.is_err(), "there is nothing to roll back"),
        }
    }
}

async fn opened(url: &str) -> (Crew, Sqlite) {
    let crew = crew();
    let sqlite = SqlConfig::of(url).connect_sqlite(&crew).await.expect("open");
    let table = "CREATE TABLE parcels (id INTEGER PRIMARY KEY, content BLOB)";
    sqlx::query(table).execute(&sqlite).await.expect("a table");
    (crew, sqlite)
}

fn url(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("parcels.db").display())
}

async fn insert_one(sqlite: &Sqlite) -> sqlx::Result<()> {
    let mut transaction = sqlite.begin().await?;
    sqlx::query("INSERT INTO parcels (content) VALUES ('north')").execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn count(sqlite: &Sqlite) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM parcels").fetch_one(sqlite).await.expect("a count")
}

#[tokio::test]
async fn the_writer_works_again_once_a_full_disk_has_space() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite) = opened(&url(&folder)).await;
    for end in End::ALL {
        // No less than there are already.
        sqlx::query("PRAGMA max_page_count = 1").execute(&sqlite).await.expect("the disk is full");
        let mut transaction = sqlite.begin().await.expect("begin");
        let error = sqlx::query(TOO_MUCH).execute(&mut *transaction).await.unwrap_err();
        assert!(error.to_string().contains("database or disk is full"), "{error}");
        end.of(transaction).await;
        sqlx::query("PRAGMA max_page_count = 100000").execute(&sqlite).await.expect("there is space");
        insert_one(&sqlite).await.unwrap_or_else(|error| panic!("after {end:?}: {error}"));
    }
    assert_eq!(count(&sqlite).await, 3);
}

#[tokio::test]
async fn a_statement_that_rolls_back_by_itself_ends_only_its_own_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in [url(&folder), "sqlite::memory:".to_owned()] {
        let (_crew, sqlite) = opened(&url).await;
        sqlx::query("INSERT INTO parcels (id) VALUES (1)").execute(&sqlite).await.expect("a row");
        for end in End::ALL {
            let mut transaction = sqlite.begin().await.expect("begin");
            let twice = "INSERT OR ROLLBACK INTO parcels (id) VALUES (1)";
            sqlx::query(twice).execute(&mut *transaction).await.unwrap_err();
            end.of(transaction).await;
            insert_one(&sqlite).await.unwrap_or_else(|error| panic!("{url}, after {end:?}: {error}"));
        }
        assert_eq!(count(&sqlite).await, 4, "what was there is still there, in memory too");
    }
}

#[tokio::test]
async fn savepoints_that_went_with_their_transaction_do_not_stop_the_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_crew, sqlite) = opened(&url(&folder)).await;
    sqlx::query("INSERT INTO parcels (id) VALUES (1)").execute(&sqlite).await.expect("a row");
    let mut transaction = sqlite.begin().await.expect("begin");
    let mut savepoint = sqlx::Connection::begin(transaction.raw()).await.expect("a savepoint");
    let twice = "INSERT OR ROLLBACK INTO parcels (id) VALUES (1)";
    sqlx::query(twice).execute(&mut *savepoint).await.unwrap_err();
    drop(savepoint);
    drop(transaction);
    insert_one(&sqlite).await.expect("another transaction");
}

/// The control: in a plain pool no other transaction begins.
#[tokio::test]
async fn the_writer_of_a_plain_pool_stays_broken() {
    let plain = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.expect("open");
    sqlx::query("CREATE TABLE parcels (id INTEGER PRIMARY KEY)").execute(&plain).await.expect("a table");
    sqlx::query("INSERT INTO parcels VALUES (1)").execute(&plain).await.expect("a row");
    let mut transaction = plain.begin_with("BEGIN IMMEDIATE").await.expect("begin");
    let twice = "INSERT OR ROLLBACK INTO parcels VALUES (1)";
    sqlx::query(twice).execute(&mut *transaction).await.unwrap_err();
    drop(transaction);
    let error = plain.begin_with("BEGIN IMMEDIATE").await.err();
    let broken = matches!(error, Some(sqlx::Error::InvalidSavePointStatement));
    assert!(broken, "sqlx counts transactions as SQLite does, and our repair may go: {error:?}");
}
