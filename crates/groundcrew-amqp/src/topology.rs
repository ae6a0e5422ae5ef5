mod declare;
mod exchange;
mod queue;

use std::time::Duration;

pub use exchange::Exchange;
pub use queue::Queue;

/// Exchanges, queues and bindings as data: what a service needs to find at the broker.
///
/// It is declared at once, and again with every connection that is made later, so that a broker that came back
/// empty, or whose queue somebody deleted, is put right.
///
/// ```
/// use groundcrew_amqp::{Exchange, Queue, Topology};
/// use std::time::Duration;
///
/// let orders = Queue::quorum("orders").version(1).retry_after([Duration::from_secs(10), Duration::from_secs(60)]);
/// assert_eq!(orders.name(), "orders.v1");
/// assert_eq!(orders.dead_letter_queue(), "orders.v1.dead");
///
/// let topology = Topology::new().exchange(Exchange::topic("shop")).bind(&orders, "shop", "order.*").queue(orders);
/// assert_eq!(topology.queue_names().collect::<Vec<_>>(), [
///     "orders.v1", "orders.v1.dead", "orders.v1.retry.10s", "orders.v1.retry.60s",
/// ]);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    exchanges: Vec<Exchange>,
    queues: Vec<Queue>,
    bindings: Vec<Binding>,
}

/// Which messages of an exchange go to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    queue: String,
    exchange: String,
    key: String,
}

// === impl Topology ===

impl Topology {
    /// Nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an exchange.
    pub fn exchange(mut self, exchange: Exchange) -> Self {
        self.exchanges.push(exchange);
        self
    }

    /// Adds a queue, with its dead-letter exchange, its dead-letter queue and its retry queues.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queues.push(queue);
        self
    }

    /// Sends the messages of `exchange` whose routing key fits `key` to `queue`. Every queue also takes what is
    /// published to the default exchange (the empty name) with its own name as the routing key.
    pub fn bind(mut self, queue: &Queue, exchange: &str, key: &str) -> Self {
        let (exchange, key) = (exchange.to_owned(), key.to_owned());
        self.bindings.push(Binding { queue: queue.name().to_owned(), exchange, key });
        self
    }

    /// The names of all queues that are declared, each followed by its dead-letter and retry queues.
    pub fn queue_names(&self) -> impl Iterator<Item = String> {
        self.queues.iter().flat_map(|queue| {
            let dead = queue.has_own_dead_letters().then(|| queue.dead_letter_queue());
            let own = [queue.name().to_owned()].into_iter().chain(dead);
            own.chain(queue.retry_steps().iter().map(|step| queue.retry_queue(*step)))
        })
    }

    /// Adds what the other has and this one does not.
    pub(crate) fn join(&mut self, other: Self) {
        fn add<T: PartialEq>(to: &mut Vec<T>, from: Vec<T>) {
            for item in from {
                if !to.contains(&item) {
                    to.push(item);
                }
            }
        }
        add(&mut self.exchanges, other.exchanges);
        add(&mut self.queues, other.queues);
        add(&mut self.bindings, other.bindings);
    }
}

/// `10s`, `250ms`: what a step is called in the name of its queue.
fn step_name(step: Duration) -> String {
    let millis = step.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
