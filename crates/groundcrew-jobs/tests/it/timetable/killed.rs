use groundcrew_lease::LeaseStatus;
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::{Connection, PgConnection};
use groundcrew_testkit::postgres::Postgres;
use tokio::runtime::{Builder, Runtime};

use super::*;

/// How many sessions wait for leave to write a job.
const STUCK: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO groundcrew_jobs (%'";

/// A replica that keeps the timetable, on threads of its own, so that it can be killed.
struct Replica {
    runtime: Option<Runtime>,
    status: LeaseStatus,
}

// === impl Replica ===

impl Replica {
    async fn start(url: String) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let starting = async move {
            let crew = crew();
            let database = SqlConfig::of(url).connect(&crew).await.expect("Postgres");
            let jobs = config().connect::<App>(&crew, &database).await.expect("jobs");
            let timetable = TimetableConfig::default().open(&crew, &jobs.publisher()).expect("a timetable");
            timetable.run(&LeaseConfig::default()).expect("a lease")
        };
        let status = runtime.spawn(starting).await.expect("a start");
        Self { runtime: Some(runtime), status }
    }

    /// Ends it without a word: all its tasks are dropped where they are, and its sockets with them.
    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Each transaction of a keeper moves the plans first and writes the jobs then: this one dies between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_that_is_killed_between_the_plan_and_its_job_loses_and_doubles_none() {
    bounded(Box::pin(one_is_killed())).await;
}

async fn one_is_killed() {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    let database = SqlConfig::of(empty.url()).connect(&crew).await.expect("Postgres");
    let jobs = config().connect(&crew, &database).await.expect("jobs").register::<Note>();
    let limits = TimetableConfig { least_pause: Duration::from_secs(1), ..TimetableConfig::default() };
    let timetable = limits.open(&crew, &jobs.publisher()).expect("a timetable");
    let every = plan("guild", "tick", "@every 1s").misfire(Misfire::All { most: 60 });
    timetable.create(every).await.expect("a plan");
    let app = App::noting();
    jobs.run(app.clone());
    let mut replicas =
        [Replica::start(empty.url().to_owned()).await, Replica::start(empty.url().to_owned()).await];
    until("some have come", || async { app.runs() >= 2 }).await;

    let mut locking = PgConnection::connect(empty.url()).await.expect("a connection");
    let mut observer = PgConnection::connect(empty.url()).await.expect("a connection");
    let mut lock = locking.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE groundcrew_jobs IN SHARE MODE").execute(&mut *lock).await.expect("the lock");
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while sqlx::query_scalar::<_, i64>(STUCK).fetch_one(&mut observer).await.expect("a count") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the keeper is between the two");
    let keeper = replicas.iter().position(|replica| replica.status.is_leader()).expect("a keeper");
    replicas[keeper].kill();
    let killed = Timestamp::now();
    lock.rollback().await.expect("the lock is given back");

    until("the other goes on", || async {
        let last = moments(&app).last().copied();
        last.is_some_and(|last| last > killed + SignedDuration::from_secs(3))
    })
    .await;
    assert!(replicas[1 - keeper].status.is_leader());
    let moments = moments(&app);
    let gaps: Vec<i64> = moments.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(gaps.iter().all(|gap| *gap == 1), "one lost or doubled: {moments:?}");
    drop(replicas);
    crew.land().await;
}

/// The moments whose jobs have run, in order.
fn moments(app: &App) -> Vec<Timestamp> {
    let moment = |line: &String| at(line.strip_prefix("tick ").expect("a tick"));
    let mut moments: Vec<Timestamp> = app.log.lock().iter().map(moment).collect();
    moments.sort();
    moments
}
