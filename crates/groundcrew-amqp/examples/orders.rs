//! A service that places an order each second and checks what was placed, until it is told to stop.
//!
//! `RABBITMQ_URL=amqp://guest:guest@localhost cargo run -p groundcrew-amqp --example orders`, then Ctrl-C. Stop the
//! broker meanwhile, or delete the queue: it goes on.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew_amqp::{AmqpConfig, ConsumerOptions, Exchange, Message, Queue, Topology, Verdict};
use groundcrew_runtime::{Backoff, Crew, Restart, Signals, supervise};

#[tokio::main]
async fn main() -> ExitCode {
    let signals = Signals::install().expect("signal handlers");
    let crew = Crew::builder("orders", env!("CARGO_PKG_VERSION")).build();
    let url = std::env::var("RABBITMQ_URL").unwrap_or_else(|_| "amqp://guest:guest@localhost".to_owned());
    let landed = supervise(&crew, signals, start(AmqpConfig::of(url), crew.clone())).await;
    match &landed.receipt {
        Some(receipt) => println!("{receipt}"),
        None => eprintln!("{}", landed.reason),
    }
    landed.exit_code().into()
}

async fn start(config: AmqpConfig, crew: Crew) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let amqp = config.connect(&crew).await?;
    let orders = Queue::quorum("orders").version(1);
    let shop = Topology::new().exchange(Exchange::topic("shop")).bind(&orders, "shop", "order.*");
    amqp.declare(shop.queue(orders.clone())).await?;

    amqp.consume(orders.name(), ConsumerOptions::default().concurrency(4), |order| async move {
        println!("checked {}", String::from_utf8_lossy(order.payload()));
        Verdict::Ack
    })?;

    let publisher = amqp.publisher().clone();
    crew.task("customers", Restart::Always(Backoff::default()), move |stop| {
        let publisher = publisher.clone();
        async move {
            let mut number = 0;
            while stop.unless(tokio::time::sleep(Duration::from_secs(1))).await.is_some() {
                number += 1;
                let order = Message::new("shop", "order.placed", format!("order {number}"));
                match publisher.publish(order).await {
                    Ok(()) => println!("placed order {number}"),
                    Err(error) => println!("order {number}: {error}"),
                }
            }
        }
    });
    Ok(())
}
