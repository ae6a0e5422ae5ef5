//! Orders through a quorum queue: `RABBITMQ_URL=amqp://guest:guest@localhost cargo run --example amqp`, then
//! `curl -i -d pears http://127.0.0.1:5000/orders`.
//!
//! Restart the broker, close its connections, delete the queue `orders.v1`: it goes on. 202 says that the broker has
//! this order in a queue; any other answer says that it may not.

use std::process::ExitCode;

use groundcrew::amqp::{AmqpConfig, ConsumerOptions, Exchange, Message, Publisher, Queue, Topology, Verdict};
use groundcrew::axum::extract::State;
use groundcrew::axum::{Router, routing::post};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem, StatusCode};
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    rabbitmq: AmqpConfig,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let amqp = config.rabbitmq.connect(&crew).await?;
    let orders = Queue::quorum("orders").version(1); // and a queue for dead letters beside it
    let shop = Topology::new().exchange(Exchange::topic("shop")).bind(&orders, "shop", "order.*");
    amqp.declare(shop.queue(orders.clone())).await?;

    amqp.consume(orders.name(), ConsumerOptions::default().concurrency(4), |order| async move {
        tracing::info!(order.what = %String::from_utf8_lossy(order.payload()), "checked");
        Verdict::Ack
    })?;
    http.serve(Router::new().route("/orders", post(order)).with_state(amqp.publisher().clone()));
    Ok(())
}

async fn order(State(publisher): State<Publisher>, what: String) -> Result<StatusCode, Problem> {
    let message = Message::new("shop", "order.placed", what).content_type("text/plain");
    publisher.publish(message).await.map_err(|error| {
        tracing::error!(%error, "the order is not placed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_PLACED").retry_after(5)
    })?;
    Ok(StatusCode::ACCEPTED)
}

fn main() -> ExitCode {
    Service::new("orders", env!("CARGO_PKG_VERSION")).run(start)
}
