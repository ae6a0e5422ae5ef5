//! Workers that land while they have jobs.

use groundcrew_amqp::ConsumerOptions;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cut_comes_back_once_with_its_checkpoint() {
    bounded(async {
        let broker = Broker::shared().await;
        // As much as Kubernetes gives: a broker that is busy has time to confirm what is handed back.
        let shutdown = ShutdownConfig { budget: Duration::from_secs(29), ..ShutdownConfig::default() };
        let crew = Crew::builder("parcels", "1.0.0").shutdown(shutdown).build();
        let amqp = AmqpConfig::of(broker.vhost.url()).connect(&crew).await.expect("a connection");
        let first = Process { crew, amqp };
        let app = App::logging(|_, attempt| async move {
            attempt.save_checkpoint(&42)?;
            std::future::pending().await
        });
        let jobs = first.jobs().await;
        let publisher = jobs.publisher();
        jobs.register::<Plain>().run(app.clone());
        publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
        until("it runs", || async { app.runs() == 1 }).await;
        let receipt = land(&first.crew).await.summary();
        assert!(receipt.contains("1 handed back"), "{receipt}");
        let second = broker.process().await;
        let stage = second.stage().await;
        let got = next(&stage.backend, "plain").await;
        assert_eq!((got.envelope.checkpoint.as_deref(), got.envelope.crashes), (Some("42"), 0));
        assert_eq!(stage.live().await, 1, "there is no copy of it");
        settle(&stage.backend, got, Ending::Done).await;
        stage.idle().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_hands_back_what_has_not_begun_and_another_process_does_it() {
    bounded(async {
        let broker = Broker::shared().await;
        let (first, second) = (broker.process().await, broker.process().await);
        let config = JobsConfig { concurrency: 1, ..config() };
        let jobs = first.jobs_by(&config).await;
        let publisher = jobs.publisher();
        let app = App::logging(|_, attempt| async move {
            attempt.stop().requested().await;
            Err(groundcrew_jobs::JobError::interrupted())
        });
        jobs.register::<Plain>().run(app.clone());
        publisher.enqueue_many(&[(); 3].map(|()| Plain("x".to_owned()))).await.expect("enqueued");
        until("one runs", || async { app.runs() == 1 }).await;
        let receipt = land(&first.crew).await.summary();
        assert!(receipt.contains("handed back"), "{receipt}");
        let (next, numbers) = numbering();
        let stage = second.stage().await;
        second.jobs_by(&config).await.register::<Plain>().run(next);
        until("all three ran", || async { numbers.lock().len() == 3 }).await;
        assert_eq!(*numbers.lock(), [1; 3], "the shutdown cost no attempt");
        assert_eq!(stage.dead().await.len(), 0);
    })
    .await;
}

/// It comes back as one does that killed its process. These jobs are of this process, and one crash is their limit.
pub(super) async fn one_that_was_only_fetched_is_tried(broker: &Broker, process: &Process, jobs: Jobs<App>) {
    let other = broker.process().await;
    jobs.publisher().enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    let queue = "parcels.jobs.plain.normal.v1";
    let fetched = other.amqp.subscribe(queue, ConsumerOptions::default()).expect("subscribed");
    fetched.recv().await.expect("the job").requeue();
    drop(fetched);
    let app = App::noting();
    jobs.register::<Plain>().run(app.clone());
    until("it ran", || async { app.runs() == 1 }).await;
    let stage = process.stage().await;
    stage.idle().await;
    assert_eq!((app.runs(), stage.dead().await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_only_fetched_is_tried_even_where_one_crash_is_the_limit() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let jobs = process.jobs_by(&JobsConfig { crash_limit: 1, ..config() }).await;
        one_that_was_only_fetched_is_tried(&broker, &process, jobs).await;
    }))
    .await;
}
