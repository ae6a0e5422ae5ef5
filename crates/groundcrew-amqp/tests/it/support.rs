use std::future::Future;
use std::time::Duration;

use groundcrew_amqp::{Amqp, AmqpConfig};
use groundcrew_runtime::Crew;
use groundcrew_testkit::proxy::FaultProxy;
use groundcrew_testkit::rabbitmq::{RabbitMq, Vhost};

/// A broker, a virtual host in it, and a crew.
pub(crate) struct Bench {
    pub(crate) crew: Crew,
    pub(crate) vhost: Vhost,
    pub(crate) broker: RabbitMq,
}

impl Bench {
    /// On the broker that is shared, if there is one.
    pub(crate) async fn new() -> Self {
        Self::on(RabbitMq::start().await.expect("a broker")).await
    }

    /// On a broker of its own, which takes faults.
    pub(crate) async fn private() -> Self {
        Self::on(RabbitMq::private().await.expect("a broker")).await
    }

    async fn on(broker: RabbitMq) -> Self {
        let vhost = broker.vhost().await.expect("a virtual host");
        Self { crew: Crew::builder("parcels", "1.0.0").build(), vhost, broker }
    }

    pub(crate) fn config(&self) -> AmqpConfig {
        AmqpConfig::of(self.vhost.url())
    }

    pub(crate) async fn connect(&self) -> Amqp {
        self.config().connect(&self.crew).await.expect("a connection")
    }

    /// A way to the broker that can be broken.
    pub(crate) async fn proxy(&self) -> FaultProxy {
        let (_, place) = self.vhost.url().rsplit_once('@').expect("a user");
        let (address, _) = place.split_once('/').expect("a virtual host");
        let address = tokio::net::lookup_host(address).await.expect("resolved").next().expect("an address");
        FaultProxy::to(address).await.expect("a proxy")
    }

    /// The library itself, as its examples use it.
    pub(crate) async fn raw(&self) -> lapin::Connection {
        let properties = lapin::ConnectionProperties::default();
        lapin::Connection::connect(self.vhost.url(), properties).await.expect("a connection")
    }

    pub(crate) async fn depth(&self, queue: &str) -> u64 {
        // A queue whose leader is being elected cannot be asked.
        self.vhost.queue_depth(queue).await.unwrap_or(u64::MAX)
    }

    pub(crate) async fn depth_becomes(&self, queue: &str, depth: u64) {
        eventually(&format!("{queue} holds {depth}"), async || self.depth(queue).await == depth).await;
    }
}

/// Waits for a condition, for at most 20 s.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let met = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), met).await.is_ok(), "not in 20 s: {what}");
}

/// The whole test is bounded.
pub(crate) fn bounded<F: Future<Output = ()>>(test: F) {
    bounded_by(Duration::from_secs(120), test);
}

pub(crate) fn bounded_by<F: Future<Output = ()>>(bound: Duration, test: F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(bound, test).await });
    runtime.shutdown_timeout(Duration::from_secs(2));
    assert!(ended.is_ok(), "the test took more than {bound:?}");
}

/// The value of a metric that has one series.
pub(crate) fn metric(crew: &Crew, name: &str) -> String {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
    line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned()
}
