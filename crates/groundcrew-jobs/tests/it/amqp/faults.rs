//! Brokers that are killed, and connections that are cut.

use super::*;

/// Field note: success is a confirm; what was confirmed is there after a kill -9 of the broker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmed_jobs_survive_a_broker_that_is_killed() {
    bounded(async {
        let mut broker = Broker::private().await;
        let process = broker.process().await;
        let publisher = process.jobs().await.publisher();
        let jobs: Vec<_> = (0..100).map(|number| Plain(number.to_string())).collect();
        publisher.enqueue_many(&jobs).await.expect("enqueued");
        broker.server.kill().expect("killed");
        broker.server.restart().await.expect("restarted");
        let app = App::noting();
        let worker = broker.process().await;
        worker.jobs().await.register::<Plain>().run(app.clone());
        until("all of them ran", || async {
            let log = app.log.lock();
            jobs.iter().all(|job| log.contains(&job.0))
        })
        .await;
    })
    .await;
}

/// Dead jobs are moved with a confirm before the old message is acknowledged, so a cut in between loses none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_jobs_that_are_requeued_while_connections_are_cut_are_all_there() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let stage = process.stage().await;
        let jobs: Vec<_> = (0..300).map(|_| envelope("plain")).collect();
        enqueue(&stage.backend, jobs.clone()).await;
        for _ in &jobs {
            let got = next(&stage.backend, "plain").await;
            settle(&stage.backend, got, Ending::Dead { failure: failure() }).await;
        }
        until("all are dead", || async { stage.count(State::Dead).await == 300 }).await;
        let cutting = async {
            for _ in 0..3 {
                broker.vhost.close_connections().await.expect("closed");
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let requeueing = async {
            until("none is dead", || async {
                let _cut = stage.backend.requeue(Selection::all()).await;
                stage
                    .backend
                    .dead(groundcrew_jobs::DeadQuery::default())
                    .await
                    .is_ok_and(|dead| dead.is_empty())
            })
            .await;
        };
        tokio::join!(cutting, requeueing);
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < jobs.len() {
            let got = next(&stage.backend, "plain").await;
            seen.insert(got.envelope.id);
            settle(&stage.backend, got, Ending::Done).await;
        }
        assert_eq!(seen, jobs.iter().map(|job| job.id).collect());
    })
    .await;
}

/// A broker that is short of memory takes no retry, and goes on delivering: acknowledgements must flow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_that_a_broker_short_of_memory_does_not_take_hold_up_no_other_end() {
    bounded(Box::pin(async {
        let broker = Broker::private().await;
        let crew = crew();
        let publish_timeout = Duration::from_secs(40);
        let settings = AmqpConfig { publish_timeout, ..AmqpConfig::of(broker.vhost.url()) };
        let process = Process { amqp: settings.connect(&crew).await.expect("a connection"), crew };
        let jobs = process.jobs_by(&JobsConfig { concurrency: 300, ..config() }).await;
        let publisher = jobs.publisher();
        let doors = [(); 2].map(|()| Arc::new(tokio::sync::Semaphore::new(0)));
        let [good, bad] = doors.clone();
        let app = App::logging(move |tag, attempt| {
            let door = if tag == "bad" { &bad } else { &good }.clone();
            async move {
                let _open = door.acquire().await.expect("never closed");
                if tag == "bad" && attempt.number() == 1 { Err("on purpose".into()) } else { Ok(()) }
            }
        });
        jobs.register::<Plain>().run(app.clone());
        let all: Vec<_> =
            (0..205).map(|number| Plain(if number < 5 { "bad" } else { "good" }.to_owned())).collect();
        publisher.enqueue_many(&all).await.expect("enqueued");
        until("all have begun", || async { app.runs() == 205 }).await;
        broker.server.memory_alarm().await.expect("an alarm");
        // The broker says so only to whoever publishes.
        let told = process.amqp.publisher().send(Message::to_queue("nowhere", "x")).await.expect("sent");
        until("it is blocked", || async { process.amqp.problem().is_some() }).await;
        let [good, bad] = doors;
        bad.add_permits(5);
        let failed = r#"job_outcomes_total{job="plain",outcome="retry",service="parcels"} 5"#;
        until("five have failed", || async { process.crew.metrics().encode().contains(failed) }).await;
        good.add_permits(200);
        let acknowledged = until("the others are acknowledged", || async {
            let queue = broker.vhost.queue("parcels.jobs.plain.normal.v1").await;
            queue.is_ok_and(|queue| queue.is_some_and(|it| (it.ready, it.unacknowledged) == (0, 5)))
        });
        tokio::time::timeout(Duration::from_secs(15), acknowledged).await.expect("within 15 s");
        assert!(process.amqp.problem().is_some(), "the alarm lasts");
        broker.server.clear_memory_alarm().await.expect("no alarm");
        drop(told);
        until("the five ran again", || async { app.runs() == 210 }).await;
        process.stage().await.idle().await;
    }))
    .await;
}

/// Field note on exactly one effect: an acknowledgement that was under way when the connection was cut is void, so the
/// job runs again, and it is the mark in the database that makes one effect of it.
#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_while_jobs_run_lose_none_and_each_takes_effect_once() {
    use groundcrew_sql::{SqlConfig, sqlx};

    const JOBS: i64 = 2_000;
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("effects.db").display());
        let sqlite = SqlConfig::of(url).connect_sqlite(&process.crew).await.expect("SQLite");
        // Outside the system: without a constraint, so that it can hold what must not be.
        sqlx::query("CREATE TABLE effects (job TEXT)").execute(&sqlite).await.expect("a table");
        let jobs: Jobs<App> =
            config().connect_through(&process.crew, Some(&process.amqp), &sqlite).await.expect("jobs");
        let publisher = jobs.publisher();
        let there = sqlite.clone();
        let app = App::logging(move |tag, attempt| {
            let sqlite = there.clone();
            async move {
                let Some(mut transaction) = attempt.begin_once(&sqlite).await? else { return Ok(()) };
                sqlx::query("INSERT INTO effects VALUES (?)").bind(tag).execute(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(())
            }
        });
        jobs.register::<Plain>().run(app.clone());
        let enqueueing = async {
            let all: Vec<_> = (0..JOBS).map(|number| Plain(number.to_string())).collect();
            for jobs in all.chunks(100) {
                // After an error some may be there and others not: all of them again, which the tags tell.
                until("they are enqueued", || async { publisher.enqueue_many(jobs).await.is_ok() }).await;
            }
        };
        let cutting = async {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(250)).await;
                broker.vhost.close_connections().await.expect("closed");
            }
        };
        tokio::join!(enqueueing, cutting);
        let stage = process.stage().await;
        let numbers = async |query: &'static str| -> i64 {
            sqlx::query_scalar(query).fetch_one(sqlite.read()).await.expect(query)
        };
        until("every job took effect", || async {
            numbers("SELECT count(DISTINCT job) FROM effects").await == JOBS
        })
        .await;
        // Right after a cut the broker cannot be asked.
        until("the broker can be asked", || async { stage.backend.stats().await.is_ok() }).await;
        stage.idle().await;
        // At once: a job that comes a second time may end just now.
        let doubled =
            "SELECT (SELECT count(*) FROM effects) - (SELECT count(*) FROM groundcrew_jobs_effects)";
        assert_eq!(numbers(doubled).await, 0, "one effect for each job");
        assert_eq!(stage.dead().await.len(), 0, "a cut is no crash");
    }))
    .await;
}
