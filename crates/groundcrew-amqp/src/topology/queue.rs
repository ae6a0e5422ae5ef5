use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable, LongString};

use super::step_name;

/// How often a quorum queue hands out a message that nobody settles before it is dead-lettered.
///
/// RabbitMQ 3.x knows no limit of its own, 4.x has 20. It is a net under whatever the consumer counts itself, not the
/// count of attempts: a restart takes one from every message that was waiting in the consumer.
const DELIVERY_LIMIT: u32 = 100;
/// For queues in which messages wait for people or for time: nothing is to be lost there.
const NO_DELIVERY_LIMIT: u32 = 1_000_000_000;

/// A queue, with everything that belongs to it: an exchange and a queue for its dead letters, always, and queues in
/// which messages wait for their next attempt, if it has any.
///
/// What a queue is cannot be changed later: raise its [`version`](Self::version), and a new one is made beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    name: String,
    base: String,
    quorum: bool,
    delivery_limit: u32,
    max_length: Option<u32>,
    dead_letters_to: Option<String>,
    arguments: Vec<(String, AMQPValue)>,
    retry_steps: Vec<Duration>,
}

/// One queue as it is declared.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) arguments: FieldTable,
}

// === impl Queue ===

impl Queue {
    /// A replicated, durable queue, version 1: the right one for everything that must not be lost. With the base name
    /// `orders` it is called `orders.v1`.
    ///
    /// Its dead letters arrive at least once, which takes `overflow = reject-publish`: a full queue refuses messages.
    pub fn quorum(base: impl Into<String>) -> Self {
        Self::of(base.into(), true)
    }

    /// A durable queue on one node, version 1. Its dead letters arrive at most once, and its delivery limit counts
    /// nothing: the broker has neither for this kind.
    pub fn classic(base: impl Into<String>) -> Self {
        Self::of(base.into(), false)
    }

    fn of(base: String, quorum: bool) -> Self {
        let (arguments, retry_steps) = (Vec::new(), Vec::new());
        let name = format!("{base}.v1");
        Self {
            name,
            base,
            quorum,
            delivery_limit: DELIVERY_LIMIT,
            max_length: None,
            dead_letters_to: None,
            arguments,
            retry_steps,
        }
    }

    /// Sets the version, which stands in the name: to be raised with every change of what the queue is.
    pub fn version(mut self, version: u32) -> Self {
        self.name = format!("{}.v{version}", self.base);
        self
    }

    /// Takes the base name as it is, without a version: for a queue that somebody else named.
    pub fn unversioned(mut self) -> Self {
        self.name.clone_from(&self.base);
        self
    }

    /// Sets after how many deliveries without a verdict a message is dead-lettered, 100 if not set. Part of what the
    /// queue is. A restart of the consumer takes one from every message it held, so a low number punishes the
    /// innocent.
    pub fn delivery_limit(mut self, deliveries: u32) -> Self {
        self.delivery_limit = deliveries;
        self
    }

    /// Sets how many messages it holds; further ones are refused, which the publisher is told. Part of what the queue
    /// is.
    pub fn max_length(mut self, messages: u32) -> Self {
        self.max_length = Some(messages);
        self
    }

    /// Sends dead letters to this exchange, which several queues may share, instead of one of its own with a queue of
    /// its own. Part of what the queue is. With the empty name each goes to the queue that its routing key names.
    pub fn dead_letters_to(mut self, exchange: impl Into<String>) -> Self {
        self.dead_letters_to = Some(exchange.into());
        self
    }

    /// Sets an argument that has no method here. Part of what the queue is.
    pub fn argument(mut self, name: impl Into<String>, value: impl Into<AMQPValue>) -> Self {
        self.arguments.push((name.into(), value.into()));
        self
    }

    /// Adds a queue for each of these delays, in which a message waits that long and then comes back to this one.
    ///
    /// One queue per step, since a message's own time to live is only looked at when it has come to the head. To move
    /// a message: publish it to the default exchange with [`retry_queue`](Self::retry_queue) as the routing key, and
    /// acknowledge the old one once that is confirmed.
    pub fn retry_after(mut self, steps: impl IntoIterator<Item = Duration>) -> Self {
        self.retry_steps.extend(steps);
        self.retry_steps.sort_unstable();
        self.retry_steps.dedup();
        self
    }

    /// Its name at the broker, version included.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The exchange that takes its dead letters: a fanout, so that more queues may be bound to it, unless
    /// [`dead_letters_to`](Self::dead_letters_to) names another.
    pub fn dead_letter_exchange(&self) -> String {
        self.dead_letters_to.clone().unwrap_or_else(|| format!("{}.dlx", self.name))
    }

    /// Whether its dead letters have an exchange and a queue of their own.
    pub fn has_own_dead_letters(&self) -> bool {
        self.dead_letters_to.is_none()
    }

    /// The queue in which its dead letters wait for somebody to look at them.
    pub fn dead_letter_queue(&self) -> String {
        format!("{}.dead", self.name)
    }

    /// The delays that there are, the shortest first.
    pub fn retry_steps(&self) -> &[Duration] {
        &self.retry_steps
    }

    /// The queue in which a message waits for `delay`: that of the shortest step that is not shorter, or of the
    /// longest. Without any step it is this queue itself.
    pub fn retry_queue(&self, delay: Duration) -> String {
        let step = self.retry_steps.iter().find(|step| **step >= delay).or(self.retry_steps.last());
        step.map_or_else(|| self.name.clone(), |step| format!("{}.retry.{}", self.name, step_name(*step)))
    }

    /// All queues that it takes, dead letters first: each is there before something is sent to it.
    pub(super) fn declared(&self) -> Vec<Declared> {
        let mut all = Vec::new();
        if self.has_own_dead_letters() {
            all.push(Declared { name: self.dead_letter_queue(), arguments: self.resting() });
        }
        all.push(Declared { name: self.name.clone(), arguments: self.own() });
        for step in &self.retry_steps {
            let mut arguments = self.resting();
            let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
            set(&mut arguments, "x-message-ttl", millis);
            set(&mut arguments, "x-dead-letter-exchange", text(""));
            set(&mut arguments, "x-dead-letter-routing-key", text(&self.name));
            self.at_least_once(&mut arguments);
            all.push(Declared { name: self.retry_queue(*step), arguments });
        }
        all
    }

    fn own(&self) -> FieldTable {
        let mut arguments = self.kind();
        if self.quorum {
            set(&mut arguments, "x-delivery-limit", i64::from(self.delivery_limit));
        }
        set(&mut arguments, "x-dead-letter-exchange", text(&self.dead_letter_exchange()));
        self.at_least_once(&mut arguments);
        if let Some(messages) = self.max_length {
            set(&mut arguments, "x-max-length", i64::from(messages));
            set(&mut arguments, "x-overflow", text("reject-publish"));
        }
        for (name, value) in &self.arguments {
            set(&mut arguments, name, value.clone());
        }
        arguments
    }

    fn resting(&self) -> FieldTable {
        let mut arguments = self.kind();
        if self.quorum {
            set(&mut arguments, "x-delivery-limit", i64::from(NO_DELIVERY_LIMIT));
        }
        arguments
    }

    fn kind(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        set(&mut arguments, "x-queue-type", text(if self.quorum { "quorum" } else { "classic" }));
        arguments
    }

    fn at_least_once(&self, arguments: &mut FieldTable) {
        if self.quorum {
            set(arguments, "x-dead-letter-strategy", text("at-least-once"));
            set(arguments, "x-overflow", text("reject-publish"));
        }
    }
}

fn set(arguments: &mut FieldTable, name: &str, value: impl Into<AMQPValue>) {
    arguments.insert(name.into(), value.into());
}

fn text(text: &str) -> LongString {
    LongString::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_served_by_the_next_longer_step_or_the_longest() {
        let queue = Queue::quorum("orders").retry_after([1, 60, 10].map(Duration::from_secs));
        assert_eq!(queue.retry_queue(Duration::from_millis(1)), "orders.v1.retry.1s");
        assert_eq!(queue.retry_queue(Duration::from_secs(2)), "orders.v1.retry.10s");
        assert_eq!(queue.retry_queue(Duration::from_secs(3600)), "orders.v1.retry.60s");
        assert_eq!(Queue::quorum("orders").retry_queue(Duration::from_secs(1)), "orders.v1");
    }

    #[test]
    fn every_queue_has_a_delivery_limit_of_its_own_and_a_place_for_dead_letters() {
        // Field note: RabbitMQ 4 has a limit of 20 where none is set, and drops the message where there is no DLX.
        let declared = Queue::quorum("orders").retry_after([Duration::from_secs(1)]).declared();
        assert_eq!(declared.len(), 3);
        assert!(declared.iter().all(|queue| queue.arguments.contains_key("x-delivery-limit")));
        let own = &declared[1];
        assert_eq!(own.name, "orders.v1");
        assert!(own.arguments.contains_key("x-dead-letter-exchange"));
    }
}
