//! Jobs over RabbitMQ: what a broker makes different.

#[cfg(feature = "sqlite")]
mod beside;
mod enqueuing;
mod faults;
mod kinds;
mod retrying;
mod shutdown;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_amqp::{Amqp, AmqpConfig, Message};
use groundcrew_jobs::{
    Ask, Backend, BackendError, Delivery, Ending, EnqueueError, Envelope, Failure, FailureKind, Jobs,
    JobsConfig, Known, NewJob, Publisher, Selection, Settlement, State, When,
};
use groundcrew_runtime::{Crew, ShutdownConfig};
use groundcrew_testkit::rabbitmq::{RabbitMq, Vhost};
use parking_lot::Mutex;

use crate::stage::{Alone, App, Pair, Plain, PlainNext, Shared, Stage, config, crew, envelope, land, until};

/// A broker with a virtual host for one test.
struct Broker {
    vhost: Vhost,
    server: RabbitMq,
}

/// One process of the service.
struct Process {
    crew: Crew,
    amqp: Amqp,
}

// === impl Broker ===

impl Broker {
    /// On the broker that is shared, if there is one.
    async fn shared() -> Self {
        Self::on(RabbitMq::start().await.expect("a broker")).await
    }

    /// On a broker of its own, which takes faults.
    async fn private() -> Self {
        Self::on(RabbitMq::private().await.expect("a broker")).await
    }

    async fn on(server: RabbitMq) -> Self {
        Self { vhost: server.vhost().await.expect("a virtual host"), server }
    }

    async fn process(&self) -> Process {
        let crew = crew();
        let amqp = AmqpConfig::of(self.vhost.url()).connect(&crew).await.expect("a connection");
        Process { crew, amqp }
    }
}

// === impl Process ===

impl Process {
    /// It works on plain jobs: what enqueues them, and what notes their runs.
    async fn works_on_plain(&self) -> (Publisher, App) {
        let (jobs, app) = (self.jobs().await, App::noting());
        let publisher = jobs.publisher();
        jobs.register::<Plain>().run(app.clone());
        (publisher, app)
    }

    async fn jobs(&self) -> Jobs<App> {
        self.jobs_by(&config()).await
    }

    async fn jobs_by(&self, config: &JobsConfig) -> Jobs<App> {
        config.connect_amqp(&self.crew, &self.amqp).await.expect("jobs")
    }

    async fn stage(&self) -> Stage {
        let jobs = config().connect_amqp::<App>(&crew(), &self.amqp).await.expect("jobs");
        Stage::shared(jobs.publisher().backend().clone(), self.crew.clone(), ()).patient()
    }
}

pub(crate) async fn open() -> Stage {
    let broker = Broker::shared().await;
    let process = broker.process().await;
    let stage = process.stage().await;
    Stage::shared(stage.backend.clone(), process.crew, broker).patient()
}

/// The whole test is bounded.
async fn bounded(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test ends in time");
}

fn ask(max: usize, names: &[&'static str]) -> Ask {
    let known = names.iter().map(|name| Known::new(name, 1)).collect();
    Ask { max, known, lease: Duration::from_secs(60), worker: "test".into() }
}

/// Waits for one job.
async fn next(backend: &Arc<dyn Backend>, name: &'static str) -> Delivery {
    let (ask, mut got) = (ask(1, &[name]), Vec::new());
    let wait = async {
        while got.is_empty() {
            backend.wait(Duration::from_millis(20)).await;
            got = backend.reserve(&ask).await.expect("reserved");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("a job within 30 s");
    got.remove(0)
}

/// How many messages have come to this process.
fn delivered(crew: &Crew) -> u64 {
    let text = crew.metrics().encode();
    let counts = text.lines().filter(|line| line.starts_with("amqp_delivered_total{"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn enqueue(backend: &Arc<dyn Backend>, envelopes: Vec<Envelope>) {
    let jobs: Vec<_> = envelopes.into_iter().map(|envelope| NewJob { envelope, when: When::Now }).collect();
    for outcome in backend.enqueue(&jobs).await {
        outcome.expect("enqueued");
    }
}

async fn settle(backend: &Arc<dyn Backend>, delivery: Delivery, ending: Ending) {
    let settlement = Settlement { delivery: Arc::new(delivery), ending, checkpoint: None };
    backend.settle(vec![settlement]).await.expect("settled");
}

fn failure() -> Failure {
    let (at, cause) = (jiff::Timestamp::now(), "hopeless".to_owned());
    Failure { attempt: 1, at, kind: FailureKind::Fail, cause }
}

/// Jobs that note which attempt they are.
fn numbering() -> (App, Arc<Mutex<Vec<u32>>>) {
    let numbers: Arc<Mutex<Vec<u32>>> = Arc::default();
    let noted = numbers.clone();
    let app = App::new(move |_, attempt| {
        noted.lock().push(attempt.number());
        async { Ok(()) }
    });
    (app, numbers)
}

/// A message of it that lies ready would make a worker look for it again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_is_at_its_limit_is_not_waited_for() {
    bounded(async {
        let broker = Broker::shared().await;
        let stage = broker.process().await.stage().await;
        let ask =
            |free| Ask { known: vec![Known { free: Some(free), ..Known::new("plain", 1) }], ..ask(1, &[]) };
        let took = async |free| stage.backend.reserve(&ask(free)).await.expect("reserved").len();
        let long = Duration::from_secs(60);
        assert_eq!(took(1).await, 0, "from now on it is consumed");
        enqueue(&stage.backend, vec![envelope("plain")]).await;
        stage.backend.wait(long).await;
        assert_eq!(took(0).await, 0, "it lies ready");
        let waited = tokio::time::timeout(Duration::from_millis(300), stage.backend.wait(long)).await;
        assert!(waited.is_err(), "there is nothing to come back for");
        assert_eq!(took(1).await, 1);
    })
    .await;
}

/// Nobody looks within the hour: each place is told when it is free, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_free_under_a_limit_is_taken_at_once() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let jobs = process.jobs_by(&JobsConfig { poll_period: Duration::from_secs(3600), ..config() }).await;
        let publisher = jobs.publisher();
        let app = App::noting();
        jobs.register::<Pair>().run(app.clone());
        publisher.enqueue_many(&vec![Pair("x".to_owned()); 500]).await.expect("enqueued");
        until("all ran", || async { app.runs() == 500 }).await;
    })
    .await;
}

/// Field note: own attempt header, explicit higher delivery limit, and a crash limit of the job's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_kills_its_process_is_dead_after_ten_times_and_its_neighbours_are_not() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let stage = process.stage().await;
        let (killer, neighbour) = (envelope("plain"), envelope("plain"));
        enqueue(&stage.backend, vec![killer.clone(), neighbour.clone()]).await;
        let mut crashes = Vec::new();
        while crashes.len() < 10 {
            // Each process takes the killer in hand and dies, with the neighbour fetched ahead.
            let got = next(&stage.backend, "plain").await;
            if got.envelope.id == neighbour.id {
                assert!(got.envelope.crashes < 10);
                // It had its chance alone, and it is harmless.
                settle(&stage.backend, got, Ending::Done).await;
                continue;
            }
            crashes.push(got.envelope.crashes);
            broker.vhost.close_connections().await.expect("closed");
            until("the delivery is lost", || async {
                let beat = groundcrew_jobs::Beat {
                    id: got.envelope.id,
                    token: got.token,
                    checkpoint: None,
                    progress: None,
                };
                !stage.backend.heartbeat(vec![beat], Duration::ZERO).await.expect("beat").is_empty()
            })
            .await;
        }
        assert_eq!(crashes, [0, 0, 0, 0, 0, 5, 6, 7, 8, 9]);
        until("it is connected again", || async { stage.backend.stats().await.is_ok() }).await;
        // On the same consumer: another one would never see what this one has fetched ahead.
        stage.jobs().register::<Plain>().run(App::noting());
        until("it is dead", || async { stage.dead().await.len() == 1 }).await;
        stage.idle().await;
        let dead = stage.dead().await.remove(0);
        assert_eq!((dead.id, dead.crashes, dead.attempts), (killer.id, 10, 0));
        assert_eq!(dead.history[0].kind, FailureKind::Crash);
    })
    .await;
}

/// Whoever heard no confirm sends again, and both may be there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_there_twice_runs_once_at_a_time_and_both_messages_end_with_it() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let stage = process.stage().await;
        let (twice, other) = (envelope("plain"), envelope("plain"));
        enqueue(&stage.backend, vec![twice.clone(), twice.clone(), other]).await;
        let (gate, open) =
            (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let (entered, leave) = (gate.clone(), open.clone());
        let app = App::logging(move |_, _| {
            let (entered, leave) = (entered.clone(), leave.clone());
            async move {
                entered.add_permits(1);
                leave.acquire().await.expect("never closed").forget();
                Ok(())
            }
        });
        stage.jobs().register::<Plain>().run(app.clone());
        // The third message has come: the copy came before it.
        let _both = gate.acquire_many(2).await.expect("never closed");
        open.add_permits(10);
        let held = || broker.vhost.queue_depth("parcels.jobs.plain.normal.v1");
        until("no message is left", || async { held().await.expect("asked") == 0 }).await;
        assert_eq!(app.runs(), 2, "each of the two jobs once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_no_job_harms_nobody_and_is_not_lost() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let (publisher, app) = process.works_on_plain().await;
        publisher.enqueue(&Plain("first".to_owned())).await.expect("enqueued");
        let queue = "parcels.jobs.plain.normal.v1";
        process.amqp.publisher().publish(Message::to_queue(queue, "no job")).await.expect("published");
        publisher.enqueue(&Plain("second".to_owned())).await.expect("enqueued");
        until("both jobs ran", || async { app.runs() == 2 }).await;
        let stage = process.stage().await;
        until("it is among the dead", || async { stage.count(State::Dead).await == 1 }).await;
    })
    .await;
}

/// Where jobs are short, many are fetched ahead; no worker waits for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_jobs_and_do_each_once() {
    bounded(async {
        let broker = Broker::shared().await;
        let (first, second) = (broker.process().await, broker.process().await);
        let (one, other) = (App::noting(), App::noting());
        let jobs = first.jobs().await;
        let publisher = jobs.publisher();
        jobs.register::<Plain>().run(one.clone());
        second.jobs().await.register::<Plain>().run(other.clone());
        let all: Vec<_> = (0..3_000).map(|number| Plain(number.to_string())).collect();
        publisher.enqueue_many(&all).await.expect("enqueued");
        until("all ran", || async { one.runs() + other.runs() >= 3_000 }).await;
        let mut log = one.log.lock().clone();
        assert!(log.len() < 3_000 && !log.is_empty(), "both took part");
        log.extend(other.log.lock().iter().cloned());
        log.sort_unstable();
        log.dedup();
        assert_eq!(log.len(), 3_000);
        assert_eq!(one.runs() + other.runs(), 3_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_urgent_goes_first() {
    use groundcrew_jobs::Priority;
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let stage = process.stage().await;
        let of = |priority| Envelope { priority, ..envelope("plain") };
        let all = [Priority::Low, Priority::Normal, Priority::High].map(of);
        enqueue(&stage.backend, all.to_vec()).await;
        // Consumed, and nothing taken yet.
        let none = Ask { max: 0, ..ask(4, &["plain"]) };
        until("all three have come", || async {
            stage.backend.reserve(&none).await.expect("reserved");
            delivered(&process.crew) == 3
        })
        .await;
        let mut got = Vec::new();
        while got.len() < 3 {
            got.push(next(&stage.backend, "plain").await.envelope.priority);
        }
        assert_eq!(got, [Priority::High, Priority::Normal, Priority::Low]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_payload_goes_aside_until_a_worker_comes_that_reads_it() {
    bounded(async {
        let broker = Broker::shared().await;
        let (first, second) = (broker.process().await, broker.process().await);
        let old = App::noting();
        let jobs = first.jobs().await;
        let publisher = jobs.publisher();
        jobs.register::<Plain>().run(old.clone());
        publisher.enqueue(&PlainNext("x".to_owned())).await.expect("enqueued");
        publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
        let aside = || broker.vhost.queue_depth("parcels.jobs.delay.5s.v1");
        until("one ran and one is aside", || async {
            old.runs() == 1 && aside().await.is_ok_and(|depth| depth == 1)
        })
        .await;
        land(&first.crew).await;
        let (new, numbers) = numbering();
        second.jobs().await.register::<PlainNext>().run(new);
        until("the new one ran", || async { !numbers.lock().is_empty() }).await;
        assert_eq!(*numbers.lock(), [1], "that cost no attempt");
        assert_eq!(old.runs(), 1);
    })
    .await;
}
