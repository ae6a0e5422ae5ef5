//! Jobs over RabbitMQ as a careful engineer writes them by hand: a durable quorum queue, persistent messages,
//! a window of 256 confirms, a prefetch of 256 and acknowledgements in groups of 32.
//!
//! `raw-lapin URL JOBS BYTES` prints one line of JSON.

use std::collections::VecDeque;
use std::time::Duration;

use benches::jobs::Work;
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

const QUEUE: &str = "bench.raw";
const WINDOW: usize = 256;
const PREFETCH: u16 = 256;
const ACK_GROUP: u64 = 32;
/// An acknowledgement that waits for its group waits no longer than this.
const ACK_DELAY: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let work = Work::from_arguments()?;
    let publishing = Connection::connect(&work.url, ConnectionProperties::default()).await?;
    let consuming = Connection::connect(&work.url, ConnectionProperties::default()).await?;
    let (publisher, consumer) = (publishing.create_channel().await?, consuming.create_channel().await?);
    declare(&publisher).await?;

    let measured = work.measure();
    let payload = vec![b'x'; work.bytes];
    let done = tokio::spawn(consume(consumer, work.jobs));
    publish(&publisher, work.jobs, &payload).await?;
    done.await??;
    measured.print();

    publisher.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(())
}

async fn declare(channel: &Channel) -> anyhow::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, arguments).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(())
}

async fn publish(channel: &Channel, jobs: u64, payload: &[u8]) -> anyhow::Result<()> {
    let mut unconfirmed = VecDeque::with_capacity(WINDOW);
    for _ in 0..jobs {
        if unconfirmed.len() == WINDOW {
            confirmed(unconfirmed.pop_front()).await?;
        }
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(2);
        unconfirmed
            .push_back(channel.basic_publish("".into(), QUEUE.into(), options, payload, properties).await?);
    }
    while let Some(confirm) = unconfirmed.pop_front() {
        confirmed(Some(confirm)).await?;
    }
    Ok(())
}

async fn confirmed(confirm: Option<lapin::PublisherConfirm>) -> anyhow::Result<()> {
    let Some(confirm) = confirm else { return Ok(()) };
    match confirm.await? {
        Confirmation::Ack(None) => Ok(()),
        other => anyhow::bail!("not confirmed: {other:?}"),
    }
}

async fn consume(channel: Channel, jobs: u64) -> anyhow::Result<()> {
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let mut deliveries = channel
        .basic_consume(QUEUE.into(), "bench".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    let (mut seen, mut waiting, mut last) = (0, 0, 0);
    while seen < jobs {
        let next = tokio::time::timeout(ACK_DELAY, deliveries.next()).await;
        if let Ok(delivery) = next {
            let delivery = delivery.ok_or_else(|| anyhow::anyhow!("the consumer ended"))??;
            (seen, waiting, last) = (seen + 1, waiting + 1, delivery.delivery_tag);
            if waiting < ACK_GROUP && seen < jobs {
                continue;
            }
        }
        if waiting > 0 {
            channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
            waiting = 0;
        }
    }
    Ok(())
}
