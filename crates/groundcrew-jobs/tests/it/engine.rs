//! What becomes of a job that runs, over every backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groundcrew_jobs::{Envelope, FailureKind, JobError, Jobs, JobsConfig, NewJob, State, When};
use parking_lot::Mutex;

use crate::stage::{
    Alone, App, Brief, Each, Other, Pair, Plain, PlainNext, Shared, Stage, config, crew, envelope, land,
    until,
};

fn x() -> String {
    "x".to_owned()
}

pub(crate) async fn a_job_that_fails_is_tried_again_until_it_succeeds(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app = App::logging(|_, attempt| async move {
        assert_eq!(attempt.max(), 3);
        if attempt.number() < 3 {
            Err(std::io::Error::other("not yet"))?;
        }
        Ok(())
    });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    stage.idle().await;
    assert_eq!((app.runs(), stage.dead().await.len()), (3, 0));
}

pub(crate) async fn a_job_whose_attempts_are_spent_is_dead_with_its_history(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app =
        App::logging(
            |_, attempt| async move { Err(JobError::retry(format!("attempt {}", attempt.number()))) },
        );
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.attempts), (3, 3));
    let history: Vec<_> =
        dead.history.iter().map(|failure| (failure.attempt, failure.cause.as_str())).collect();
    assert_eq!(history, [(1, "attempt 1"), (2, "attempt 2"), (3, "attempt 3")]);
}

pub(crate) async fn a_cancelled_job_is_over_and_not_dead(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async { Err(JobError::cancel("nothing left to do")) });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    until("it ran", || async { app.runs() == 1 }).await;
    stage.idle().await;
    assert_eq!((app.runs(), stage.dead().await.len()), (1, 0));
    let outcome = r#"job_outcomes_total{job="plain",outcome="cancelled",service="parcels"} 1"#;
    let text = stage.crew.metrics().encode();
    assert!(text.contains(outcome), "{text}");
}

pub(crate) async fn a_job_that_fails_for_good_is_dead_at_once(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async { Err(JobError::fail("makes no sense")) });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.history[0].kind), (1, FailureKind::Fail));
}

pub(crate) async fn a_panic_is_a_failed_attempt(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async { panic!("on purpose") });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.history.len()), (3, 3));
    assert_eq!((dead.history[0].kind, dead.cause()), (FailureKind::Panic, "on purpose"));
}

pub(crate) async fn a_timeout_is_a_failed_attempt(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| std::future::pending());
    jobs.register::<Brief>().run(app.clone());
    publisher.enqueue(&Brief(x())).await.expect("enqueued");
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.history[0].kind), (3, FailureKind::Timeout));
}

pub(crate) async fn a_payload_that_does_not_read_is_dead_with_the_reason(stage: Stage) {
    let payload = r#"{"not":"a string"}"#.to_owned();
    let poison = Envelope { payload, ..envelope("plain") };
    stage.backend.enqueue(&[NewJob { envelope: poison, when: When::Now }]).await;
    let app = App::noting();
    stage.jobs().register::<Plain>().run(app.clone());
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.history[0].kind), (0, FailureKind::Payload));
    assert!(dead.cause().contains("expected a string"), "{}", dead.cause());
}

pub(crate) async fn an_unknown_name_waits_for_a_worker_that_knows_it(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let (app, other) = (App::noting(), App::noting());
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Other(x())).await.expect("enqueued");
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    until("the known one ran", || async { app.runs() == 1 }).await;
    until("only the other is left", || async { stage.live().await == 1 }).await;
    assert_eq!((stage.count(State::Ready).await, stage.dead().await.len()), (1, 0));
    stage.jobs_in(&crew(), &config()).register::<Other>().run(other.clone());
    stage.idle().await;
    assert_eq!(other.runs(), 1);
}

pub(crate) async fn a_newer_payload_waits_for_a_worker_that_reads_it(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let (old, new) = (App::noting(), App::noting());
    jobs.register::<Plain>().run(old.clone());
    publisher.enqueue(&PlainNext(x())).await.expect("enqueued");
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    until("its own one ran", || async { old.runs() == 1 && stage.live().await == 1 }).await;
    stage.jobs_in(&crew(), &config()).register::<PlainNext>().run(new.clone());
    stage.idle().await;
    assert_eq!((old.runs(), new.runs(), stage.dead().await.len()), (1, 1, 0));
}

pub(crate) async fn a_job_that_kills_its_process_is_stopped_by_the_crash_limit(stage: Stage) {
    // A process that dies leaves a delivery without an outcome, and nothing else.
    let killer = envelope("plain");
    stage.backend.enqueue(&[NewJob { envelope: killer, when: When::Now }]).await;
    let known = groundcrew_jobs::Known::new("plain", 1);
    let lease = Duration::from_millis(1);
    let ask = groundcrew_jobs::Ask { max: 1, known: vec![known], lease, worker: "victim".into() };
    let deaths = AtomicU32::new(0);
    until("ten processes have died of it", || async {
        let died = stage.backend.reserve(&ask).await.expect("reserved").len();
        deaths.fetch_add(u32::try_from(died).expect("small"), Ordering::Relaxed);
        deaths.load(Ordering::Relaxed) == 10
    })
    .await;
    let app = App::noting();
    stage.jobs().register::<Plain>().run(app.clone());
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    assert_eq!((app.runs(), dead.attempts, dead.crashes), (0, 0, 10), "counted apart from attempts");
    assert_eq!(dead.history[0].kind, FailureKind::Crash);
    assert!(dead.cause().contains("10 deliveries"), "{}", dead.cause());
}

pub(crate) async fn jobs_with_one_key_do_not_overlap_and_others_do(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let (app, most) = App::crowd(Duration::from_millis(50));
    let keyed = app.clone();
    jobs.register::<Plain>().run(keyed);
    for _ in 0..5 {
        publisher.enqueue(&Plain(x())).key("k").await.expect("enqueued");
    }
    until("all of one key ran", || async { app.runs() == 5 }).await;
    stage.idle().await;
    assert_eq!(most(), 1, "never two of one key");
    for index in 0..8 {
        publisher.enqueue(&Plain(x())).key(format!("k{index}")).await.expect("enqueued");
    }
    stage.idle().await;
    assert!(most() > 1, "the control: others do overlap");
}

pub(crate) async fn a_global_limit_holds_over_two_processes(stage: Stage) {
    let (app, most) = App::crowd(Duration::from_millis(5));
    let publisher = stage.publisher();
    publisher.enqueue_many(&[(); 10].map(|()| Alone(x()))).await.expect("enqueued");
    stage.jobs().register::<Alone>().run(app.clone());
    stage.jobs_in(&crew(), &config()).register::<Alone>().run(app.clone());
    stage.idle().await;
    assert_eq!((app.runs(), most()), (10, 1));
}

pub(crate) async fn a_global_rate_holds_over_two_processes_and_a_rate_of_each_does_not(stage: Stage) {
    let app = App::noting();
    let runs = |tag: &str| app.log.lock().iter().filter(|written| *written == tag).count();
    let publisher = stage.publisher();
    publisher.enqueue_many(&[(); 10].map(|()| Shared("shared".to_owned()))).await.expect("enqueued");
    publisher.enqueue_many(&[(); 10].map(|()| Each("each".to_owned()))).await.expect("enqueued");
    let run = |jobs: Jobs<App>| {
        jobs.register::<Shared>().register::<Each>().register::<Plain>().run(app.clone());
    };
    run(stage.jobs());
    run(stage.jobs_in(&crew(), &config()));
    until("each has done its own", || async { runs("each") == 6 && runs("shared") == 3 }).await;
    // Both have looked for more since.
    publisher.enqueue_many(&[(); 50].map(|()| Plain("plain".to_owned()))).await.expect("enqueued");
    until("others are done", || async { runs("plain") == 50 }).await;
    until("all ends are on record", || async { stage.live().await == 4 + 7 }).await;
    assert_eq!((runs("each"), runs("shared")), (6, 3));
}

pub(crate) async fn a_limit_for_this_process_holds(stage: Stage) {
    let (app, most) = App::crowd(Duration::from_millis(10));
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    publisher.enqueue_many(&[(); 12].map(|()| Pair(x()))).await.expect("enqueued");
    jobs.register::<Pair>().run(app.clone());
    stage.idle().await;
    assert_eq!((app.runs(), most()), (12, 2), "two at once, although four may run in all");
}

pub(crate) async fn a_shutdown_hands_back_what_has_not_begun_and_another_worker_does_it(stage: Stage) {
    let config = JobsConfig { concurrency: 1, ..config() };
    let jobs = stage.jobs_in(&stage.crew, &config);
    let publisher = jobs.publisher();
    let app = App::logging(|_, attempt| async move {
        attempt.stop().requested().await;
        Err(JobError::interrupted())
    });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue_many(&[(); 3].map(|()| Plain(x()))).await.expect("enqueued");
    until("one runs", || async { app.runs() == 1 }).await;
    let receipt = land(&stage.crew).await.summary();
    assert!(receipt.contains("handed back"), "{receipt}");
    let next = App::logging(|_, attempt| async move {
        assert_eq!(attempt.number(), 1, "the shutdown cost no attempt");
        Ok(())
    });
    stage.jobs_in(&crew(), &config).register::<Plain>().run(next.clone());
    stage.idle().await;
    assert_eq!((next.runs(), stage.dead().await.len()), (3, 0));
}

pub(crate) async fn a_checkpoint_survives_a_failed_attempt(stage: Stage) {
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let found = Arc::new(Mutex::new(Vec::new()));
    let seen = found.clone();
    jobs.register::<Plain>().run(App::new(move |_, attempt| {
        let seen = seen.clone();
        async move {
            let page = attempt.checkpoint::<u32>()?;
            seen.lock().push(page);
            attempt.save_checkpoint(&(page.unwrap_or(0) + 10))?;
            if attempt.is_last() { Ok(()) } else { Err(JobError::retry("not yet")) }
        }
    }));
    publisher.enqueue(&Plain(x())).await.expect("enqueued");
    stage.idle().await;
    assert_eq!(*found.lock(), [None, Some(10), Some(20)]);
}

pub(crate) async fn the_trace_of_whoever_enqueued_it_goes_on_in_the_job(stage: Stage) {
    use groundcrew_telemetry::{Context, current};
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    let (seen, traces) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let found = seen.clone();
    jobs.register::<Plain>().run(App::new(move |_, _| {
        let context = current().expect("a context");
        found.lock().push((context.trace().trace_id, context.remaining().is_some()));
        async { Ok(()) }
    }));
    let context = Context::random().into_arc();
    traces.lock().push((context.trace().trace_id, true));
    context.scope(async { publisher.enqueue(&Plain(x())).await }).await.expect("enqueued");
    stage.idle().await;
    assert_eq!(*seen.lock(), *traces.lock(), "the trace, and a deadline by the policy");
}

pub(crate) async fn many_callers_at_once_are_all_answered(stage: Stage) {
    let publisher = stage.publisher();
    let jobs: Vec<_> = (0..1000).map(|index| Plain(index.to_string())).collect();
    let calls = jobs.iter().map(|job| async { publisher.enqueue(job).await.expect("enqueued") });
    let mut ids = futures_util::future::join_all(calls).await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), stage.count(State::Ready).await), (1000, 1000));
    let app = App::noting();
    stage.jobs().register::<Plain>().run(app.clone());
    stage.idle().await;
    let mut tags = std::mem::take(&mut *app.log.lock());
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 1000, "each once");
}

macro_rules! for_backend {
    ($backend:ident, $open:path, $($test:ident),+ $(,)?) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let limit = std::time::Duration::from_secs(90);
                    let test = async { super::$test($open().await).await };
                    tokio::time::timeout(limit, test).await.expect("the test ends in time");
                }
            )+
        }
    };
}

macro_rules! all_tests {
    ($backend:ident, $open:path) => {
        for_backend!(
            $backend,
            $open,
            a_job_that_fails_is_tried_again_until_it_succeeds,
            a_job_whose_attempts_are_spent_is_dead_with_its_history,
            a_cancelled_job_is_over_and_not_dead,
            a_job_that_fails_for_good_is_dead_at_once,
            a_panic_is_a_failed_attempt,
            a_timeout_is_a_failed_attempt,
            a_payload_that_does_not_read_is_dead_with_the_reason,
            an_unknown_name_waits_for_a_worker_that_knows_it,
            a_newer_payload_waits_for_a_worker_that_reads_it,
            a_job_that_kills_its_process_is_stopped_by_the_crash_limit,
            jobs_with_one_key_do_not_overlap_and_others_do,
            a_global_limit_holds_over_two_processes,
            a_global_rate_holds_over_two_processes_and_a_rate_of_each_does_not,
            a_limit_for_this_process_holds,
            a_shutdown_hands_back_what_has_not_begun_and_another_worker_does_it,
            a_checkpoint_survives_a_failed_attempt,
            the_trace_of_whoever_enqueued_it_goes_on_in_the_job,
            many_callers_at_once_are_all_answered,
        );
    };
}

all_tests!(memory, crate::memory::open);
#[cfg(feature = "sqlite")]
all_tests!(sqlite, crate::database::sqlite::open);
#[cfg(feature = "postgres")]
all_tests!(postgres, crate::database::postgres::open);
#[cfg(feature = "amqp")]
for_backend!(
    rabbitmq,
    crate::amqp::open,
    a_job_that_fails_is_tried_again_until_it_succeeds,
    a_job_whose_attempts_are_spent_is_dead_with_its_history,
    a_cancelled_job_is_over_and_not_dead,
    a_job_that_fails_for_good_is_dead_at_once,
    a_panic_is_a_failed_attempt,
    a_timeout_is_a_failed_attempt,
    a_payload_that_does_not_read_is_dead_with_the_reason,
    an_unknown_name_waits_for_a_worker_that_knows_it,
    a_limit_for_this_process_holds,
    a_checkpoint_survives_a_failed_attempt,
    the_trace_of_whoever_enqueued_it_goes_on_in_the_job,
    many_callers_at_once_are_all_answered,
);
