//! As many plans as are due at nine on a Monday morning.

use groundcrew_jobs::PlanRows;

use super::*;
use crate::stage::Plain;

pub(super) async fn a_thousand_that_are_due_at_once_have_their_jobs_in_batches(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    match database {
        Database::Sqlite(sqlite) => {
            let mut transaction = sqlite.begin().await.expect("a transaction");
            make_a_thousand(&desk.timetable, &mut transaction).await;
            transaction.commit().await.expect("committed");
        }
        Database::Postgres(postgres) => {
            let mut transaction = postgres.begin().await.expect("a transaction");
            make_a_thousand(&desk.timetable, &mut transaction).await;
            transaction.commit().await.expect("committed");
        }
    }
    desk.now_is("2026-01-01T09:00:00Z");
    desk.keep();
    let (count, batches) = match database {
        Database::Sqlite(_) => ("SELECT count(*), count(DISTINCT payload) FROM groundcrew_jobs", None),
        Database::Postgres(_) => (
            "SELECT count(*), count(DISTINCT payload) FROM groundcrew_jobs",
            Some(
                "SELECT max(jobs), count(*) FROM (SELECT count(*) AS jobs FROM groundcrew_jobs GROUP BY xmin::text) AS batch",
            ),
        ),
    };
    until("all have their jobs", || async { two(database, count).await == (1_000, 1_000) }).await;
    if let Some(batches) = batches {
        assert_eq!(two(database, batches).await, (100, 10), "jobs of a transaction");
    }
    desk.settled(0).await;
    assert_eq!(two(database, count).await, (1_000, 1_000), "and no second one");
}

/// Of a job that nobody here runs: the rows stay as they were written.
async fn make_a_thousand(timetable: &Timetable, transaction: &mut impl PlanRows) {
    for number in 0..1_000 {
        let number = number.to_string();
        let new = NewPlan::new("guild", &number, timing("0 9 * * *"), &Plain(number.clone()));
        timetable.create_in(transaction, new).await.expect("a plan");
    }
}

async fn two(database: &Database, sql: &'static str) -> (i64, i64) {
    match database {
        Database::Sqlite(sqlite) => sqlx::query_as(sql).fetch_one(sqlite.read()).await.expect("numbers"),
        Database::Postgres(postgres) => sqlx::query_as(sql).fetch_one(postgres).await.expect("numbers"),
    }
}
