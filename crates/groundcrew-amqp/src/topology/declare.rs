use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use super::{Queue, Topology};
use crate::TopologyError;
use crate::error::{code, words};
use crate::link::Link;

const PRECONDITION_FAILED: u16 = 406;
/// Of connections that somebody closes, or that end with a broker that stops: no word about what was asked.
const CONNECTION_FORCED: u16 = 320;
const INTERNAL_ERROR: u16 = 541;

/// One step of the declaration, for messages.
enum Step<'a> {
    Exchange(&'a str),
    Queue(&'a str),
    Binding(&'a str, &'a str),
}

// === impl Topology ===

impl Topology {
    /// Declares everything on a channel of its own, since the first refusal ends the channel.
    pub(crate) async fn declare(&self, link: &Link) -> Result<(), TopologyError> {
        if self.exchanges.is_empty() && self.queues.is_empty() && self.bindings.is_empty() {
            return Ok(());
        }
        let opened = link.channel().await;
        let channel = opened.map_err(|error| TopologyError::Interrupted {
            what: "exchanges and queues".to_owned(),
            cause: words(&error),
        })?;
        for exchange in &self.exchanges {
            declare_exchange(link, &channel, exchange.name(), exchange.kind()).await?;
        }
        for queue in &self.queues {
            declare_queue(link, &channel, queue).await?;
        }
        for binding in &self.bindings {
            bind(link, &channel, &binding.queue, &binding.exchange, &binding.key).await?;
        }
        // Everything is declared; a channel that cannot be closed goes with its connection.
        let _closed = link.bounded(channel.close(200, "declared".into())).await;
        Ok(())
    }
}

async fn declare_queue(link: &Link, channel: &Channel, queue: &Queue) -> Result<(), TopologyError> {
    let dead_letters = queue.dead_letter_exchange();
    if queue.has_own_dead_letters() {
        declare_exchange(link, channel, &dead_letters, ExchangeKind::Fanout).await?;
    }
    for declared in queue.declared() {
        let step = Step::Queue(&declared.name);
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let name = short(&step, &declared.name)?;
        let made = link.bounded(channel.queue_declare(name, options, declared.arguments)).await;
        made.map_err(|error| step.failed(&error))?;
    }
    if queue.has_own_dead_letters() {
        bind(link, channel, &queue.dead_letter_queue(), &dead_letters, "").await?;
    }
    Ok(())
}

async fn declare_exchange(
    link: &Link,
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
) -> Result<(), TopologyError> {
    let step = Step::Exchange(name);
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let made = channel.exchange_declare(short(&step, name)?, kind, options, FieldTable::default());
    link.bounded(made).await.map_err(|error| step.failed(&error))
}

async fn bind(
    link: &Link,
    channel: &Channel,
    queue: &str,
    exchange: &str,
    key: &str,
) -> Result<(), TopologyError> {
    let step = Step::Binding(queue, exchange);
    let (queue, exchange, key) = (short(&step, queue)?, short(&step, exchange)?, short(&step, key)?);
    let bound = channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default());
    link.bounded(bound).await.map_err(|error| step.failed(&error))
}

/// The library panics for a name that is too long.
fn short(step: &Step<'_>, name: &str) -> Result<ShortString, TopologyError> {
    ShortString::try_new(name).map_err(|_| TopologyError::Refused {
        what: step.what(),
        cause: format!("`{name}` has more than 255 bytes"),
    })
}

// === impl Step ===

impl Step<'_> {
    fn what(&self) -> String {
        match self {
            Self::Exchange(name) => format!("exchange `{name}`"),
            Self::Queue(name) => format!("queue `{name}`"),
            Self::Binding(queue, exchange) => format!("binding of queue `{queue}` to exchange `{exchange}`"),
        }
    }

    fn failed(&self, error: &lapin::Error) -> TopologyError {
        let (what, cause) = (self.what(), words(error));
        match code(error) {
            Some(PRECONDITION_FAILED) => TopologyError::Changed { what, cause },
            Some(CONNECTION_FORCED | INTERNAL_ERROR) | None => TopologyError::Interrupted { what, cause },
            Some(_) => TopologyError::Refused { what, cause },
        }
    }
}
