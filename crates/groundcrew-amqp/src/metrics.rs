mod consumers;

use std::sync::Arc;

use groundcrew_telemetry::{Metrics, MetricsError};
use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use crate::PublishError;
use consumers::Consumers;

pub(crate) use consumers::ConsumerMetrics;

/// The names of the metrics, for dashboards and alerts. Every series has the label `broker`.
pub mod names {
    /// Gauge with `role` (`publish`, `consume`): 1 while that connection is there.
    pub const CONNECTIONS: &str = "amqp_connections";
    /// Counter with `role`: connections that were made, the first included.
    pub const CONNECTS: &str = "amqp_connects_total";
    /// Gauge with `role`: open channels.
    pub const CHANNELS: &str = "amqp_channels";
    /// Gauge: 1 while the broker takes no messages.
    pub const BLOCKED: &str = "amqp_blocked";
    /// Gauge: messages that were sent and are not confirmed yet.
    pub const UNCONFIRMED: &str = "amqp_unconfirmed";
    /// Counter with `outcome`: what publishers were told.
    pub const PUBLISHED: &str = "amqp_published_total";
    /// Counter: messages that the broker sent back because no queue takes them.
    pub const RETURNED: &str = "amqp_returned_total";
    /// Counter with `queue`: messages that consumers were given.
    pub const DELIVERED: &str = "amqp_delivered_total";
    /// Counter with `queue`: those of them that had been given to somebody before.
    pub const REDELIVERED: &str = "amqp_redelivered_total";
    /// Counter with `queue` and `verdict` (`ack`, `requeue`, `reject`): how messages were settled.
    pub const SETTLED: &str = "amqp_settled_total";
    /// Gauge with `queue`: messages that a consumer holds and has not settled.
    pub const UNSETTLED: &str = "amqp_unsettled";
    /// Counter with `queue`: how often a consumer was started again.
    pub const RESTARTS: &str = "amqp_consumer_restarts_total";
    /// Counter with `queue`: handlers that panicked.
    pub const PANICS: &str = "amqp_handler_panics_total";
}

/// What one broker's handle counts.
#[derive(Debug)]
pub(crate) struct AmqpMetrics {
    pub(crate) publish: LineMetrics,
    pub(crate) consume: LineMetrics,
    pub(crate) blocked: IntGauge,
    pub(crate) unconfirmed: IntGauge,
    pub(crate) returned: IntCounter,
    confirmed: IntCounter,
    unroutable: IntCounter,
    nacked: IntCounter,
    refused: IntCounter,
    unavailable: IntCounter,
    unknown: IntCounter,
    consumers: Consumers,
}

/// What one connection counts.
#[derive(Debug, Clone)]
pub(crate) struct LineMetrics {
    pub(crate) connections: IntGauge,
    pub(crate) connects: IntCounter,
    pub(crate) channels: IntGauge,
}

/// Registers metrics with labels of their own.
struct Registrar<'a> {
    metrics: &'a Metrics,
    labels: Vec<(&'static str, String)>,
}

// === impl AmqpMetrics ===

impl AmqpMetrics {
    pub(crate) fn register(metrics: &Metrics, broker: &str) -> Result<Self, MetricsError> {
        let plain = Registrar { metrics, labels: vec![("broker", broker.to_owned())] };
        let outcome = |outcome: &'static str| {
            plain.with("outcome", outcome).counter(names::PUBLISHED, "What publishers were told.")
        };
        Ok(Self {
            publish: LineMetrics::register(&plain.with("role", "publish"))?,
            consume: LineMetrics::register(&plain.with("role", "consume"))?,
            blocked: plain.gauge(names::BLOCKED, "1 while the broker takes no messages.")?,
            unconfirmed: plain.gauge(names::UNCONFIRMED, "Messages sent and not confirmed yet.")?,
            returned: plain.counter(names::RETURNED, "Messages that no queue takes.")?,
            confirmed: outcome("confirmed")?,
            unroutable: outcome("unroutable")?,
            nacked: outcome("nacked")?,
            refused: outcome("blocked")?,
            unavailable: outcome("unavailable")?,
            unknown: outcome("unknown")?,
            consumers: Consumers::register(&plain)?,
        })
    }

    pub(crate) fn published(&self, outcome: &Result<(), PublishError>) {
        match outcome {
            Ok(()) => &self.confirmed,
            Err(PublishError::Unroutable { .. } | PublishError::TooLong { .. }) => &self.unroutable,
            Err(PublishError::Nacked) => &self.nacked,
            Err(PublishError::Blocked { .. } | PublishError::Backpressure { .. }) => &self.refused,
            Err(PublishError::Unavailable { .. }) => &self.unavailable,
            Err(PublishError::Unknown { .. }) => &self.unknown,
        }
        .inc();
    }

    /// The metrics of a queue's consumers, which several may share.
    pub(crate) fn consumer(&self, queue: &str) -> Result<Arc<ConsumerMetrics>, MetricsError> {
        self.consumers.of(queue)
    }
}

// === impl LineMetrics ===

impl LineMetrics {
    fn register(registrar: &Registrar<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            connections: registrar.gauge(names::CONNECTIONS, "1 while the connection is there.")?,
            connects: registrar.counter(names::CONNECTS, "Connections that were made.")?,
            channels: registrar.gauge(names::CHANNELS, "Open channels.")?,
        })
    }
}

// === impl Registrar ===

impl Registrar<'_> {
    fn with(&self, label: &'static str, value: &str) -> Registrar<'_> {
        let mut labels = self.labels.clone();
        labels.push((label, value.to_owned()));
        Registrar { metrics: self.metrics, labels }
    }

    fn opts(&self, name: &str, help: &str) -> Opts {
        let labels = self.labels.iter().map(|(label, value)| ((*label).to_owned(), value.clone()));
        Opts::new(name, help).const_labels(labels.collect())
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.register(name, IntCounter::with_opts(self.opts(name, help)))
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.register(name, IntGauge::with_opts(self.opts(name, help)))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        self.register(name, IntCounterVec::new(self.opts(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.register(name, IntGaugeVec::new(self.opts(name, help), labels))
    }

    fn register<M>(&self, name: &str, made: prometheus::Result<M>) -> Result<M, MetricsError>
    where
        M: Collector + Clone + 'static,
    {
        let made = made.map_err(|source| invalid(name, source))?;
        self.metrics.register(name, made.clone())?;
        Ok(made)
    }
}

fn invalid(name: &str, source: prometheus::Error) -> MetricsError {
    MetricsError::Invalid { name: name.to_owned(), source }
}
