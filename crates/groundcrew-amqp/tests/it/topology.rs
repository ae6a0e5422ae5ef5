use std::time::Duration;

use groundcrew_amqp::{Amqp, AmqpConfig, ConnectError, Exchange, Message, Queue, Topology, TopologyError};
use groundcrew_testkit::proxy::{Direction, FaultProxy, Mode};

use crate::support::{Bench, bounded, eventually};

/// So slow that something can happen between two queues.
const SLOW: Mode = Mode::Slow { bytes_per_second: 1 << 20, latency: Duration::from_millis(30) };

/// A connection through a proxy, which gives up after two seconds.
async fn through_a_proxy(bench: &Bench) -> (Amqp, FaultProxy) {
    let proxy = bench.proxy().await;
    let connect_timeout = Duration::from_secs(2);
    let config = AmqpConfig { connect_timeout, ..AmqpConfig::of(proxy.url_to(bench.vhost.url())) };
    (config.connect(&bench.crew).await.expect("a connection"), proxy)
}

fn queues(base: &str) -> Vec<Queue> {
    (0..20).map(|number| Queue::classic(format!("{base}{number}"))).collect()
}

fn topology(queues: &[Queue]) -> Topology {
    queues.iter().cloned().fold(Topology::new(), Topology::queue)
}

async fn is_there(bench: &Bench, queue: &Queue) -> bool {
    bench.vhost.queue(queue.name()).await.is_ok_and(|queue| queue.is_some())
}

async fn takes_messages(amqp: &Amqp, queue: &Queue) {
    eventually(&format!("{} takes messages", queue.name()), async || {
        amqp.publisher().publish(Message::to_queue(queue.name(), "x")).await.is_ok()
    })
    .await;
}

/// The heartbeat keeps such a connection, so no later one would declare the rest.
#[test]
fn what_a_broker_that_stalled_did_not_declare_is_declared_by_the_next_connection() {
    bounded(async {
        let bench = Bench::new().await;
        let (amqp, proxy) = through_a_proxy(&bench).await;
        proxy.set(SLOW).await;
        let queues = queues("stalled");
        let (first, last) = (&queues[0], &queues[19]);
        let stalling = async {
            eventually("it has begun", async || is_there(&bench, first).await).await;
            proxy.set(Mode::HalfOpen(Direction::ToTarget)).await;
        };
        let (declared, ()) = tokio::join!(amqp.declare(topology(&queues)), stalling);
        declared.expect("remembered");
        assert!(!is_there(&bench, last).await, "it stalled in the midst");
        proxy.heal().await;
        takes_messages(&amqp, last).await;
    });
}

#[test]
fn what_is_declared_while_a_connection_is_being_made_is_there_once_it_is() {
    bounded(async {
        let bench = Bench::new().await;
        let (amqp, proxy) = through_a_proxy(&bench).await;
        let known = queues("known");
        amqp.declare(topology(&known)).await.expect("declared");
        proxy.set(Mode::Cut).await;
        eventually("it is down", async || amqp.problem().is_some()).await;
        bench.vhost.delete_queue(known[0].name()).await.expect("deleted");
        proxy.set(SLOW).await;
        // The next connection declares what it knows.
        eventually("it is in the midst of it", async || is_there(&bench, &known[0]).await).await;
        assert!(amqp.problem().is_some(), "it is not the one yet");
        let late = Queue::classic("late");
        amqp.declare(Topology::new().queue(late.clone())).await.expect("remembered");
        assert!(amqp.problem().is_some(), "it still was not when that was remembered");
        proxy.heal().await;
        takes_messages(&amqp, &late).await;
    });
}

/// What the broker says to all its connections is no word about a queue.
#[test]
fn a_declaration_during_which_the_broker_closes_the_connection_is_not_refused() {
    bounded(async {
        let bench = Bench::new().await;
        let (amqp, proxy) = through_a_proxy(&bench).await;
        proxy.set(SLOW).await;
        let queues = queues("closed");
        let closing = async {
            eventually("it has begun", async || is_there(&bench, &queues[0]).await).await;
            bench.vhost.close_connections().await.expect("closed");
        };
        let (declared, ()) = tokio::join!(amqp.declare(topology(&queues)), closing);
        declared.expect("remembered");
        proxy.heal().await;
        takes_messages(&amqp, &queues[19]).await;
    });
}

/// Field note: changed arguments give PRECONDITION_FAILED: version queue names.
#[test]
fn a_queue_that_was_changed_is_explained_and_a_new_version_is_the_way_out() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        amqp.declare(Topology::new().queue(Queue::quorum("orders"))).await.expect("declared");
        let changed = Queue::quorum("orders").delivery_limit(7);
        let error = amqp.declare(Topology::new().queue(changed.clone())).await.expect_err("it has changed");
        assert!(
            matches!(&error, TopologyError::Changed { what, .. } if what == "queue `orders.v1`"),
            "{error:?}"
        );
        let words = error.to_string();
        assert!(words.contains("version") && words.contains("x-delivery-limit"), "{words}");
        amqp.declare(Topology::new().queue(changed.version(2))).await.expect("declared beside it");
        // What was refused does not stand in the way of the next connection.
        bench.vhost.close_connections().await.expect("closed");
        eventually("connected again", async || {
            amqp.publisher().publish(Message::to_queue("orders.v2", "x")).await.is_ok()
        })
        .await;
    });
}

#[test]
fn messages_follow_the_bindings() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let (orders, all) = (Queue::quorum("orders"), Queue::classic("all"));
        let topology = Topology::new()
            .exchange(Exchange::topic("shop"))
            .bind(&orders, "shop", "order.*")
            .bind(&all, "shop", "#")
            .queue(orders.clone())
            .queue(all.clone());
        amqp.declare(topology).await.expect("declared");
        for key in ["order.placed", "customer.gone"] {
            amqp.publisher().publish(Message::new("shop", key, "x")).await.expect("confirmed");
        }
        bench.depth_becomes(orders.name(), 1).await;
        bench.depth_becomes(all.name(), 2).await;
    });
}

#[test]
fn a_wrong_password_is_refused_at_once_and_shown_nowhere() {
    bounded(async {
        let bench = Bench::new().await;
        let (_, place) = bench.vhost.url().rsplit_once('@').expect("a user");
        let config = AmqpConfig::of(format!("amqp://nobody:hunter2@{place}"));
        let error = config.connect(&bench.crew).await.expect_err("refused");
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    });
}
