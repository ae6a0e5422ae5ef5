//! Jobs on their way to a broker through the database beside it.

use groundcrew_jobs::{
    NewPlan, PlanChange, PlanError, Schedule, Schedules, SchedulesError, Timetable, TimetableConfig, Timing,
};
use groundcrew_lease::LeaseConfig;
use groundcrew_sql::{SqlConfig, Sqlite, sqlx};

use super::shutdown::one_that_was_only_fetched_is_tried;
use super::*;

/// A process whose jobs go to the broker, with a database beside it.
struct Beside {
    process: Process,
    sqlite: Sqlite,
    jobs: Jobs<App>,
    _folder: tempfile::TempDir,
}

impl Beside {
    async fn open(broker: &Broker, config: &JobsConfig) -> Self {
        let process = broker.process().await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("beside.db").display());
        let sqlite = SqlConfig::of(url).connect_sqlite(&process.crew).await.expect("SQLite");
        let jobs = config.connect_through(&process.crew, Some(&process.amqp), &sqlite).await.expect("jobs");
        Self { process, sqlite, jobs, _folder: folder }
    }

    async fn in_the_outbox(&self) -> i64 {
        let count = "SELECT count(*) FROM groundcrew_jobs_outbox";
        sqlx::query_scalar(count).fetch_one(self.sqlite.read()).await.expect(count)
    }
}

fn is_unsupported(error: &EnqueueError) -> bool {
    matches!(error, EnqueueError::Backend(BackendError::Unsupported { .. }))
}

fn job() -> Plain {
    Plain("x".to_owned())
}

fn plan(name: &str) -> NewPlan {
    let hourly: Timing = "0 * * * *".parse().expect("a timing");
    NewPlan::new("guild 7", name, hourly, &job())
}

fn timetable(crew: &Crew, jobs: &Jobs<App>) -> Timetable {
    TimetableConfig::default().open(crew, &jobs.publisher()).expect("a timetable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_transaction_that_the_broker_cannot_keep_is_refused_and_not_in_the_outbox() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let beside = Beside::open(&broker, &config()).await;
        let publisher = beside.jobs.publisher();
        let mut transaction = beside.sqlite.begin().await.expect("begun");
        let unique = publisher.enqueue(&job()).unique_key("k").within(&mut transaction).await;
        let keyed = publisher.enqueue(&job()).key("k").within(&mut transaction).await;
        transaction.commit().await.expect("committed");
        assert!(
            is_unsupported(&unique.expect_err("refused")) && is_unsupported(&keyed.expect_err("refused"))
        );
        assert_eq!(beside.in_the_outbox().await, 0);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_whose_jobs_the_broker_cannot_keep_is_refused_when_it_is_made() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let beside = Beside::open(&broker, &config()).await;
        let timetable = timetable(&beside.process.crew, &beside.jobs);
        for refused in [plan("keyed").key("k"), plan("unique").unique_key("k")] {
            let error = timetable.create(refused).await.expect_err("refused");
            assert!(matches!(&error, PlanError::Enqueue(error) if is_unsupported(error)), "{error}");
        }
        timetable.create(plan("plain")).await.expect("a plan");
    }))
    .await;
}

/// It was made while the jobs were in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_whose_jobs_the_broker_cannot_keep_is_refused_when_it_is_changed() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let beside = Beside::open(&broker, &config()).await;
        let before = crew();
        let jobs = config().connect(&before, &beside.sqlite).await.expect("jobs");
        let made = timetable(&before, &jobs).create(plan("keyed").key("k")).await.expect("a plan");
        let timetable = timetable(&beside.process.crew, &beside.jobs);
        let change = PlanChange::default().job(&Plain("y".to_owned()));
        let error = timetable.update(made.id, change).await.expect_err("refused");
        assert!(matches!(&error, PlanError::Enqueue(error) if is_unsupported(error)), "{error}");
        let kept = timetable.get(made.id).await.expect("an answer").expect("the plan");
        assert_eq!(kept.payload, made.payload);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_whose_jobs_the_broker_cannot_keep_is_refused_at_the_start() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let beside = Beside::open(&broker, &config()).await;
        let hourly: Schedule = "0 * * * *".parse().expect("a schedule");
        let schedules = Schedules::new(&beside.jobs.publisher())
            .add("good", hourly.clone(), |_| job())
            .add_with("digest", hourly, |_| job(), |job| job.unique_key("digest"));
        let started = schedules.run(&beside.process.crew, &LeaseConfig::default(), &beside.sqlite).await;
        let problem = started.expect_err("refused");
        assert!(matches!(problem, SchedulesError::Refused { name: "digest", .. }), "{problem}");
    }))
    .await;
}

/// Most services take this way; the one over the broker alone is in `shutdown`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_only_fetched_is_tried_even_where_one_crash_is_the_limit() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let beside = Beside::open(&broker, &JobsConfig { crash_limit: 1, ..config() }).await;
        one_that_was_only_fetched_is_tried(&broker, &beside.process, beside.jobs).await;
    }))
    .await;
}
