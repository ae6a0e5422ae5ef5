use groundcrew_jobs::Misfire;
use groundcrew_lease::{LeaseConfig, LeaseStatus};
use groundcrew_sql::SqlConfig;
use groundcrew_testkit::postgres::Postgres;

use super::*;
use crate::replica::{Replica, one_is_killed};

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
