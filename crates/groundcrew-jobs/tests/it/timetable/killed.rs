use groundcrew_lease::LeaseStatus;
use groundcrew_sql::SqlConfig;
use groundcrew_testkit::postgres::Postgres;

use super::*;
use crate::replica::{Replica, one_is_killed};

/// A replica that keeps the timetable.
async fn keep(url: String) -> LeaseStatus {
    let crew = crew();
    let database = SqlConfig::of(url).connect(&crew).await.expect("Postgres");
    let jobs = config().connect::<App>(&crew, &database).await.expect("jobs");
    let timetable = TimetableConfig::default().open(&crew, &jobs.publisher()).expect("a timetable");
    timetable.run(&LeaseConfig::default()).expect("a lease")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_that_is_killed_between_the_plan_and_its_job_loses_and_doubles_none() {
    bounded(Box::pin(none_is_lost())).await;
}

async fn none_is_lost() {
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
    let start = || Replica::start(keep(empty.url().to_owned()));
    one_is_killed(empty.url(), [start().await, start().await], || moments(&app)).await;
    crew.land().await;
}

/// The moments whose jobs have run, in order.
fn moments(app: &App) -> Vec<Timestamp> {
    let moment = |line: &String| at(line.strip_prefix("tick ").expect("a tick"));
    let mut moments: Vec<Timestamp> = app.log.lock().iter().map(moment).collect();
    moments.sort();
    moments
}
