//! Plans that users make, in both databases, on a clock that the tests hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use groundcrew_jobs::{
    Attempt, Job, JobError, Jobs, Memory, Misfire, NewPlan, Plan, PlanChange, PlanError, PlanQuery, Planned,
    Timetable, TimetableConfig, TimetableError, Timing,
};
use groundcrew_lease::LeaseConfig;
use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, sqlx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stage::{App, config, crew, until};

#[derive(Serialize, Deserialize)]
struct Note {
    tag: String,
    planned: Option<Planned>,
}

impl Job for Note {
    const NAME: &'static str = "note";
    type Context = App;

    async fn run(self, app: App, _: Attempt) -> Result<(), JobError> {
        let planned = self.planned.expect("it is of a plan");
        let hand = if planned.by_hand { " by hand" } else { "" };
        app.log.lock().push(format!("{} {}{hand}", self.tag, planned.due));
        Ok(())
    }
}

/// A process with a timetable, at a time that the test holds.
struct Desk {
    crew: Crew,
    timetable: Timetable,
    app: App,
    time: Arc<AtomicI64>,
}

// === impl Desk ===

impl Desk {
    async fn open(database: &Database, time: &str) -> Self {
        Self::with(database, time, 2_000).await
    }

    async fn with(database: &Database, time: &str, per_owner: u32) -> Self {
        let crew = crew();
        let jobs: Jobs<App> = config().connect(&crew, database).await.expect("jobs");
        Self::of(crew, jobs, time, per_owner)
    }

    fn of(crew: Crew, jobs: Jobs<App>, time: &str, per_owner: u32) -> Self {
        let time = Arc::new(AtomicI64::new(at(time).as_millisecond()));
        let (held, limits) = (time.clone(), TimetableConfig { per_owner, ..TimetableConfig::default() });
        let clock =
            move || Timestamp::from_millisecond(held.load(Ordering::Relaxed)).expect("within the calendar");
        let timetable = limits.open_at(&crew, &jobs.publisher(), clock).expect("a timetable");
        let app = App::noting();
        jobs.register::<Note>().run(app.clone());
        Self { crew, timetable, app, time }
    }

    fn keep(&self) {
        self.timetable.run(&LeaseConfig::default()).expect("a lease");
    }

    fn now_is(&self, time: &str) {
        self.time.store(at(time).as_millisecond(), Ordering::Relaxed);
    }

    async fn plan(&self, name: &str, timing: &str) -> Plan {
        self.timetable.create(plan("guild", name, timing)).await.expect("a plan")
    }

    async fn get(&self, plan: &Plan) -> Plan {
        self.timetable.get(plan.id).await.expect("an answer").expect("the plan")
    }

    /// Waits until the timetable has seen to the present, and the jobs have run.
    async fn settled(&self, runs: usize) -> Vec<String> {
        let plans = self.timetable.list(PlanQuery::default().limit(1000)).await.expect("plans").plans;
        let now = Timestamp::from_millisecond(self.time.load(Ordering::Relaxed)).expect("a time");
        until("nothing is due", || async {
            let mut due = false;
            for plan in &plans {
                let plan = self.timetable.get(plan.id).await.expect("an answer");
                due |= plan.is_some_and(|plan| plan.next.is_some_and(|next| next <= now));
            }
            !due
        })
        .await;
        until("the jobs have run", || async { self.app.runs() >= runs }).await;
        let mut log = self.app.log.lock().clone();
        log.sort();
        log
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn timing(text: &str) -> Timing {
    text.parse().expect("a timing")
}

fn note(tag: &str) -> Note {
    Note { tag: tag.to_owned(), planned: None }
}

fn plan(owner: &str, name: &str, text: &str) -> NewPlan {
    NewPlan::new(owner, name, timing(text), &note(name))
}

/// Both nights in which the clocks are changed.
async fn a_plan_comes_once_in_each_night_in_which_the_clocks_are_changed(database: &Database) {
    let desk = Desk::open(database, "2026-03-28T12:00:00Z").await;
    let nightly = desk.plan("night", "CRON_TZ=Europe/Berlin 30 2 * * *").await;
    desk.plan("pace", "CRON_TZ=Europe/Berlin 0 * * * *").await;
    desk.timetable
        .update(nightly.id, PlanChange::default().misfire(Misfire::All { most: 9 }))
        .await
        .expect("done");
    desk.keep();
    desk.now_is("2026-03-29T12:00:00Z");
    assert_eq!(desk.settled(2).await, ["night 2026-03-29T01:00:00Z", "pace 2026-03-29T12:00:00Z"]);
    desk.app.log.lock().clear();
    // Summer goes by; only the night in which half past two comes twice is looked at.
    desk.timetable.pause(nightly.id, "summer").await.expect("paused");
    desk.now_is("2026-10-24T12:00:00Z");
    desk.settled(1).await;
    desk.app.log.lock().clear();
    let resumed = desk.timetable.resume(nightly.id).await.expect("resumed");
    let next = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"].map(at);
    assert_eq!(resumed.next_times(Timestamp::MIN, 2), next);
    desk.now_is("2026-10-25T12:00:00Z");
    assert_eq!(desk.settled(2).await, ["night 2026-10-25T00:30:00Z", "pace 2026-10-25T12:00:00Z"]);
}

async fn after_an_outage_each_plan_follows_its_policy(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T20:10:00Z").await;
    for (name, misfire) in
        [("skip", Misfire::Skip), ("once", Misfire::Once), ("all", Misfire::All { most: 2 })]
    {
        desk.timetable.create(plan("guild", name, "0 * * * *").misfire(misfire)).await.expect("a plan");
    }
    let late = plan("guild", "late", "@once 2026-01-01T21:00:00Z").misfire(Misfire::Skip);
    let late = desk.timetable.create(late).await.expect("a plan");
    desk.now_is("2026-01-02T01:30:00Z");
    desk.keep();
    let expected = ["all 2026-01-02T00:00:00Z", "all 2026-01-02T01:00:00Z", "once 2026-01-02T01:00:00Z"];
    assert_eq!(desk.settled(3).await, expected);
    let missed = |plan: Plan| (plan.fired, plan.missed);
    let find = |name| desk.timetable.find("guild", name);
    assert_eq!(missed(find("skip").await.expect("an answer").expect("a plan")), (0, 5));
    assert_eq!(missed(find("once").await.expect("an answer").expect("a plan")), (1, 4));
    assert_eq!(missed(find("all").await.expect("an answer").expect("a plan")), (2, 3));
    assert_eq!((desk.get(&late).await.next, missed(desk.get(&late).await)), (None, (0, 1)));
    let text = desk.crew.metrics().encode();
    assert!(text.contains("timetable_fired_total{job=\"note\",service=\"parcels\"} 3"), "{text}");
    assert!(text.contains("timetable_missed_total{job=\"note\",service=\"parcels\"} 13"), "{text}");
}

async fn what_comes_while_a_plan_is_paused_is_gone(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("daily", "0 9 * * *").await;
    desk.keep();
    desk.timetable.pause(plan.id, "on holiday").await.expect("paused");
    let paused = desk.get(&plan).await;
    assert_eq!((paused.next, paused.paused_because.as_deref()), (None, Some("on holiday")));
    desk.now_is("2026-01-03T12:00:00Z");
    let resumed = desk.timetable.resume(plan.id).await.expect("resumed");
    assert_eq!(resumed.next, Some(at("2026-01-04T09:00:00Z")));
    assert_eq!((resumed.paused, resumed.paused_because), (false, None));
    desk.now_is("2026-01-04T09:00:00Z");
    assert_eq!(desk.settled(1).await, ["daily 2026-01-04T09:00:00Z"]);
}

async fn run_now_does_not_move_the_timetable(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("daily", "0 9 * * *").await;
    let job = desk.timetable.run_now(plan.id).await.expect("a job");
    until("it has run", || async { desk.app.runs() == 1 }).await;
    let after = desk.get(&plan).await;
    assert_eq!((after.next, after.fired, after.last), (plan.next, 0, None));
    assert_eq!(after.last_job, Some(job));
    desk.keep();
    desk.now_is("2026-01-01T09:00:00Z");
    let expected = ["daily 2026-01-01T08:00:00Z by hand", "daily 2026-01-01T09:00:00Z"];
    assert_eq!(desk.settled(2).await, expected);
    // One that is paused can be run too, and stays paused.
    desk.timetable.pause(plan.id, "by me").await.expect("paused");
    desk.timetable.run_now(plan.id).await.expect("a job");
    let paused = desk.get(&plan).await;
    assert_eq!((paused.paused, paused.next), (true, None));
}

async fn what_comes_once_stays_and_is_over(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("once", "@once 2026-01-01T09:00:00Z").await;
    desk.keep();
    desk.now_is("2026-01-01T09:30:00Z");
    assert_eq!(desk.settled(1).await, ["once 2026-01-01T09:00:00Z"]);
    let over = desk.get(&plan).await;
    assert_eq!((over.next, over.last, over.fired), (None, Some(at("2026-01-01T09:00:00Z")), 1));
    assert!(desk.timetable.delete(plan.id).await.expect("deleted"));
    assert!(!desk.timetable.delete(plan.id).await.expect("none is left"));
    let missing = desk.timetable.pause(plan.id, "").await.expect_err("none");
    assert!(matches!(missing, PlanError::Missing { .. }), "{missing}");
}

async fn another_timing_counts_from_then_on_and_other_changes_leave_the_next_time(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("daily", "0 9 * * *").await;
    desk.plan("taken", "0 9 * * *").await;
    desk.now_is("2026-01-01T09:30:00Z");
    let change = PlanChange::default().name("renamed").job(&note("another"));
    let renamed = desk.timetable.update(plan.id, change).await.expect("changed");
    assert_eq!((renamed.next, &*renamed.name), (plan.next, "renamed"));
    let hourly = PlanChange::default().timing(timing("0 * * * *"));
    let changed = desk.timetable.update(plan.id, hourly).await.expect("changed");
    assert_eq!(changed.next, Some(at("2026-01-01T10:00:00Z")));
    let taken = desk.timetable.update(plan.id, PlanChange::default().name("taken")).await;
    let taken = taken.expect_err("it is taken").to_string();
    assert!(taken.contains("`guild`") && taken.contains("`taken`"), "{taken}");
    desk.keep();
    desk.now_is("2026-01-01T10:00:00Z");
    assert_eq!(desk.settled(2).await, ["another 2026-01-01T10:00:00Z", "taken 2026-01-01T09:00:00Z"]);
}

async fn operators_see_and_mend_plans(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("daily", "0 9 * * *").await;
    let operate = async |line: &str| -> serde_json::Value {
        let words = line.split(' ').map(str::to_owned).collect();
        let answer = desk.crew.operate("timetable", words).await.expect("an answer");
        serde_json::from_str(&answer).expect("JSON")
    };
    let listed = operate("list --owner guild").await;
    assert_eq!(listed[0]["next"], "2026-01-01T09:00:00Z");
    assert_eq!(operate(&format!("pause {}", plan.id)).await["paused_because"], "by an operator");
    assert_eq!(operate(&format!("resume {}", plan.id)).await["paused"], false);
    assert!(operate(&format!("run {}", plan.id)).await["job"].is_string());
    assert_eq!(operate(&format!("delete {}", plan.id)).await["deleted"], true);
    assert_eq!(operate("list").await, serde_json::json!([]));
}

/// A release that runs beside this one may know more kinds of timings.
async fn a_plan_that_does_not_read_holds_up_no_other_and_is_named(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let newer = desk.plan("newer", "0 9 * * *").await;
    desk.plan("daily", "0 9 * * *").await;
    execute(database, "UPDATE groundcrew_jobs_timetable SET timing = '@moon full' WHERE name = 'newer'")
        .await;
    desk.keep();
    desk.now_is("2026-01-01T09:00:00Z");
    until("the other goes on", || async { desk.app.runs() == 1 }).await;
    let named = || async {
        let ready = format!("{:?}", desk.crew.readiness());
        ready.contains(&newer.id.to_string()) && ready.contains("@moon full")
    };
    until("readiness names it", named).await;
    execute(database, "UPDATE groundcrew_jobs_timetable SET timing = '0 9 * * *' WHERE name = 'newer'").await;
    assert_eq!(desk.settled(2).await, ["daily 2026-01-01T09:00:00Z", "newer 2026-01-01T09:00:00Z"]);
}

async fn execute(database: &Database, sql: &'static str) {
    match database {
        Database::Sqlite(sqlite) => drop(sqlx::query(sql).execute(sqlite).await.expect("done")),
        Database::Postgres(postgres) => drop(sqlx::query(sql).execute(postgres).await.expect("done")),
    }
}

#[tokio::test]
async fn a_plan_is_there_exactly_if_the_rows_beside_it_are() {
    let (database, _folder) = crate::database::sqlite::database().await;
    let Database::Sqlite(sqlite) = &database else { unreachable!("it is SQLite") };
    let desk = Desk::open(&database, "2026-01-01T08:00:00Z").await;
    let mut transaction = sqlite.begin().await.expect("a transaction");
    let made =
        desk.timetable.create_in(&mut transaction, plan("guild", "x", "0 9 * * *")).await.expect("a plan");
    assert_eq!(made.next, Some(at("2026-01-01T09:00:00Z")));
    transaction.rollback().await.expect("rolled back");
    assert!(desk.timetable.get(made.id).await.expect("an answer").is_none());

    let mut transaction = sqlite.begin().await.expect("a transaction");
    let made =
        desk.timetable.create_in(&mut transaction, plan("guild", "x", "0 9 * * *")).await.expect("a plan");
    desk.timetable.pause_in(&mut transaction, made.id, "as you like").await.expect("paused");
    transaction.commit().await.expect("committed");
    assert!(desk.get(&made).await.paused);
}

#[tokio::test]
async fn jobs_that_have_no_database_have_no_timetable_and_say_so() {
    let crew = crew();
    let jobs: Jobs<App> = config().connect_with(&crew, Memory::new()).expect("jobs");
    let error = TimetableConfig::default().open(&crew, &jobs.publisher()).expect_err("no database");
    assert!(
        matches!(error, TimetableError::NoDatabase) && error.to_string().contains("connect_beside"),
        "{error}"
    );
}

#[cfg(feature = "amqp")]
#[tokio::test]
async fn over_rabbitmq_the_jobs_of_plans_go_through_the_outbox() {
    use groundcrew_amqp::AmqpConfig;
    use groundcrew_testkit::rabbitmq::RabbitMq;

    let server = RabbitMq::start().await.expect("a broker");
    let vhost = server.vhost().await.expect("a virtual host");
    let (database, _folder) = crate::database::sqlite::database().await;
    let crew = crew();
    let amqp = AmqpConfig::of(vhost.url()).connect(&crew).await.expect("a connection");
    let jobs = config().connect_through(&crew, Some(&amqp), &database).await.expect("jobs");
    let desk = Desk::of(crew, jobs, "2026-01-01T08:00:00Z", 10);
    let plan = desk.plan("daily", "0 9 * * *").await;
    desk.keep();
    desk.now_is("2026-01-01T09:00:00Z");
    desk.settled(1).await;
    desk.timetable.run_now(plan.id).await.expect("a job");
    let expected = ["daily 2026-01-01T09:00:00Z", "daily 2026-01-01T09:00:00Z by hand"];
    assert_eq!(desk.settled(2).await, expected);
    desk.crew.land().await;
}

macro_rules! in_both {
    ($($test:ident),+ $(,)?) => {
        mod in_sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (database, _folder) = crate::database::sqlite::database().await;
                super::bounded(super::$test(&database)).await;
            })+
        }

        mod in_postgres {
            $(#[tokio::test]
            async fn $test() {
                let (database, _server) = crate::database::postgres::database().await;
                super::bounded(super::$test(&database)).await;
            })+
        }
    };
}

async fn bounded(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test ends in time");
}

use clock::{
    a_plan_does_not_come_twice_when_the_clock_is_put_back,
    a_plan_that_a_clock_far_ahead_has_moved_on_begins_anew,
    a_plan_that_is_resumed_after_a_clock_far_ahead_begins_anew,
};
use counting::the_jobs_of_plans_are_counted_as_enqueued;
use limits::{
    an_owner_has_so_many_plans_however_many_are_made_at_once, plans_are_listed_page_by_page,
    what_cannot_be_planned_is_refused_in_words,
};
use thousand::a_thousand_that_are_due_at_once_have_their_jobs_in_batches;

in_both!(
    a_plan_comes_once_in_each_night_in_which_the_clocks_are_changed,
    after_an_outage_each_plan_follows_its_policy,
    what_comes_while_a_plan_is_paused_is_gone,
    run_now_does_not_move_the_timetable,
    what_comes_once_stays_and_is_over,
    another_timing_counts_from_then_on_and_other_changes_leave_the_next_time,
    what_cannot_be_planned_is_refused_in_words,
    an_owner_has_so_many_plans_however_many_are_made_at_once,
    plans_are_listed_page_by_page,
    the_jobs_of_plans_are_counted_as_enqueued,
    operators_see_and_mend_plans,
    a_plan_that_does_not_read_holds_up_no_other_and_is_named,
    a_thousand_that_are_due_at_once_have_their_jobs_in_batches,
    a_plan_that_a_clock_far_ahead_has_moved_on_begins_anew,
    a_plan_that_is_resumed_after_a_clock_far_ahead_begins_anew,
    a_plan_does_not_come_twice_when_the_clock_is_put_back,
);

mod clock;
mod counting;
mod killed;
mod limits;
mod thousand;
