use groundcrew_lease::LeaseConfig;
use groundcrew_sql::{Database, sqlx};

use super::*;
use crate::database::sqlite::database;
use crate::stage::until;

/// A process that keeps these schedules and runs their jobs, at a time that stands still.
async fn process(database: &Database, time: &str, add: impl Fn(Schedules) -> Schedules) -> (Crew, App) {
    let crew = crew();
    let jobs = config().connect(&crew, database).await.expect("jobs").register::<Plain>();
    let (publisher, app, time) = (jobs.publisher(), App::noting(), at(time));
    jobs.run(app.clone());
    let schedules = add(Schedules::new(&publisher)).with_clock(move || time);
    schedules.run(&crew, &LeaseConfig::default(), database).await.expect("schedules");
    (crew, app)
}

/// What a process does at this time, until it has run so many jobs.
async fn jobs_at(
    database: &Database,
    time: &str,
    add: impl Fn(Schedules) -> Schedules,
    count: usize,
) -> (Crew, Vec<String>) {
    let (crew, app) = process(database, time, add).await;
    until("the jobs have run", || async { app.runs() >= count }).await;
    crew.land().await;
    let mut log = app.log.lock().clone();
    log.sort();
    (crew, log)
}

/// A process at this time, until so many schedules are on record.
async fn begin_at(database: &Database, time: &str, add: impl Fn(Schedules) -> Schedules, count: i64) {
    let (crew, app) = process(database, time, add).await;
    until("all have begun", || async { marks(database).await == count }).await;
    crew.land().await;
    assert_eq!(app.runs(), 0);
}

async fn marks(database: &Database) -> i64 {
    let sqlite = match database {
        Database::Sqlite(sqlite) => sqlite.read(),
        #[cfg(feature = "postgres")]
        Database::Postgres(_) => unreachable!("it is SQLite"),
    };
    let count = "SELECT count(*) FROM groundcrew_jobs_schedules";
    sqlx::query_scalar(count).fetch_one(sqlite).await.expect("a count")
}

fn three(schedules: Schedules) -> Schedules {
    let hourly = |misfire| schedule("0 * * * *").with_misfire(misfire);
    schedules
        .add("skip", hourly(Misfire::Skip), |due| Plain(format!("skip {due}")))
        .add("once", hourly(Misfire::Once), |due| Plain(format!("once {due}")))
        .add("all", hourly(Misfire::All { most: 3 }), |due| Plain(format!("all {due}")))
}

#[tokio::test]
async fn after_a_downtime_each_schedule_follows_its_policy_for_what_was_missed() {
    let (database, _folder) = database().await;
    begin_at(&database, "2026-01-01T20:10:00Z", three, 3).await;
    let (crew, log) = jobs_at(&database, "2026-01-02T01:30:00Z", three, 4).await;
    let expected = [
        "all 2026-01-01T23:00:00Z",
        "all 2026-01-02T00:00:00Z",
        "all 2026-01-02T01:00:00Z",
        "once 2026-01-02T01:00:00Z",
    ];
    assert_eq!(log, expected);
    let missed = |name: &str| metric(&crew, &format!("schedule_missed_total{{schedule=\"{name}\""));
    assert_eq!(["skip", "once", "all"].map(missed), [5, 4, 2]);
    // What was done is done, also for the next process; and half a minute late is still on time.
    let (_, log) = jobs_at(&database, "2026-01-02T02:00:30Z", three, 3).await;
    assert_eq!(log, ["all", "once", "skip"].map(|name| format!("{name} 2026-01-02T02:00:00Z")));
}

#[tokio::test]
async fn another_expression_counts_from_then_on_and_what_is_taken_out_stops() {
    let (database, _folder) = database().await;
    begin_at(&database, "2026-01-01T20:10:00Z", three, 3).await;
    let changed = |schedules: Schedules| {
        let schedules = schedules.add("once", schedule("*/5 * * * *"), |due| Plain(format!("once {due}")));
        schedules.add("new", schedule("* * * * *"), |due| Plain(format!("new {due}")))
    };
    begin_at(&database, "2026-01-02T01:32:00Z", changed, 4).await;
    let (_, log) = jobs_at(&database, "2026-01-02T01:35:00Z", changed, 2).await;
    assert_eq!(log, ["new 2026-01-02T01:35:00Z", "once 2026-01-02T01:35:00Z"]);
}

#[tokio::test]
async fn the_jobs_of_schedules_are_counted_as_enqueued() {
    let (database, _folder) = database().await;
    begin_at(&database, "2026-01-01T20:10:00Z", three, 3).await;
    let (crew, log) = jobs_at(&database, "2026-01-02T01:30:00Z", three, 4).await;
    assert_eq!((log.len(), metric(&crew, "jobs_enqueued_total{job=\"plain\"")), (4, 4));
}
