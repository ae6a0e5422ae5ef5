use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use groundcrew_amqp::{Amqp, AmqpConfig, ConsumerOptions, Message, Publisher, Queue, Verdict};
use groundcrew_runtime::Crew;
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use groundcrew_testkit::rabbitmq::RabbitMq;

use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;

use crate::consuming::{Ledger, declared};
use crate::support::{Bench, bounded, bounded_by, eventually, metric};

/// A few of each kind belong to every run; `--ignored` does many, as often as `GROUNDCREW_AMQP_CUTS` says.
const FEW: u32 = 2;

fn many() -> u32 {
    std::env::var("GROUNDCREW_AMQP_CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(100)
}

/// Storms apart: a connection that ends within a second makes the next attempt wait longer.
const PACE: Duration = Duration::from_millis(1500);

/// The bound of the promise: 99 of 100 cuts.
const BOUND: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(290);
/// A hundred brokers that each take some seconds to start.
const LONGEST: Duration = Duration::from_secs(1500);

/// A consumer that is proved to get messages, again and again.
struct Probe {
    amqp: Amqp,
    queue: Queue,
    handled: Ledger,
    number: u32,
    took: Vec<Duration>,
}

impl Probe {
    async fn start(amqp: Amqp) -> Self {
        let queue = declared(&amqp, Queue::quorum("probe")).await;
        let handled = Ledger::default();
        let ledger = handled.clone();
        amqp.consume(queue.name(), ConsumerOptions::default().concurrency(2), move |message| {
            ledger.note(message.id().unwrap_or_default());
            async { Verdict::Ack }
        })
        .expect("a consumer");
        let mut probe = Self { amqp, queue, handled, number: 0, took: Vec::new() };
        probe.resumes().await;
        probe.took.clear();
        probe
    }

    /// How long it takes until a message that is published now is handled. Publishing itself may fail meanwhile.
    async fn resumes(&mut self) {
        self.number += 1;
        let id = format!("probe-{}", self.number);
        let began = Instant::now();
        let resumed = async {
            loop {
                let message = Message::to_queue(self.queue.name(), "x").with_id(&id);
                if self.amqp.publisher().publish(message).await.is_ok() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            while !self.handled.has(&id) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(40), resumed).await.is_ok(),
            "not resumed: {:?}",
            self.amqp.problem()
        );
        self.took.push(began.elapsed());
    }

    fn judge(mut self, what: &str) {
        self.took.sort_unstable();
        let at = (self.took.len() * 99).div_ceil(100).saturating_sub(1);
        let (p99, max) = (self.took[at], self.took[self.took.len() - 1]);
        println!("{what}: {} cuts, p99 {p99:?}, max {max:?}", self.took.len());
        assert!(p99 <= BOUND, "{what}: p99 {p99:?}");
    }
}

fn behind(proxy: &FaultProxy, url: &str) -> String {
    let (front, path) = url.rsplit_once('/').expect("a path");
    let (user, _) = front.rsplit_once('@').expect("a user");
    format!("{user}@{}/{path}", proxy.addr())
}

async fn proxied(bench: &Bench) -> (FaultProxy, AmqpConfig) {
    let address = bench.vhost.url().rsplit('@').next().and_then(|rest| rest.split('/').next());
    let target = address.and_then(|address| address.parse().ok()).expect("an address");
    let proxy = FaultProxy::to(target).await.expect("a proxy");
    let config = AmqpConfig::of(behind(&proxy, bench.vhost.url()));
    (proxy, config)
}

async fn connection_cut(cuts: u32) {
    let bench = Bench::new().await;
    let (proxy, config) = proxied(&bench).await;
    let mut probe = Probe::start(config.connect(&bench.crew).await.expect("a connection")).await;
    let mut pace = tokio::time::interval(PACE);
    for _ in 0..cuts {
        pace.tick().await;
        proxy.cut_once().await;
        probe.resumes().await;
    }
    probe.judge("connection cut");
    assert_ne!(metric(&bench.crew, "amqp_consumer_restarts_total"), "0");
}

async fn closed_by_the_broker(cuts: u32) {
    let bench = Bench::new().await;
    let mut probe = Probe::start(bench.connect().await).await;
    let mut pace = tokio::time::interval(PACE);
    for _ in 0..cuts {
        pace.tick().await;
        bench.vhost.close_connections().await.expect("closed");
        probe.resumes().await;
    }
    probe.judge("connections closed by the broker");
}

async fn queue_deleted(cuts: u32) {
    let bench = Bench::new().await;
    let mut probe = Probe::start(bench.connect().await).await;
    let mut pace = tokio::time::interval(PACE);
    for _ in 0..cuts {
        pace.tick().await;
        assert!(bench.vhost.delete_queue(probe.queue.name()).await.expect("deleted"));
        probe.resumes().await;
    }
    probe.judge("queue deleted");
}

async fn broker_killed(cuts: u32) {
    let mut bench = Bench::private().await;
    let mut probe = Probe::start(bench.connect().await).await;
    for _ in 0..cuts {
        bench.broker.kill().expect("killed");
        // The time counts from when it is back.
        bench.broker.restart().await.expect("restarted");
        probe.resumes().await;
    }
    probe.judge("broker killed");
}

#[test]
fn a_consumer_comes_back_after_its_connection_is_cut() {
    bounded(connection_cut(FEW));
}

#[test]
fn a_consumer_comes_back_after_the_broker_closes_all_connections() {
    bounded(closed_by_the_broker(FEW));
}

/// Field note: the end of a consumer's stream outside of the shutdown is a failure.
#[test]
fn a_consumer_comes_back_after_its_queue_is_deleted() {
    bounded(queue_deleted(FEW));
}

#[test]
fn a_consumer_comes_back_after_the_broker_is_killed_and_restarted() {
    bounded_by(LONG, broker_killed(FEW));
}

#[test]
#[ignore = "takes minutes"]
fn of_many_cut_connections_99_percent_are_back_within_ten_seconds() {
    bounded_by(LONG, connection_cut(many()));
}

#[test]
#[ignore = "takes minutes"]
fn of_many_closed_connections_99_percent_are_back_within_ten_seconds() {
    bounded_by(LONG, closed_by_the_broker(many()));
}

#[test]
#[ignore = "takes minutes"]
fn of_many_deleted_queues_99_percent_are_back_within_ten_seconds() {
    bounded_by(LONG, queue_deleted(many()));
}

#[test]
#[ignore = "takes minutes"]
fn of_many_killed_brokers_99_percent_are_back_within_ten_seconds() {
    bounded_by(LONGEST, broker_killed(many()));
}

/// The ledger: what was confirmed is handled, whatever happens in between; nothing else is.
#[test]
fn nothing_that_was_confirmed_is_lost_through_cuts() {
    bounded(async {
        let bench = Bench::new().await;
        let (proxy, config) = proxied(&bench).await;
        let amqp = config.connect(&bench.crew).await.expect("a connection");
        let queue = declared(&amqp, Queue::quorum("ledger")).await;
        let handled = Ledger::default();
        let ledger = handled.clone();
        let options = ConsumerOptions::default().concurrency(4).prefetch(64);
        amqp.consume(queue.name(), options, move |message| {
            ledger.note(message.id().unwrap_or_default());
            async { Verdict::Ack }
        })
        .expect("a consumer");
        let publishing =
            tokio::spawn(publish_until_confirmed(amqp.publisher().clone(), queue.name().to_owned()));
        for _ in 0..5 {
            let before = handled.len();
            eventually("more are handled", async || handled.len() > before || publishing.is_finished()).await;
            proxy.cut_once().await;
        }
        let published = publishing.await.expect("published");
        eventually("all are handled", async || handled.len() >= published.len()).await;
        assert!(published.iter().all(|id| handled.has(id)), "lost");
        assert_eq!(handled.len(), published.len(), "unexpected");
        bench.depth_becomes(queue.name(), 0).await;
        assert_eq!(bench.depth(&queue.dead_letter_queue()).await, 0);
    });
}

/// Whatever was not confirmed is published again, with the same id.
async fn publish_until_confirmed(publisher: Publisher, queue: String) -> BTreeSet<String> {
    let mut attempted = BTreeSet::new();
    for batch in 0..40 {
        let mut left: Vec<_> = (0..100).map(|n| format!("{batch}-{n}")).collect();
        attempted.extend(left.clone());
        while !left.is_empty() {
            let messages = left.iter().map(|id| Message::to_queue(&queue, "x").with_id(id));
            let outcomes = publisher.publish_all(messages).await;
            let failed = left.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
            left = failed.map(|(id, _)| id).collect();
        }
    }
    attempted
}

/// The control of the deleted queue above: the library's stream ends, quietly, and nothing comes any more.
#[test]
fn the_naive_loop_ends_without_an_error_when_its_queue_is_deleted() {
    bounded(async {
        use futures_util::StreamExt;
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("probe")).await;
        let channel = bench.raw().await.create_channel().await.expect("a channel");
        let options = BasicConsumeOptions::default();
        let consume = channel.basic_consume(queue.name().into(), "".into(), options, FieldTable::default());
        let mut consumer = consume.await.expect("a consumer");
        bench.vhost.delete_queue(queue.name()).await.expect("deleted");
        assert!(consumer.next().await.is_none(), "an end, and no error");
        assert!(channel.status().connected(), "the channel goes on as if nothing had happened");
    });
}

/// Field note: the connect of the library has no bound of its own.
#[test]
fn connecting_to_a_black_hole_is_bounded_and_leaves_no_thread_behind() {
    bounded(async {
        let broker = RabbitMq::start().await.expect("a broker");
        let bench = broker.vhost().await.expect("a virtual host");
        let address = bench.url().rsplit('@').next().and_then(|rest| rest.split('/').next());
        let target = address.and_then(|address| address.parse().ok()).expect("an address");
        let proxy = FaultProxy::to(target).await.expect("a proxy");
        proxy.set(Mode::BlackHole).await;
        let config = AmqpConfig {
            connect_timeout: Duration::from_millis(200),
            connect_retry: Duration::from_secs(1),
            retry_max: Duration::from_millis(200),
            ..AmqpConfig::of(behind(&proxy, bench.url()))
        };
        let crew = Crew::builder("parcels", "1.0.0").build();
        let began = Instant::now();
        let amqp = config.connect(&crew).await.expect("a handle all the same");
        assert!(began.elapsed() < Duration::from_secs(3));
        eventually("several attempts", async || proxy.accepted() >= 6).await;
        assert!(amqp.problem().is_some());
        eventually("one thread at most", async || threads("lapin-io-loop") <= 1).await;
        proxy.heal().await;
        let queue = declared(&amqp, Queue::quorum("after")).await;
        eventually("connected", async || amqp.problem().is_none()).await;
        amqp.declare(groundcrew_amqp::Topology::new().queue(queue.clone())).await.expect("declared");
        amqp.publisher().publish(Message::to_queue(queue.name(), "x")).await.expect("confirmed");
    });
}

/// The control of the test above.
#[test]
fn the_naive_connect_to_a_black_hole_waits_and_leaves_its_thread_behind() {
    bounded(async {
        let proxy = FaultProxy::to("127.0.0.1:1".parse().expect("an address")).await.expect("a proxy");
        proxy.set(Mode::BlackHole).await;
        let url = format!("amqp://{}/%2f?connection_timeout=200", proxy.addr());
        for _ in 0..3 {
            let connect = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
            assert!(
                tokio::time::timeout(Duration::from_secs(1), connect).await.is_err(),
                "its timeout counts now"
            );
        }
        assert!(threads("lapin-io-loop") >= 3, "it cleans up by itself now");
        // Or the runtime would wait for them.
        proxy.set(Mode::Cut).await;
    });
}

/// How many threads of this process have that name.
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|comm| name.starts_with(comm.trim()) || comm.trim() == name).count()
}
