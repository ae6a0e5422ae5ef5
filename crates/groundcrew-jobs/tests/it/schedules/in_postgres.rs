use groundcrew_lease::{LeaseConfig, LeaseStatus};
use groundcrew_sql::sqlx::{self, Connection, PgConnection};
use groundcrew_sql::{Database, SqlConfig, statement};
use groundcrew_testkit::postgres::Postgres;

use super::*;
use crate::replica::{Replica, one_is_killed};
use crate::stage::until;

const JOBS: &str = "SELECT count(DISTINCT payload) FROM groundcrew_jobs";
const MARKS: &str = "SELECT count(*) FROM groundcrew_jobs_schedules";
/// How many jobs have come in one transaction at most.
const TOGETHER: &str = "SELECT max(jobs) FROM
    (SELECT count(*) AS jobs FROM groundcrew_jobs GROUP BY xmin::text) AS batch";

async fn number(database: &Database, query: &'static str) -> i64 {
    statement(query).scalar().fetch_one(database.read()).await.expect(query)
}

/// Keeps schedules of jobs that nobody runs, at a time that the test holds, which has begun.
async fn held(crew: &Crew, database: &Database, add: impl FnOnce(Schedules) -> Schedules) -> Arc<AtomicI64> {
    let jobs = config().connect::<App>(crew, database).await.expect("jobs");
    let time = Arc::new(AtomicI64::new(at("2026-01-01T00:00:30Z").as_millisecond()));
    let now = time.clone();
    let clock = move || Timestamp::from_millisecond(now.load(Ordering::Relaxed)).expect("a time");
    let schedules = add(Schedules::new(&jobs.publisher())).with_clock(clock);
    schedules.run(crew, &LeaseConfig::default(), database).await.expect("schedules");
    time
}

/// A replica that keeps the schedules.
async fn keep(url: String) -> LeaseStatus {
    let crew = crew();
    let database = SqlConfig::of(url).connect(&crew).await.expect("Postgres");
    let jobs = config().connect::<App>(&crew, &database).await.expect("jobs");
    let each_second = schedule("@every 1s").with_misfire(Misfire::All { most: 60 });
    let schedules = Schedules::new(&jobs.publisher()).add("tick", each_second, plain);
    schedules.run(&crew, &LeaseConfig::default(), &database).await.expect("schedules")
}

/// The moments whose jobs have run, in order.
fn moments(app: &App) -> Vec<Timestamp> {
    let mut moments: Vec<Timestamp> = app.log.lock().iter().map(|due| at(due)).collect();
    moments.sort();
    moments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_killed_between_the_mark_and_the_job_loses_and_doubles_none() {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    let database = SqlConfig::of(empty.url()).connect(&crew).await.expect("Postgres");
    let jobs = config().connect(&crew, &database).await.expect("jobs").register::<Plain>();
    let app = App::noting();
    jobs.run(app.clone());
    let start = || Replica::start(keep(empty.url().to_owned()));
    one_is_killed(empty.url(), [start().await, start().await], || moments(&app)).await;
    crew.land().await;
}

#[tokio::test]
async fn what_was_missed_for_days_has_its_jobs_in_small_transactions() {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    let database = SqlConfig::of(empty.url()).connect(&crew).await.expect("Postgres");
    let minutes = schedule("* * * * *").with_misfire(Misfire::All { most: 1_000 });
    let time = held(&crew, &database, |schedules| schedules.add("minutes", minutes, plain)).await;
    until("it has begun", || async { number(&database, MARKS).await == 1 }).await;
    time.store(at("2026-01-15T00:00:30Z").as_millisecond(), Ordering::Relaxed);
    until("all have their jobs", || async { number(&database, JOBS).await == 1_000 }).await;
    assert_eq!(number(&database, TOGETHER).await, 64);
    crew.land().await;
}

#[tokio::test]
async fn a_schedule_that_does_not_get_on_holds_up_no_other_and_is_named() {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    let lock_timeout = Duration::from_secs(60);
    let config = SqlConfig { lock_timeout, ..SqlConfig::of(empty.url()) };
    let database = config.connect(&crew).await.expect("Postgres");
    let hourly = || schedule("0 * * * *");
    let add = |schedules: Schedules| schedules.add("stuck", hourly(), plain).add("free", hourly(), plain);
    let time = held(&crew, &database, add).await;
    until("both have begun", || async { number(&database, MARKS).await == 2 }).await;
    let mut locking = PgConnection::connect(empty.url()).await.expect("a connection");
    let mut lock = locking.begin().await.expect("a transaction");
    let stuck = "UPDATE groundcrew_jobs_schedules SET last_at = last_at WHERE name = 'stuck'";
    sqlx::query(stuck).execute(&mut *lock).await.expect("the lock");
    time.store(at("2026-01-01T01:00:30Z").as_millisecond(), Ordering::Relaxed);
    let of = |name: &'static str| {
        let fired = "SELECT count(fired_at) FROM groundcrew_jobs_schedules WHERE name = $1";
        statement(fired).bind(name).scalar().fetch_one::<i64>(database.read())
    };
    until("the other one goes on", || async { of("free").await.expect("a count") == 1 }).await;
    assert_eq!(of("stuck").await.expect("a count"), 0);
    let named = || async { format!("{:?}", crew.readiness()).contains("`stuck`") };
    until("readiness names it", named).await;
    lock.rollback().await.expect("the lock is given back");
    until("it goes on", || async { of("stuck").await.expect("a count") == 1 }).await;
    crew.land().await;
}
