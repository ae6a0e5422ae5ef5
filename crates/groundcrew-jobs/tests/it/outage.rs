//! A backend that is away for a while: nothing is lost, and nothing runs twice because of it.

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use groundcrew_jobs::{
    Ask, Backend, BackendError, Beat, DeadJob, DeadQuery, Delivery, EnqueueError, Enqueued, JobId,
    JobsConfig, Memory, NewJob, QueueStat, Retention, Selection, Settlement, Unsettled, When,
};
use groundcrew_telemetry::Context as Request;
use parking_lot::Mutex;

use crate::stage::{App, Other, Plain, crew, envelope, land};

/// Memory, but for the times when it is away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flaky {
    memory: Memory,
    away: Arc<AtomicBool>,
    /// The end of this job cannot be put on record.
    stuck: Arc<Mutex<Option<JobId>>>,
    /// There is no room for jobs of this name.
    full: Arc<Mutex<Option<&'static str>>>,
    refused: Arc<AtomicU32>,
    /// How often it was to be swept.
    sweeps: Arc<AtomicU32>,
    /// How long it takes to enqueue.
    slow: Option<Duration>,
}

impl Flaky {
    /// One that is there, and takes so long to enqueue.
    pub(crate) fn slow(by: Duration) -> Self {
        Self { slow: Some(by), ..Self::default() }
    }

    fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn refusal(&self) -> Option<BackendError> {
        self.away.load(Ordering::SeqCst).then(|| {
            self.refused.fetch_add(1, Ordering::SeqCst);
            BackendError::Unavailable { backend: "flaky", action: "answer", cause: "away".to_owned() }
        })
    }

    async fn add(&self, jobs: &[NewJob]) -> Vec<Result<Enqueued, BackendError>> {
        if let Some(slow) = self.slow {
            tokio::time::sleep(slow).await;
        }
        let full = *self.full.lock();
        let mut results = Vec::new();
        for job in jobs {
            if full == Some(&*job.envelope.name) {
                let cause = "no room".to_owned();
                results.push(Err(BackendError::Full { backend: "flaky", cause }));
            } else {
                results.extend(self.memory.enqueue(std::slice::from_ref(job)).await);
            }
        }
        results
    }

    fn or<'a, T: Send + 'static>(
        &'a self,
        there: impl FnOnce() -> BoxFuture<'a, Result<T, BackendError>>,
    ) -> BoxFuture<'a, Result<T, BackendError>> {
        match self.refusal() {
            Some(error) => std::future::ready(Err(error)).boxed(),
            None => there(),
        }
    }
}

impl Backend for Flaky {
    fn name(&self) -> &'static str {
        "flaky"
    }

    fn enqueue<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Vec<Result<Enqueued, BackendError>>> {
        match self.refusal() {
            Some(error) => std::future::ready(vec![Err(error); jobs.len()]).boxed(),
            None => self.add(jobs).boxed(),
        }
    }

    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>> {
        match self.refusal() {
            Some(error) => std::future::ready(Err(error)).boxed(),
            None => self.memory.reserve(ask),
        }
    }

    fn wait(&self, at_most: Duration) -> BoxFuture<'_, ()> {
        self.memory.wait(at_most)
    }

    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>> {
        if let Some(error) = self.refusal() {
            return std::future::ready(Err(Unsettled { left: batch, error })).boxed();
        }
        let stuck = *self.stuck.lock();
        let is_stuck = |settlement: &Settlement| Some(settlement.delivery.envelope.id) == stuck;
        let (left, good): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_stuck);
        async move {
            self.memory.settle(good).await?;
            let cause = "its queue was deleted".to_owned();
            let error = BackendError::Unavailable { backend: "flaky", action: "settle", cause };
            if left.is_empty() { Ok(()) } else { Err(Unsettled { left, error }) }
        }
        .boxed()
    }

    fn heartbeat(
        &self,
        beats: Vec<Beat>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<JobId>, BackendError>> {
        self.or(|| self.memory.heartbeat(beats, lease))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>> {
        self.or(|| self.memory.stats())
    }

    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>> {
        self.or(|| self.memory.dead(query))
    }

    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        self.or(|| self.memory.requeue(which))
    }

    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        self.or(|| self.memory.discard(which))
    }

    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>> {
        self.sweeps.fetch_add(1, Ordering::SeqCst);
        self.or(|| self.memory.sweep(keep))
    }
}

fn config() -> JobsConfig {
    let poll_period = Duration::from_secs(1);
    JobsConfig { poll_period, lease: Duration::from_secs(60), ..JobsConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_put_on_record_waits_and_the_job_runs_once() {
    let (flaky, crew) = (Flaky::default(), crew());
    let jobs = config().connect_with(&crew, flaky.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let away = flaky.clone();
    let app = App::logging(move |_, _| {
        away.set_away(true);
        async { Ok(()) }
    });
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let refused = flaky.refused.load(Ordering::SeqCst);
    assert!((10..200).contains(&refused), "asked again, with growing pauses: {refused}");
    flaky.set_away(false);
    flaky.memory.idle().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(app.runs(), 1, "the lease was not lost, and nothing came again");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_put_on_record_holds_up_no_other() {
    let (flaky, crew) = (Flaky::default(), crew());
    let jobs = config().connect_with(&crew, flaky.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::noting();
    let stuck = publisher.enqueue(&Plain("stuck".to_owned())).await.expect("enqueued");
    *flaky.stuck.lock() = Some(stuck);
    jobs.register::<Plain>().run(app.clone());
    let others: Vec<_> = (0..3000).map(|number| Plain(number.to_string())).collect();
    let others = publisher.enqueue_many(&others).await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(others.iter().all(|id| flaky.memory.job(*id).is_none()), "their ends are on record");
    assert!(flaky.memory.job(stuck).is_some());
    *flaky.stuck.lock() = None;
    flaky.memory.idle().await;
    assert_eq!(app.runs(), 3001, "each once");
}

/// Two signs of life are lost, and the next would come too late.
#[tokio::test(start_paused = true)]
async fn a_backend_that_is_back_before_the_lease_ends_costs_none() {
    let (flaky, crew) = (Flaky::default(), crew());
    let jobs = config().connect_with(&crew, flaky.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::logging(|_, _| async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        Ok(())
    });
    jobs.register::<Plain>().run(app.clone());
    tokio::time::sleep(Duration::from_secs(5)).await;
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    tokio::time::sleep(Duration::from_secs(10)).await;
    flaky.set_away(true);
    tokio::time::sleep(Duration::from_secs(47)).await; // its lease ends 3 s later
    flaky.set_away(false);
    flaky.memory.idle().await;
    assert_eq!(app.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_goes_on_when_its_backend_is_back() {
    let (flaky, crew) = (Flaky::default(), crew());
    let jobs = config().connect_with(&crew, flaky.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::noting();
    jobs.register::<Plain>().run(app.clone());
    flaky.set_away(true);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let refused = publisher.enqueue(&Plain("x".to_owned())).await;
    assert!(matches!(refused, Err(EnqueueError::Backend(_))), "{refused:?}");
    flaky.set_away(false);
    let back = tokio::time::Instant::now();
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    flaky.memory.idle().await;
    assert!(back.elapsed() <= Duration::from_secs(10), "within 10 s: {:?}", back.elapsed());
    assert_eq!(app.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn ends_that_have_no_record_when_the_service_lands_are_told_in_the_receipt() {
    let (flaky, crew) = (Flaky::default(), crew());
    let jobs = config().connect_with(&crew, flaky.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let away = flaky.clone();
    let app = App::logging(move |_, _| {
        away.set_away(true);
        async { Ok(()) }
    });
    jobs.register::<Plain>().run(app.clone());
    let id = publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    while app.runs() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let receipt = land(&crew).await.summary();
    assert!(receipt.contains("1 job without a record will run again"), "{receipt}");
    assert!(flaky.memory.job(id).is_some(), "it is not lost");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_takes_no_job_with_it() {
    let (memory, crew) = (Memory::new(), crew());
    let jobs = config().connect_with(&crew, memory.clone()).expect("jobs");
    let publisher = jobs.publisher();
    let app = App::noting();
    jobs.register::<Plain>().run(app.clone());
    let mut call = Box::pin(publisher.enqueue(&Plain("x".to_owned())).submit());
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending), "handed over, and not answered");
    drop(call);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(app.runs(), 1);
}

/// It would begin anew with each count, in every replica, for as long as it takes longer than it may.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_fails_waits_for_its_turn() {
    let (flaky, crew) = (Flaky::default(), crew());
    flaky.set_away(true);
    let _jobs = config().connect_with::<App>(&crew, flaky.clone()).expect("jobs");
    for sweeps in [1, 2] {
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(flaky.sweeps.load(Ordering::SeqCst), sweeps);
    }
}

/// Those that came with it are answered at once, and so are those that come while it waits for room.
#[tokio::test(start_paused = true)]
async fn a_job_that_there_is_no_room_for_holds_up_no_other() {
    let (flaky, crew) = (Flaky::default(), crew());
    let publisher = config().connect_with::<App>(&crew, flaky.clone()).expect("jobs").publisher();
    *flaky.full.lock() = Some("plain");
    let began = tokio::time::Instant::now();
    let waiting = join_all((0..500).map(|_| publisher.enqueue(&Plain("x".to_owned())).into_future()));
    let others = async {
        for _ in 0..3 {
            let others = (0..500).map(|_| publisher.enqueue(&Other("x".to_owned())).into_future());
            assert!(join_all(others).await.iter().all(Result::is_ok));
        }
        began.elapsed()
    };
    let (refused, took) = tokio::join!(waiting, others);
    assert!(took < Duration::from_millis(10), "before anything was tried again: {took:?}");
    let no_room = |error: &EnqueueError| matches!(error, EnqueueError::Backend(BackendError::Full { .. }));
    assert!(refused.iter().all(|refused| refused.as_ref().is_err_and(no_room)));
    let took = began.elapsed();
    let half = JobsConfig::default().enqueue_timeout / 2;
    assert!(took <= half && took + Duration::from_millis(500) >= half, "half of their time: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_there_is_no_room_for_is_refused_after_half_of_the_time_of_its_request() {
    let (flaky, crew) = (Flaky::default(), crew());
    let publisher = config().connect_with::<App>(&crew, flaky.clone()).expect("jobs").publisher();
    *flaky.full.lock() = Some("plain");
    let began = tokio::time::Instant::now();
    let request = Request::random().with_timeout(Duration::from_secs(1)).into_arc();
    let refused = request.scope(publisher.enqueue(&Plain("x".to_owned())).submit()).await;
    assert!(matches!(refused, Err(EnqueueError::Backend(BackendError::Full { .. }))), "{refused:?}");
    assert!(began.elapsed() <= Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn jobs_that_find_room_a_moment_later_are_answered_in_their_places() {
    let (flaky, crew) = (Flaky::default(), crew());
    let publisher = config().connect_with::<App>(&crew, flaky.clone()).expect("jobs").publisher();
    *flaky.full.lock() = Some("plain");
    let jobs = ["other", "plain", "other", "plain"];
    let jobs = jobs.map(|name| NewJob { envelope: envelope(name), when: When::Now });
    let ids = jobs.each_ref().map(|job| job.envelope.id);
    let room = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        *flaky.full.lock() = None;
    };
    let (enqueued, ()) = tokio::join!(publisher.submit(jobs.to_vec()), room);
    assert_eq!(enqueued.expect("enqueued"), ids.map(Enqueued::New));
    assert!(ids.iter().all(|id| flaky.memory.job(*id).is_some()));
}
