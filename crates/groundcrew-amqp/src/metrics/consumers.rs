use std::sync::Arc;

use groundcrew_telemetry::MetricsError;
use parking_lot::Mutex;
use prometheus::core::{MetricVec, MetricVecBuilder};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{Registrar, invalid, names};

/// The counts of so many queues are kept that nobody consumes any more, for scrapes that are still to come.
const KEPT: usize = 64;

/// What the consumers of all queues count.
#[derive(Debug)]
pub(super) struct Consumers {
    families: Families,
    /// By queue; the one that was asked for last stands last.
    known: Mutex<Vec<(String, Arc<ConsumerMetrics>)>>,
}

/// What the consumers of one queue count.
#[derive(Debug)]
pub(crate) struct ConsumerMetrics {
    pub(crate) delivered: IntCounter,
    pub(crate) redelivered: IntCounter,
    pub(crate) acked: IntCounter,
    pub(crate) requeued: IntCounter,
    pub(crate) rejected: IntCounter,
    pub(crate) unsettled: IntGauge,
    pub(crate) restarts: IntCounter,
    pub(crate) panics: IntCounter,
}

/// One series each for every queue.
#[derive(Debug)]
struct Families {
    delivered: IntCounterVec,
    redelivered: IntCounterVec,
    settled: IntCounterVec,
    unsettled: IntGaugeVec,
    restarts: IntCounterVec,
    panics: IntCounterVec,
}

// === impl Consumers ===

impl Consumers {
    pub(super) fn register(plain: &Registrar<'_>) -> Result<Self, MetricsError> {
        Ok(Self { families: Families::register(plain)?, known: Mutex::default() })
    }

    /// The metrics of one queue; the oldest of those that nobody consumes go.
    pub(super) fn of(&self, queue: &str) -> Result<Arc<ConsumerMetrics>, MetricsError> {
        let mut known = self.known.lock();
        let metrics = match known.iter().position(|(name, _)| name == queue) {
            Some(at) => known.remove(at).1,
            None => Arc::new(self.families.of(queue)?),
        };
        known.push((queue.to_owned(), metrics.clone()));
        // Nobody else gets one meanwhile: they come from here.
        let is_idle = |metrics: &Arc<ConsumerMetrics>| Arc::strong_count(metrics) == 1;
        let idle = known.iter().filter(|(_, metrics)| is_idle(metrics)).count();
        let mut surplus = idle.saturating_sub(KEPT);
        known.retain(|(queue, metrics)| {
            let goes = surplus > 0 && is_idle(metrics);
            if goes {
                surplus -= 1;
                self.families.forget(queue);
            }
            !goes
        });
        Ok(metrics)
    }
}

// === impl Families ===

impl Families {
    fn register(plain: &Registrar<'_>) -> Result<Self, MetricsError> {
        let counters = |name, help| plain.counters(name, help, &["queue"]);
        Ok(Self {
            delivered: counters(names::DELIVERED, "Messages that consumers were given.")?,
            redelivered: counters(names::REDELIVERED, "Messages that were given to somebody before.")?,
            settled: plain.counters(names::SETTLED, "Messages settled.", &["queue", "verdict"])?,
            unsettled: plain.gauges(names::UNSETTLED, "Messages held and not settled.", &["queue"])?,
            restarts: counters(names::RESTARTS, "Consumers that were started again.")?,
            panics: counters(names::PANICS, "Handlers that panicked.")?,
        })
    }

    fn of(&self, queue: &str) -> Result<ConsumerMetrics, MetricsError> {
        let settled = |verdict| member(&self.settled, names::SETTLED, &[queue, verdict]);
        Ok(ConsumerMetrics {
            delivered: member(&self.delivered, names::DELIVERED, &[queue])?,
            redelivered: member(&self.redelivered, names::REDELIVERED, &[queue])?,
            acked: settled("ack")?,
            requeued: settled("requeue")?,
            rejected: settled("reject")?,
            unsettled: member(&self.unsettled, names::UNSETTLED, &[queue])?,
            restarts: member(&self.restarts, names::RESTARTS, &[queue])?,
            panics: member(&self.panics, names::PANICS, &[queue])?,
        })
    }

    fn forget(&self, queue: &str) {
        for family in [&self.delivered, &self.redelivered, &self.restarts, &self.panics] {
            // What is not there need not go.
            let _gone = family.remove_label_values(&[queue]);
        }
        for verdict in ["ack", "requeue", "reject"] {
            let _gone = self.settled.remove_label_values(&[queue, verdict]);
        }
        let _gone = self.unsettled.remove_label_values(&[queue]);
    }
}

fn member<B: MetricVecBuilder>(
    family: &MetricVec<B>,
    name: &str,
    values: &[&str],
) -> Result<B::M, MetricsError> {
    family.get_metric_with_label_values(values).map_err(|source| invalid(name, source))
}

#[cfg(test)]
mod tests {
    use groundcrew_telemetry::Metrics;

    use super::*;
    use crate::metrics::AmqpMetrics;

    fn amqp() -> (Metrics, AmqpMetrics) {
        let metrics = Metrics::new("parcels", "1.0.0");
        let amqp = AmqpMetrics::register(&metrics, "amqp").expect("registered");
        (metrics, amqp)
    }

    #[test]
    fn of_the_queues_that_nobody_consumes_any_more_the_oldest_are_forgotten() {
        let (metrics, amqp) = amqp();
        let consumed = amqp.consumer("orders").expect("metrics");
        for n in 0..=KEPT + 10 {
            drop(amqp.consumer(&format!("reply-{n}")).expect("metrics"));
        }
        let text = metrics.encode();
        // The last one was not dropped yet when they were looked through.
        let series =
            |queue: &str| text.lines().filter(|line| line.contains(&format!("queue=\"{queue}\""))).count();
        assert_eq!((series("orders"), series(&format!("reply-{}", KEPT + 10))), (8, 8), "{text}");
        assert_eq!((series("reply-9"), series("reply-10")), (0, 8), "{text}");
        drop(consumed);
    }

    #[test]
    fn the_counts_of_a_queue_go_on_when_it_is_consumed_again() {
        let (metrics, amqp) = amqp();
        for _ in 0..2 {
            amqp.consumer("orders").expect("metrics").delivered.inc();
        }
        let text = metrics.encode();
        let line = text.lines().find(|line| line.starts_with("amqp_delivered_total{")).expect("a series");
        assert!(line.ends_with(" 2"), "{line}");
    }
}
