//! Jobs in memory, on a clock that the tests hold: what takes hours takes no time here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groundcrew_jobs::{FailureKind, JobError, JobsConfig, Memory, Priority, Publisher, State};
use tokio::time::Instant;

use crate::stage::{App, Brief, Endless, Other, Plain, Rated, Stage, Usual, crew, land};

pub(crate) async fn open() -> Stage {
    Stage::new(Memory::new(), crew(), ())
}

/// Nothing needs to be polled for here, and hours go by.
fn patient() -> JobsConfig {
    let hour = Duration::from_secs(3600);
    JobsConfig { poll_period: hour, lease: hour, stats_period: hour, ..JobsConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_apart_by_exponential_times_with_jitter() {
    let (memory, crew, began) = (Memory::new(), crew(), Instant::now());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let times = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = times.clone();
    jobs.register::<Usual>().run(App::new(move |_, _| {
        seen.lock().push(began.elapsed());
        async { Err(JobError::retry("no")) }
    }));
    publisher.enqueue(&Usual("x".to_owned())).await.expect("enqueued");
    memory.idle().await;
    let times = times.lock();
    assert_eq!(times.len(), 20, "the default number of attempts");
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1].as_secs_f64() - pair[0].as_secs_f64()).collect();
    for (step, gap) in gaps.iter().enumerate() {
        let full = (2.0 * 2f64.powi(i32::try_from(step).expect("small"))).min(3600.0);
        assert!((full / 2.0 - 0.1..=full + 1.5).contains(gap), "gap {step} is {gap} s");
    }
    let steps = |index: usize| gaps[index] / 2f64.powi(i32::try_from(index).expect("small"));
    assert!((1..10).any(|index| (steps(index) - steps(0)).abs() > 1e-3), "no jitter: {gaps:?}");
    assert!(times[19] > Duration::from_secs(4 * 3600), "hours, in no time");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_enqueued_outside_of_any_trace_begins_one_that_is_recorded() {
    let (memory, crew) = (Memory::new(), crew());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let found = seen.clone();
    jobs.register::<Plain>().run(App::new(move |_, _| {
        found.lock().push(groundcrew_telemetry::current().map(|context| context.trace().sampled));
        async { Ok(()) }
    }));
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    memory.idle().await;
    assert_eq!(*seen.lock(), [Some(true)]);
}

#[tokio::test(start_paused = true)]
async fn a_snoozed_job_comes_later_and_as_often_as_it_likes() {
    let (memory, crew, began) = (Memory::new(), crew(), Instant::now());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    jobs.register::<Plain>().run(App::new(move |_, attempt| {
        assert_eq!(attempt.number(), 1, "a snooze costs no attempt");
        let run = counted.fetch_add(1, Ordering::Relaxed);
        async move { if run < 10 { Err(JobError::snooze(Duration::from_secs(3600))) } else { Ok(()) } }
    }));
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    memory.idle().await;
    assert_eq!(runs.load(Ordering::Relaxed), 11, "more often than the policy has attempts");
    assert!(began.elapsed() >= Duration::from_secs(10 * 3600));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_job_runs_at_its_time() {
    let (memory, crew, began) = (Memory::new(), crew(), Instant::now());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::noting();
    jobs.register::<Plain>().run(app.clone());
    let hour = Duration::from_secs(3600);
    publisher.enqueue(&Plain("x".to_owned())).delay(hour).await.expect("enqueued");
    memory.idle().await;
    let late = began.elapsed().checked_sub(hour).expect("not before its time");
    assert!(late <= Duration::from_millis(50), "{late:?} late");
    assert_eq!(app.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_lets_a_burst_through_and_then_one_at_a_time() {
    let (memory, crew, began) = (Memory::new(), crew(), Instant::now());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let times = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = times.clone();
    jobs.register::<Rated>().run(App::new(move |_, _| {
        seen.lock().push(began.elapsed().as_secs());
        async { Ok(()) }
    }));
    publisher.enqueue_many(&[(); 5].map(|()| Rated("x".to_owned()))).await.expect("enqueued");
    memory.idle().await;
    assert_eq!(*times.lock(), [0, 0, 5, 10, 15], "two within 10 s");
}

/// Jobs of which the long ones take a minute, after so many short ones that much is fetched ahead.
async fn long_after_short(stage: &Stage) -> (App, Publisher) {
    let app = App::logging(|tag, _| async move {
        if tag == "long" {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(())
    });
    let jobs = stage.jobs_in(&stage.crew, &patient());
    let publisher = jobs.publisher();
    jobs.register::<Plain>().register::<Other>().run(app.clone());
    publisher.enqueue_many(&vec![Plain("short".to_owned()); 500]).await.expect("enqueued");
    stage.idle().await;
    app.log.lock().clear();
    publisher.enqueue_many(&vec![Other("long".to_owned()); 100]).await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(2)).await;
    (app, publisher)
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_is_begun_as_soon_as_one_of_many_long_jobs_has_ended() {
    let stage = open().await;
    let (app, publisher) = long_after_short(&stage).await;
    let urgent = publisher.enqueue(&Plain("urgent".to_owned())).priority(Priority::High);
    urgent.await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let log = app.log.lock();
    assert_eq!(log[..5], ["long", "long", "long", "long", "urgent"]);
}

#[tokio::test(start_paused = true)]
async fn long_jobs_that_find_no_place_are_ready_for_others_and_nothing_has_become_of_them() {
    let stage = open().await;
    let (app, _) = long_after_short(&stage).await;
    assert_eq!((stage.count(State::Running).await, stage.count(State::Ready).await), (4, 96));
    tokio::time::sleep(Duration::from_secs(25 * 60)).await;
    assert_eq!((app.runs(), stage.live().await), (100, 0), "each once, four at a time");
    let metrics = stage.crew.metrics().encode();
    let handed_back = r#"job_outcomes_total{job="other",outcome="handed_back",service="parcels"} 0"#;
    assert!(metrics.contains(handed_back), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn running_jobs_finish_within_the_drain_and_the_receipt_counts_them() {
    let (memory, crew) = (Memory::new(), crew());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue_many(&[(); 3].map(|()| Plain("x".to_owned()))).await.expect("enqueued");
    while app.runs() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let receipt = land(&crew).await.summary();
    assert!(receipt.contains("3 jobs finished, 0 handed back"), "{receipt}");
    memory.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_cut_is_handed_back_at_no_cost_with_its_checkpoint() {
    let (memory, crew) = (Memory::new(), crew());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::logging(|_, attempt| async move {
        for page in 0_u32.. {
            attempt.save_checkpoint(&page)?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    });
    jobs.register::<Plain>().run(app.clone());
    let id = publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    while app.runs() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let receipt = land(&crew).await.summary();
    assert!(receipt.contains("0 jobs finished, 1 handed back"), "{receipt}");
    let left = memory.job(id).expect("it is there");
    assert_eq!((left.attempts, left.crashes, left.history.len()), (0, 0, 0), "it cost nothing");
    let page: u32 = left.checkpoint.expect("a checkpoint").parse().expect("a number");
    assert!(page > 0, "saved at the cut, later than the first heartbeat");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_its_lease_runs_once_since_its_worker_shows_that_it_lives() {
    let (memory, crew) = (Memory::new(), crew());
    let config =
        JobsConfig { lease: Duration::from_secs(3), poll_period: Duration::from_secs(1), ..patient() };
    let jobs = config.connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::logging(|_, attempt| async move {
        attempt.progress(40, "on its way");
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(())
    });
    jobs.register::<Plain>().run(app.clone());
    let id = publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(memory.progress(id), Some((40, "on its way".to_owned())));
    memory.idle().await;
    assert_eq!(app.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_limit_of_time_is_done() {
    let stage = open().await;
    let jobs = stage.jobs_in(&stage.crew, &patient());
    let publisher = jobs.publisher();
    let app = App::noting();
    jobs.register::<Endless>().run(app.clone());
    publisher.enqueue(&Endless("x".to_owned())).await.expect("enqueued");
    stage.idle().await;
    assert_eq!((app.runs(), stage.dead().await.len()), (1, 0));
}

/// What a job holds that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_when_it_is_dropped_at_its_timeout_has_failed_and_frees_its_place() {
    let stage = open().await;
    let jobs = stage.jobs_in(&stage.crew, &JobsConfig { concurrency: 1, ..patient() });
    let publisher = jobs.publisher();
    let app = App::logging(|tag, _| async move {
        if tag == "bomb" {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    jobs.register::<Brief>().register::<Plain>().run(app.clone());
    publisher.enqueue(&Brief("bomb".to_owned())).await.expect("enqueued");
    stage.idle().await;
    let dead = stage.dead().await.remove(0);
    let causes: Vec<_> = dead.history.iter().map(|failure| (failure.kind, failure.cause.as_str())).collect();
    assert_eq!(causes, [(FailureKind::Panic, "dropped"); 3]);
    publisher.enqueue(&Plain("next".to_owned())).await.expect("enqueued");
    stage.idle().await;
    assert_eq!(*app.log.lock(), ["bomb", "bomb", "bomb", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_when_it_is_cut_is_handed_back_at_no_cost() {
    let (memory, crew) = (Memory::new(), crew());
    let jobs = patient().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async {
        let _bomb = Bomb;
        std::future::pending().await
    });
    jobs.register::<Plain>().run(app.clone());
    let id = publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    while app.runs() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let receipt = land(&crew).await.summary();
    assert!(receipt.contains("0 jobs finished, 1 handed back"), "{receipt}");
    let left = memory.job(id).expect("it is there");
    assert_eq!((left.attempts, left.crashes, left.history.len()), (0, 0, 0), "it cost nothing");
}

#[tokio::test(start_paused = true)]
async fn work_that_waits_while_nobody_knows_it_degrades_the_health() {
    let (memory, crew) = (Memory::new(), crew());
    let config = JobsConfig { stats_period: Duration::from_secs(15), ..patient() };
    let jobs = config.connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    jobs.register::<Plain>().run(App::noting());
    publisher.enqueue(&Usual("x".to_owned())).await.expect("enqueued");
    let report = |crew: &groundcrew_runtime::Crew| format!("{:?}", crew.readiness());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(!report(&crew).contains("nobody runs any"), "{}", report(&crew));
    tokio::time::sleep(Duration::from_secs(90)).await;
    let degraded = report(&crew);
    assert!(degraded.contains("`usual`") && degraded.contains("nobody runs any"), "{degraded}");
    let depth = r#"jobs_queue_depth{job="usual",state="ready",service="parcels"} 1"#;
    assert!(crew.metrics().encode().contains(depth));
}
