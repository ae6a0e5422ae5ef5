//! Jobs on their way into their queues.

use std::future::IntoFuture;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::*;
use crate::stage::Other;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_cannot_keep_is_said_and_not_forgotten() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let jobs = process.jobs().await;
        let publisher = jobs.publisher();
        let unsupported =
            |error: EnqueueError| matches!(error, EnqueueError::Backend(BackendError::Unsupported { .. }));
        let job = Plain("x".to_owned());
        let unique = publisher.enqueue(&job).unique_key("k").await.expect_err("refused");
        let keyed = publisher.enqueue(&job).key("k").await.expect_err("refused");
        assert!(unsupported(unique) && unsupported(keyed));
        let registered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| jobs.register::<Alone>()));
        assert!(registered.is_err(), "its global limit would not hold");
        let jobs = broker.process().await.jobs().await;
        let registered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| jobs.register::<Shared>()));
        let words = registered.err().and_then(|panic| panic.downcast::<String>().ok());
        assert!(words.is_some_and(|words| words.contains("Policy::global_rate")), "nor would its rate");
    })
    .await;
}

/// A process that has published nothing, and no queue there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_in_its_queue_before_any_worker_was_there() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        process.jobs().await.publisher().enqueue(&Plain("x".to_owned())).await.expect("enqueued");
        let depth = || broker.vhost.queue_depth("parcels.jobs.plain.normal.v1");
        assert_eq!(depth().await.expect("asked"), 1);
        let other = broker.process().await;
        let app = App::noting();
        other.jobs().await.register::<Plain>().run(app.clone());
        until("it ran", || async { app.runs() == 1 }).await;
        until("it is acknowledged", || async { depth().await.expect("asked") == 0 }).await;
    })
    .await;
}

/// A queue that is full, or whose leader is not there yet: the broker says no, and has nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_the_broker_refuses_are_offered_again_until_it_takes_them() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let config = JobsConfig { enqueue_timeout: Duration::from_secs(60), ..config() };
        let jobs = process.jobs_by(&config).await;
        let publisher = jobs.publisher();
        broker.vhost.limit_queues(1).await.expect("limited");
        let enqueuing = tokio::spawn(async move { one_by_one(&publisher, 20).await });
        until("some were refused", || async { refused(&process.crew) > 0 }).await;
        let app = App::noting();
        jobs.register::<Plain>().run(app.clone());
        enqueuing.await.expect("no panic").expect("all are enqueued");
        until("all ran", || async { app.runs() >= 20 }).await;
        assert_eq!(app.runs(), 20, "each once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_the_broker_goes_on_refusing_are_told_before_their_time_is_over() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let publisher = process.jobs().await.publisher();
        broker.vhost.limit_queues(1).await.expect("limited");
        let error = one_by_one(&publisher, 20).await.expect_err("there is no room");
        assert!(error.to_string().contains("refused the message: a queue is full"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_job_is_enqueued_although_somebody_has_deleted_the_queue_where_it_waits() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let (publisher, app) = process.works_on_plain().await;
        // A connection that is made later would declare the queue again.
        publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
        until("it publishes and consumes", || async { app.runs() == 1 }).await;
        let queue = "parcels.jobs.delay.5s.v1";
        assert!(broker.vhost.delete_queue(queue).await.expect("asked"), "it was there");
        let delayed = publisher.enqueue(&Plain("x".to_owned())).delay(Duration::from_secs(6));
        delayed.await.expect("enqueued");
        assert_eq!(broker.vhost.queue_depth(queue).await.expect("asked"), 1);
    })
    .await;
}

/// While it waits in the queue before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_for_delays_that_somebody_has_deleted_is_there_again_when_a_job_comes_to_it() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let (publisher, app) = process.works_on_plain().await;
        publisher
            .enqueue(&Plain("x".to_owned()))
            .delay(Duration::from_millis(1_900))
            .await
            .expect("enqueued");
        let queue = "parcels.jobs.delay.100ms.v1";
        assert!(broker.vhost.delete_queue(queue).await.expect("asked"), "it was there");
        until("it ran", || async { app.runs() == 1 }).await;
        assert!(broker.vhost.queue(queue).await.expect("asked").is_some());
    })
    .await;
}

/// More calls wait for room than batches may be under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_whose_queue_is_full_hold_up_no_job_of_another_kind() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let config = JobsConfig { enqueue_timeout: Duration::from_secs(60), ..config() };
        let publisher = process.jobs_by(&config).await.publisher();
        broker.vhost.limit_queues(100).await.expect("limited");
        let mut waiting = JoinSet::new();
        let mut wait_with = |jobs: usize| {
            let publisher = publisher.clone();
            waiting.spawn(async move { one_by_one(&publisher, jobs).await });
        };
        wait_with(1000);
        until("the queue is full", || async { refused(&process.crew) > 0 }).await;
        for _ in 0..8 {
            let before = refused(&process.crew);
            wait_with(1);
            until("one more is refused", || async { refused(&process.crew) > before }).await;
        }
        (0..100).for_each(|_| wait_with(1));
        let others = (0..50).map(|_| publisher.enqueue(&Other("x".to_owned())).into_future());
        for enqueued in join_all(others).await {
            enqueued.expect("there is room");
        }
        assert!(waiting.try_join_next().is_none(), "the others still wait");
    })
    .await;
}

/// A full queue tells its publishers so after a few.
async fn one_by_one(publisher: &Publisher, jobs: usize) -> Result<(), EnqueueError> {
    for number in 0..jobs {
        publisher.enqueue(&Plain(number.to_string())).await?;
    }
    Ok(())
}

/// How many messages the broker has refused so far.
fn refused(crew: &Crew) -> u64 {
    let metrics = crew.metrics().encode();
    let line =
        metrics.lines().find(|line| line.starts_with("amqp_published_total") && line.contains("nacked"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}
