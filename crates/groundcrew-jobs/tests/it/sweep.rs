//! What is too old is removed from the tables in portions, and from each whatever happens to the others.

use std::time::Duration;

use groundcrew_jobs::Retention;
use groundcrew_sql::{Database, Statement, statement};

use crate::database;
use crate::stage::until;

/// So many marks of effects, of this time.
const MARKS: [&str; 2] = [
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000)
     INSERT INTO groundcrew_jobs_effects (job_id, part, at)
     SELECT '00000000-0000-0000-0000-000000000001', 'part ' || n, $1 FROM n",
    "INSERT INTO groundcrew_jobs_effects (job_id, part, at)
     SELECT '00000000-0000-0000-0000-000000000001'::uuid, 'part ' || n, $1::bigint FROM generate_series(1, 12000) n",
];
const COUNT: &str = "SELECT count(*) FROM groundcrew_jobs_effects";

/// So many jobs that died at this time.
const DEAD: [&str; 2] = [
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000)
     INSERT INTO groundcrew_jobs (id, name, version, state, priority, due_at, attempts, max_attempts, crashes,
        enqueued_at, payload)
     SELECT 'job ' || n, 'a', 1, 2, 0, $1, 1, 1, 0, $1, 'null' FROM n",
    "INSERT INTO groundcrew_jobs (id, name, version, state, priority, due_at, attempts, max_attempts, crashes,
        enqueued_at, payload)
     SELECT md5(n::text)::uuid, 'a', 1, 2, 0, $1::bigint, 1, 1, 0, $1::bigint, 'null'
     FROM generate_series(1, 12000) n",
];
const COUNT_DEAD: &str = "SELECT count(*) FROM groundcrew_jobs";

/// Postgres refuses to remove more than so many marks or jobs in one statement.
const NOT_MANY_AT_ONCE: [&str; 3] = [
    "CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS '
        BEGIN
            IF (SELECT count(*) FROM gone) > 10000 THEN RAISE EXCEPTION ''too many at once''; END IF;
            RETURN NULL;
        END'",
    "CREATE TRIGGER few AFTER DELETE ON groundcrew_jobs_effects REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION few()",
    "CREATE TRIGGER few AFTER DELETE ON groundcrew_jobs REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION few()",
];

async fn number(database: &Database, query: &'static str) -> i64 {
    statement(query).scalar().fetch_one(database.read()).await.expect(query)
}

/// Within the time for which the service keeps them by itself.
async fn fill(database: &Database, rows: [&'static str; 2]) {
    let hour_ago = jiff::Timestamp::now().as_microsecond() - 3_600_000_000;
    let rows = Statement::by_dialect(rows[0], rows[1]).bind(hour_ago);
    assert_eq!(rows.execute(database).await.expect("rows"), 12_000);
}

fn keep() -> Retention {
    Retention { dead: Duration::ZERO, effects: Duration::ZERO }
}

async fn one_sweep_removes_all(
    database: Database,
    keep_alive: impl Send + 'static,
    rows: [&'static str; 2],
    count: &'static str,
) {
    let stage = database::stage(&database, keep_alive).await;
    fill(&database, rows).await;
    stage.backend.sweep(keep()).await.expect("swept");
    assert_eq!(number(&database, count).await, 0);
}

#[tokio::test]
async fn many_old_marks_are_gone_after_one_sweep_in_sqlite() {
    let (database, folder) = database::sqlite::database().await;
    one_sweep_removes_all(database, folder, MARKS, COUNT).await;
}

#[tokio::test]
async fn many_dead_jobs_are_gone_after_one_sweep_in_sqlite() {
    let (database, folder) = database::sqlite::database().await;
    one_sweep_removes_all(database, folder, DEAD, COUNT_DEAD).await;
}

/// In which not many go at once.
async fn narrow_postgres() -> (Database, impl Send + 'static) {
    let (database, server) = database::postgres::database().await;
    groundcrew_jobs::migrate(&database).await.expect("tables");
    for sql in NOT_MANY_AT_ONCE {
        statement(sql).execute(&database).await.expect("done");
    }
    (database, server)
}

#[tokio::test]
async fn many_old_marks_are_removed_in_portions_in_postgres() {
    let (database, server) = narrow_postgres().await;
    one_sweep_removes_all(database, server, MARKS, COUNT).await;
}

#[tokio::test]
async fn many_dead_jobs_are_removed_in_portions_in_postgres() {
    let (database, server) = narrow_postgres().await;
    one_sweep_removes_all(database, server, DEAD, COUNT_DEAD).await;
}

/// Its marks of effects cannot be removed.
async fn a_table_that_cannot_be_swept_lets_no_other_grow(
    database: Database,
    keep_alive: impl Send + 'static,
    breaking: &[&'static str],
) {
    const ROWS: [&str; 2] = [
        "INSERT INTO groundcrew_jobs_unique (name, key, job_id, held, until)
         VALUES ('a', 'k', '00000000-0000-0000-0000-000000000001', false, 0)",
        "INSERT INTO groundcrew_jobs_rates (name, keyed, key, full_at) VALUES ('a', true, 'k', 0)",
    ];
    const UNIQUE: &str = "SELECT count(*) FROM groundcrew_jobs_unique";
    const RATES: &str = "SELECT count(*) FROM groundcrew_jobs_rates";
    groundcrew_jobs::migrate(&database).await.expect("tables");
    for sql in ROWS {
        statement(sql).execute(&database).await.expect(sql);
    }
    let stage = database::stage(&database, keep_alive).await;
    // The stage sweeps at its start, by itself; its next turn is in a quarter of an hour.
    let swept = || async { number(&database, UNIQUE).await + number(&database, RATES).await == 0 };
    until("the stage has swept", swept).await;
    fill(&database, MARKS).await;
    for sql in breaking.iter().chain(&ROWS).copied() {
        statement(sql).execute(&database).await.expect(sql);
    }
    let error = stage.backend.sweep(keep()).await.expect_err("the marks stay").to_string();
    assert!(error.contains("broken"), "{error}");
    for (query, left) in [(COUNT, 12_000), (UNIQUE, 0), (RATES, 0)] {
        assert_eq!(number(&database, query).await, left, "{query}");
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_swept_lets_no_other_grow_in_sqlite() {
    let (database, folder) = database::sqlite::database().await;
    let breaking = "CREATE TRIGGER broken BEFORE DELETE ON groundcrew_jobs_effects
        BEGIN SELECT RAISE(ABORT, 'broken'); END";
    a_table_that_cannot_be_swept_lets_no_other_grow(database, folder, &[breaking]).await;
}

#[tokio::test]
async fn a_table_that_cannot_be_swept_lets_no_other_grow_in_postgres() {
    let (database, server) = database::postgres::database().await;
    let breaking = [
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'",
        "CREATE TRIGGER broken BEFORE DELETE ON groundcrew_jobs_effects FOR EACH ROW EXECUTE FUNCTION broken()",
    ];
    a_table_that_cannot_be_swept_lets_no_other_grow(database, server, &breaking).await;
}
