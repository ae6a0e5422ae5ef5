//! Schedules: in memory on a clock that the tests hold, and in databases by replicas that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use groundcrew_jobs::{Backend, JobsConfig, Memory, Misfire, Publisher, Schedule, Schedules};
use groundcrew_runtime::Crew;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::outage::Flaky;
use crate::stage::{App, Plain, config, crew};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn schedule(text: &str) -> Schedule {
    text.parse().expect("a schedule")
}

fn plain(due: Timestamp) -> Plain {
    Plain(due.to_string())
}

fn metric(crew: &Crew, series: &str) -> u64 {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(series));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("a number")
}

/// Nothing needs to be polled for here, and hours go by.
fn patient() -> JobsConfig {
    let hour = Duration::from_secs(3600);
    JobsConfig { poll_period: hour, lease: hour, stats_period: hour, ..config() }
}

/// Waits for hours, on a clock that is paused, until something holds.
async fn in_time<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(12 * 3600), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited half a day until {what}"));
}

/// Jobs in memory that are run, and what they write down.
fn memory(crew: &Crew) -> (Publisher, App) {
    on(crew, Memory::new())
}

/// The same on another backend.
fn on(crew: &Crew, backend: impl Backend) -> (Publisher, App) {
    let jobs = patient().connect_with(crew, backend).expect("jobs").register::<Plain>();
    let (publisher, app) = (jobs.publisher(), App::noting());
    jobs.run(app.clone());
    (publisher, app)
}

/// A clock that begins at this time and goes as tokio's does, and can be put forward and back, by milliseconds.
fn clock(begins: &str) -> (impl Fn() -> Timestamp + Clone + Send + Sync + 'static, Arc<AtomicI64>) {
    let (begins, began, put) = (at(begins), Instant::now(), Arc::new(AtomicI64::new(0)));
    let by = put.clone();
    let clock = move || {
        let gone = SignedDuration::try_from(began.elapsed()).expect("a while");
        begins + gone + SignedDuration::from_millis(by.load(Ordering::Relaxed))
    };
    (clock, put)
}

#[tokio::test(start_paused = true)]
async fn each_moment_has_its_job_less_than_a_second_later() {
    let crew = crew();
    let (publisher, app) = memory(&crew);
    let (clock, _) = clock("2026-03-29T00:10:00Z");
    let late = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (seen, now) = (late.clone(), clock.clone());
    let make = move |due: Timestamp| {
        seen.lock().push(now().duration_since(due));
        plain(due)
    };
    Schedules::new(&publisher)
        .add("night", schedule("CRON_TZ=Europe/Berlin 30 2,3 * * *"), make)
        .add("hourly", schedule("0 * * * *"), |due| Plain(format!("hourly {due}")))
        .with_clock(clock)
        .run_alone(&crew)
        .expect("schedules");
    in_time("both have come", || async { app.runs() >= 4 }).await;
    // In this night there is no half past two: that one comes at three, when the clocks have changed.
    let expected = [
        "2026-03-29T01:00:00Z",
        "hourly 2026-03-29T01:00:00Z",
        "2026-03-29T01:30:00Z",
        "hourly 2026-03-29T02:00:00Z",
    ];
    assert_eq!(*app.log.lock(), expected);
    assert!(late.lock().iter().all(|late| *late < SignedDuration::from_secs(1)), "{late:?}");
    assert_eq!(metric(&crew, "schedule_fired_total{schedule=\"night\""), 2);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_lets_nothing_happen_twice_and_one_put_forward_is_noticed() {
    let crew = crew();
    let (publisher, app) = memory(&crew);
    let (clock, put) = clock("2026-01-01T11:59:30Z");
    let schedules =
        Schedules::new(&publisher).add("hourly", schedule("0 * * * *"), plain).with_clock(clock.clone());
    schedules.run_alone(&crew).expect("schedules");
    in_time("it is noon", || async { app.runs() == 1 }).await;
    put.fetch_sub(10 * 60_000, Ordering::Relaxed);
    in_time("it is past noon again", || async { clock() > at("2026-01-01T12:30:00Z") }).await;
    assert_eq!(app.runs(), 1, "noon came once");
    put.fetch_add(29 * 60_000 + 59_000, Ordering::Relaxed);
    let put_forward = Instant::now();
    in_time("it is one", || async { app.runs() == 2 }).await;
    assert!(put_forward.elapsed() < Duration::from_secs(3), "{:?}", put_forward.elapsed());
    assert_eq!(*app.log.lock(), ["2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"]);
}

/// What a fault of the clock wrote down must not silence a schedule for years.
#[tokio::test(start_paused = true)]
async fn a_mark_of_a_clock_that_was_years_ahead_is_not_waited_for() {
    let crew = crew();
    let (publisher, app) = memory(&crew);
    let (clock, put) = clock("2026-01-01T11:59:30Z");
    put.store(10 * 365 * 86_400_000, Ordering::Relaxed);
    let schedules = Schedules::new(&publisher).add("hourly", schedule("0 * * * *"), plain).with_clock(clock);
    schedules.run_alone(&crew).expect("schedules");
    in_time("there was one, years ahead", || async { app.runs() == 1 }).await;
    put.store(0, Ordering::Relaxed);
    in_time("they come again", || async { app.runs() == 2 }).await;
    assert_eq!(app.log.lock()[1], "2026-01-01T13:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_holds_up_no_other_and_is_seen() {
    let crew = crew();
    let (publisher, app) = memory(&crew);
    let (clock, _) = clock("2026-01-01T11:59:30Z");
    Schedules::new(&publisher)
        .add("bad", schedule("* * * * *"), |_| -> Plain { panic!("no such report") })
        .add("good", schedule("* * * * *"), plain)
        .with_clock(clock)
        .run_alone(&crew)
        .expect("schedules");
    in_time("the good one goes on", || async { app.runs() == 3 }).await;
    let seen = || async {
        let ready = format!("{:?}", crew.readiness());
        ready.contains("`bad`") && ready.contains("no such report")
    };
    in_time("readiness says so", seen).await;
}

/// As after a night without a service. The thousand take five seconds: less than the patience with one schedule.
#[tokio::test(start_paused = true)]
async fn a_schedule_that_missed_a_thousand_lets_another_have_its_job_before_its_last_one() {
    let crew = crew();
    let (publisher, app) = on(&crew, Flaky::slow(Duration::from_millis(5)));
    let (clock, put) = clock("2026-01-01T11:59:30Z");
    let minutes = schedule("* * * * *").with_misfire(Misfire::All { most: 1_000 });
    Schedules::new(&publisher)
        .add("many", minutes, |due| Plain(format!("many {due}")))
        .add("other", schedule("30 * * * *"), |due| Plain(format!("other {due}")))
        .with_clock(clock)
        .run_alone(&crew)
        .expect("schedules");
    in_time("they have begun", || async { app.runs() == 1 }).await;
    put.fetch_add(1_000 * 60_000, Ordering::Relaxed);
    in_time("a thousand have their jobs", || async { app.runs() > 1_000 }).await;
    let log = app.log.lock();
    let before = log.iter().position(|tag| tag.starts_with("other")).expect("it has come");
    assert!(before < 1_000, "after {before} others");
}

#[tokio::test(start_paused = true)]
async fn what_comes_due_while_the_one_before_is_not_over_can_be_left_out() {
    let crew = crew();
    let jobs = patient().connect_with(&crew, Memory::new()).expect("jobs").register::<Plain>();
    let (publisher, (clock, _)) = (jobs.publisher(), clock("2026-01-01T11:59:30Z"));
    let app = App::logging(|_, _| async {
        tokio::time::sleep(Duration::from_secs(150)).await;
        Ok(())
    });
    jobs.run(app.clone());
    Schedules::new(&publisher)
        .add_with("slow", schedule("* * * * *"), plain, |job| job.unique_key("slow"))
        .with_clock(clock)
        .run_alone(&crew)
        .expect("schedules");
    in_time("it comes again", || async { app.runs() == 2 }).await;
    assert_eq!(*app.log.lock(), ["2026-01-01T12:00:00Z", "2026-01-01T12:03:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn operators_see_what_came_last_and_what_comes_next() {
    let crew = crew();
    let (publisher, app) = memory(&crew);
    let (clock, _) = clock("2026-01-01T11:59:30Z");
    let schedules = Schedules::new(&publisher).add("hourly", schedule("0 * * * *"), plain).with_clock(clock);
    schedules.run_alone(&crew).expect("schedules");
    in_time("it is noon", || async { app.runs() == 1 }).await;
    let answer = crew.operate("schedules", vec!["list".to_owned()]).await.expect("an answer");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let expected = serde_json::json!([{"schedule": "hourly", "expression": "0 * * * *",
        "last": "2026-01-01T12:00:00Z", "next": "2026-01-01T13:00:00Z"}]);
    assert_eq!(answer, expected);
    assert!(crew.operate("schedules", vec!["stop".to_owned()]).await.is_err());
}

#[tokio::test]
#[should_panic(expected = "two schedules are called `hourly`")]
async fn two_of_one_name_are_refused() {
    let (publisher, _) = memory(&crew());
    let hourly = || schedule("0 * * * *");
    let _never = Schedules::new(&publisher).add("hourly", hourly(), plain).add("hourly", hourly(), plain);
}

#[cfg(feature = "postgres")]
mod in_postgres;
#[cfg(feature = "sqlite")]
mod in_sqlite;
