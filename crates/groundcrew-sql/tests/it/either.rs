//! One statement, one transaction, on SQLite and on Postgres. Every test runs on both.

use std::time::{Duration, Instant};

use groundcrew_runtime::Crew;
use groundcrew_sql::{
    Awaited, Database, DatabaseTransaction, DeadlineExceeded, Limit, SqlConfig, SqlProblem, Statement,
    statement,
};
use groundcrew_telemetry::Context;
use groundcrew_testkit::postgres::Postgres;
use sqlx::Connection;

use crate::support::{abandon_after, crew, within};

const SOON: Duration = Duration::from_secs(20);

/// A database with an empty table.
struct Ground {
    database: Database,
    crew: Crew,
    _folder: Option<tempfile::TempDir>,
    _server: Option<Postgres>,
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Parcel {
    name: String,
    grams: Option<i64>,
    fragile: bool,
}

async fn grounds() -> [Ground; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("sqlite:{}", folder.path().join("parcels.db").display());
    let server = Postgres::start().await.expect("a server");
    let url = server.database().await.expect("a database").url().to_owned();
    [ground(&file, Some(folder), None).await, ground(&url, None, Some(server)).await]
}

async fn ground(url: &str, folder: Option<tempfile::TempDir>, server: Option<Postgres>) -> Ground {
    let crew = crew();
    let config = SqlConfig { max_connections: 2, ..SqlConfig::of(url) };
    let database = config.connect(&crew).await.expect("connected");
    let create =
        "CREATE TABLE parcels (name TEXT PRIMARY KEY, grams BIGINT, fragile BOOLEAN NOT NULL DEFAULT FALSE)";
    statement(create).execute(&database).await.expect("a table");
    Ground { database, crew, _folder: folder, _server: server }
}

async fn count(database: &Database) -> i64 {
    statement("SELECT count(*) FROM parcels").scalar().fetch_one(database.read()).await.expect("counted")
}

fn insert(name: &str) -> Statement<'_> {
    statement("INSERT INTO parcels (name) VALUES ($1)").bind(name)
}

#[tokio::test]
async fn one_text_writes_and_reads_rows_of_either() {
    for Ground { database, .. } in grounds().await {
        let text = "INSERT INTO parcels (name, grams, fragile) VALUES ($1, $2, $3)";
        let (north, none) = ("north".to_owned(), None::<i64>);
        let changed = statement(text).bind(&north).bind(Some(1200_u32)).bind(true).execute(&database).await;
        assert_eq!(changed.expect("inserted"), 1);
        statement(text)
            .bind("south")
            .bind(none)
            .bind(false)
            .execute(database.write())
            .await
            .expect("inserted");

        let all = statement("SELECT name, grams, fragile FROM parcels ORDER BY name");
        let all: Vec<Parcel> = all.fetch_all(database.read()).await.expect("read");
        let south = Parcel { name: "south".to_owned(), grams: None, fragile: false };
        assert_eq!(all, [Parcel { name: north, grams: Some(1200), fragile: true }, south]);

        let heavy = statement("SELECT name FROM parcels WHERE grams > $1").bind(9_000_000_000_i64);
        let heavy: Option<(String,)> = heavy.fetch_optional(database.read()).await.expect("read");
        assert_eq!(heavy, None);
        let missing: sqlx::Result<(String,)> =
            statement("SELECT name FROM parcels WHERE name = $1").bind("west").fetch_one(&database).await;
        assert!(matches!(missing, Err(sqlx::Error::RowNotFound)));
    }
}

/// A column of each kind.
type Kinds = (Option<bool>, Option<i32>, Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>);

#[tokio::test]
async fn all_kinds_of_arguments_come_back_as_they_were_and_as_null() {
    for Ground { database, .. } in grounds().await {
        let types = ["boolean", "integer", "bigint", "double precision", "text", "bytea"];
        let columns: Vec<String> =
            types.iter().enumerate().map(|(at, kind)| format!("c{at} {kind}")).collect();
        let create = sqlx::AssertSqlSafe(format!("CREATE TABLE kinds ({})", columns.join(", ")));
        match &database {
            Database::Sqlite(sqlite) => sqlx::query(create).execute(sqlite).await.map(drop),
            Database::Postgres(postgres) => sqlx::query(create).execute(postgres).await.map(drop),
        }
        .expect("a table");
        let all = statement("INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6)");
        let all = all.bind(true).bind(-7_i32).bind(i64::MIN).bind(0.5).bind("it's $1").bind(vec![0_u8, 255]);
        all.execute(&database).await.expect("inserted");
        let nulls = statement("INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6)");
        let nulls = nulls.bind(None::<bool>).bind(None::<i32>).bind(None::<i64>).bind(None::<f64>);
        nulls.bind(None::<&str>).bind(None::<Vec<u8>>).execute(&database).await.expect("inserted");

        let rows = statement("SELECT * FROM kinds ORDER BY c0 NULLS LAST");
        let rows: Vec<Kinds> = rows.fetch_all(database.read()).await.expect("read");
        let whole =
            (Some(true), Some(-7), Some(i64::MIN), Some(0.5), Some("it's $1".to_owned()), Some(vec![0, 255]));
        assert_eq!(rows, [whole, Kinds::default()]);
    }
}

#[tokio::test]
async fn where_the_texts_differ_each_database_gets_its_own() {
    for Ground { database, .. } in grounds().await {
        let select = Statement::by_dialect("SELECT 'sqlite ' || ?1", "SELECT 'postgres ' || $1");
        let said: String = select.bind("it is").scalar().fetch_one(database.read()).await.expect("said");
        assert_eq!(said, format!("{} it is", database.backend().to_lowercase()));
    }
}

#[tokio::test]
async fn a_transaction_that_is_committed_stays_and_one_that_is_dropped_never_was() {
    for Ground { database, .. } in grounds().await {
        let mut kept = database.begin().await.expect("begun");
        insert("north").execute(&mut kept).await.expect("inserted");
        let seen: i64 =
            statement("SELECT count(*) FROM parcels").scalar().fetch_one(&mut kept).await.expect("counted");
        assert_eq!((seen, count(&database).await), (1, 0), "only the transaction itself sees it");
        kept.commit().await.expect("committed");

        let mut dropped = database.begin().await.expect("begun");
        insert("south").execute(&mut dropped).await.expect("inserted");
        drop(dropped);
        let mut undone = database.begin().await.expect("begun");
        insert("south").execute(&mut undone).await.expect("not there any more");
        undone.rollback().await.expect("rolled back");
        assert_eq!(count(&database).await, 1);
    }
}

/// The field note: `begin()` of sqlx leaves its transaction open when its caller goes away.
#[tokio::test]
async fn a_begin_that_is_abandoned_leaves_no_transaction_open() {
    for Ground { database, .. } in grounds().await {
        for polls in 0..6 {
            abandon_after(polls, database.begin()).await;
        }
        within(SOON, "a write", insert("north").execute(&database)).await.expect("inserted");
        assert_eq!(count(&database).await, 1);
    }
}

#[tokio::test]
async fn a_function_takes_a_transaction_of_either() {
    async fn fill(all: &mut DatabaseTransaction, names: &[&str]) -> sqlx::Result<u64> {
        let mut filled = 0;
        for name in names {
            filled += insert(name).execute(&mut *all).await?;
        }
        Ok(filled)
    }
    for Ground { database, .. } in grounds().await {
        let mut all = database.begin().await.expect("begun");
        assert_eq!(fill(&mut all, &["north", "south"]).await.expect("filled"), 2);
        all.commit().await.expect("committed");
        assert_eq!(count(&database).await, 2);
    }
}

/// A request has no more time than it has, whatever it waits for.
#[tokio::test]
async fn a_statement_and_a_begin_have_no_more_time_than_their_request() {
    for Ground { database, .. } in grounds().await {
        let request = Context::random().with_deadline(Instant::now()).into_arc();
        let (asked, begun) = request
            .scope(async { (insert("north").execute(&database).await, database.begin().await.map(drop)) })
            .await;
        for error in [asked.unwrap_err(), begun.unwrap_err()] {
            let exceeded = DeadlineExceeded::of(&error).expect("a deadline");
            assert_eq!((exceeded.awaited, exceeded.limit), (Awaited::Connection, Limit::Request));
        }
        assert_eq!(count(&database).await, 0, "nobody was asked");
    }
}

#[tokio::test]
async fn a_statement_that_is_cut_spoils_its_transaction() {
    let slow = Statement::by_dialect(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) FROM n",
        "SELECT count(*) FROM pg_sleep(60)",
    );
    for Ground { database, .. } in grounds().await {
        let mut all = database.begin().await.expect("begun");
        insert("north").execute(&mut all).await.expect("inserted");
        let request = Context::random().with_timeout(Duration::from_millis(20)).into_arc();
        let asked = slow.clone().scalar().fetch_one::<i64>(&mut all);
        let error = within(SOON, "an error", request.scope(asked)).await.unwrap_err();
        assert_eq!(DeadlineExceeded::of(&error).expect("a deadline").awaited, Awaited::Statement);
        all.commit().await.expect_err("whether the statement took effect nobody knows");
        assert_eq!(count(&database).await, 0);
    }
}

#[tokio::test]
async fn a_column_of_another_type_is_named_with_its_statement() {
    for Ground { database, .. } in grounds().await {
        insert("north").execute(&database).await.expect("inserted");
        let wrong: sqlx::Result<Vec<(i64,)>> =
            statement("SELECT name\n   FROM parcels").fetch_all(database.read()).await;
        let error = wrong.unwrap_err().to_string();
        for part in ["column 0", "i64", "TEXT", "(in `SELECT name FROM parcels`)"] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }
}

/// SQLite takes a missing argument for NULL, which is found out on Postgres, in production.
#[tokio::test]
async fn a_forgotten_argument_and_one_too_many_are_errors_on_both() {
    for Ground { database, .. } in grounds().await {
        let text = "SELECT count(*) FROM parcels WHERE name = $1 AND grams = $2";
        for select in [statement(text).bind("a"), statement(text).bind("a").bind(1_i64).bind(2_i64)] {
            let error = select.scalar().fetch_one::<i64>(database.read()).await.unwrap_err();
            assert!(matches!(error, sqlx::Error::InvalidArgument(_)), "{error}");
            assert!(error.to_string().contains("of the 2 arguments of a statement"), "{error}");
        }
        if let Database::Sqlite(sqlite) = &database {
            let control: i64 =
                sqlx::query_scalar(text).bind("a").fetch_one(sqlite.read()).await.expect("not noticed");
            assert_eq!(control, 0);
        }
    }
}

#[tokio::test]
async fn what_the_database_refuses_is_told_apart_as_ever() {
    for Ground { database, .. } in grounds().await {
        insert("north").execute(&database).await.expect("inserted");
        let error = insert("north").execute(&database).await.unwrap_err();
        assert_eq!(SqlProblem::of(&error), SqlProblem::Exists);
    }
}

/// What is prepared anew for every execution costs a round trip each time.
#[tokio::test]
async fn a_statement_is_prepared_once_for_a_connection() {
    for Ground { database, .. } in grounds().await {
        let mut all = database.begin().await.expect("begun");
        let before = prepared(&mut all);
        for name in ["north", "south", "west"] {
            insert(name).execute(&mut all).await.expect("inserted");
            let built = statement("SELECT name FROM parcels WHERE name = ").push_bind(name);
            let _name: String = built.scalar().fetch_one(&mut all).await.expect("read");
        }
        assert_eq!(prepared(&mut all), before + 2);
        all.commit().await.expect("committed");
    }
}

fn prepared(transaction: &mut DatabaseTransaction) -> usize {
    match transaction {
        DatabaseTransaction::Sqlite(transaction) => transaction.raw().cached_statements_size(),
        DatabaseTransaction::Postgres(transaction) => transaction.raw().cached_statements_size(),
    }
}

#[tokio::test]
async fn a_statement_is_timed_by_its_name_also_when_it_fails() {
    for Ground { database, crew, .. } in grounds().await {
        insert("north").timed("insert_parcel").execute(&database).await.expect("inserted");
        insert("north").timed("insert_parcel").execute(&database).await.expect_err("there is one");
        let _all: Vec<String> = statement("SELECT name FROM parcels")
            .timed("list_parcels")
            .scalar()
            .fetch_all(database.read())
            .await
            .expect("read");
        let metrics = crew.metrics().encode();
        let (writes, reads) = match database {
            Database::Sqlite(_) => ("database-writer", "database-reader"),
            Database::Postgres(_) => ("database", "database"),
        };
        for (name, pool, times) in [("insert_parcel", writes, 2), ("list_parcels", reads, 1)] {
            let series = format!("pool=\"{pool}\",query_type=\"{name}\",service=\"parcels\"}} {times}\n");
            assert!(metrics.contains(&format!("db_query_duration_seconds_count{{{series}")), "{metrics}");
        }
    }
}

/// SQLite's readers cannot write, and go on while somebody else writes.
#[tokio::test]
async fn reads_of_a_sqlite_file_do_not_wait_for_its_writer() {
    let [Ground { database, .. }, _] = grounds().await;
    let mut writing = database.begin().await.expect("begun");
    insert("north").execute(&mut writing).await.expect("inserted");
    assert_eq!(within(SOON, "a read", count(&database)).await, 0);
    insert("south").execute(database.read()).await.expect_err("a reader");
    writing.commit().await.expect("committed");
}
