use std::time::Duration;

use groundcrew_amqp::{Exchange, Queue, Topology};

use super::ladder;
use crate::{Envelope, Priority};

/// A net under the worker's own count of crashes: no job gets there that is moved to its trial queue before.
const DELIVERY_LIMIT: u32 = 1_000;
/// Where messages wait for time or for people.
const NO_DELIVERY_LIMIT: u32 = 1_000_000_000;

/// What exchanges and queues are called that all jobs of a service share.
#[derive(Debug)]
pub(super) struct Names {
    namespace: String,
}

/// The queues of one kind of job.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) name: String,
    /// In the order of [`Priority::ALL`].
    ready: [String; 3],
    /// One at a time in each process: those that may be what kills it.
    trial: String,
}

/// Which of a kind's queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Trial,
    Ready(Priority),
}

// === impl Names ===

impl Names {
    pub(super) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned() }
    }

    pub(super) fn route(&self, name: &str) -> Route {
        let namespace = &self.namespace;
        let ready = Priority::ALL.map(|priority| {
            let priority = match priority {
                Priority::High => "high",
                Priority::Normal => "normal",
                Priority::Low => "low",
            };
            format!("{namespace}.jobs.{name}.{priority}.v1")
        });
        Route { name: name.to_owned(), ready, trial: format!("{namespace}.jobs.{name}.trial.v1") }
    }

    /// The queue of the dead.
    pub(super) fn dead(&self) -> String {
        format!("{}.jobs.dead.v1", self.namespace)
    }

    fn dead_exchange(&self) -> String {
        format!("{}.jobs.dead", self.namespace)
    }

    /// Takes what is to wait for one step of the ladder; the routing key names the queue to which it goes then.
    pub(super) fn delay_exchange(&self, step: Duration) -> String {
        format!("{}.jobs.delay.{}", self.namespace, ladder::label(step))
    }

    pub(super) fn delay_queue(&self, step: Duration) -> String {
        format!("{}.v1", self.delay_exchange(step))
    }

    /// What all kinds share: the dead set and the delays.
    pub(super) fn shared(&self) -> Topology {
        let dead = quorum(&self.dead()).delivery_limit(NO_DELIVERY_LIMIT).dead_letters_to("");
        let exchange = self.dead_exchange();
        let mut topology =
            Topology::new().exchange(Exchange::fanout(&exchange)).bind(&dead, &exchange, "").queue(dead);
        for step in ladder::STEPS {
            let exchange = self.delay_exchange(step);
            // To the default exchange with the routing key that the message has: the queue it goes to.
            let queue = quorum(&self.delay_queue(step))
                .delivery_limit(NO_DELIVERY_LIMIT)
                .dead_letters_to("")
                .argument("x-message-ttl", i64::try_from(step.as_millis()).unwrap_or(i64::MAX));
            topology =
                topology.exchange(Exchange::fanout(&exchange)).bind(&queue, &exchange, "").queue(queue);
        }
        topology
    }

    /// The queues of one kind.
    pub(super) fn own(&self, route: &Route) -> Topology {
        let dead = self.dead_exchange();
        let queue = |name: &str| quorum(name).delivery_limit(DELIVERY_LIMIT).dead_letters_to(&dead);
        let queues = route.ready.iter().chain([&route.trial]);
        queues.fold(Topology::new(), |topology, name| topology.queue(queue(name)))
    }
}

/// The version is in the name already.
fn quorum(name: &str) -> Queue {
    Queue::quorum(name).unversioned()
}

// === impl Route ===

impl Route {
    pub(super) fn queue(&self, lane: Lane) -> &str {
        match lane {
            Lane::Trial => &self.trial,
            Lane::Ready(Priority::High) => &self.ready[0],
            Lane::Ready(Priority::Normal) => &self.ready[1],
            Lane::Ready(Priority::Low) => &self.ready[2],
        }
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &str> {
        Lane::ALL.into_iter().map(|lane| self.queue(lane))
    }
}

// === impl Lane ===

impl Lane {
    /// In the order in which they are served. Those on trial come first, since they hold up nobody else.
    pub(super) const ALL: [Lane; 4] =
        [Lane::Trial, Lane::Ready(Priority::High), Lane::Ready(Priority::Normal), Lane::Ready(Priority::Low)];

    /// Where a job waits with so many crashes.
    pub(super) fn of(envelope: &Envelope, suspect: u32) -> Self {
        if envelope.crashes >= suspect { Lane::Trial } else { Lane::Ready(envelope.priority) }
    }
}
