use groundcrew_amqp::{AmqpConfig, ConnectError, Exchange, Message, Queue, Topology, TopologyError};

use crate::support::{Bench, bounded, eventually};

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
