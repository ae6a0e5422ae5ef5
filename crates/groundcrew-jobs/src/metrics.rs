use std::collections::HashMap;
use std::time::Duration;

use groundcrew_telemetry::{CounterFamily, GaugeFamily, HistogramFamily, Metrics, MetricsError};
use parking_lot::Mutex;
use prometheus::{Histogram, IntCounter, IntGauge};

use crate::{QueueStat, State};

/// The names of the metrics, for dashboards and alerts.
pub mod names {
    /// Gauge with `job`, `state` (`ready`, `scheduled`, `running`, `dead`): how many jobs there are.
    pub const DEPTH: &str = "jobs_queue_depth";
    /// Gauge with `job`: for how long the oldest job that may run has been waiting, in seconds.
    pub const OLDEST: &str = "jobs_oldest_age_seconds";
    /// Histogram with `job`: how long attempts took, in seconds.
    pub const DURATION: &str = "job_duration_seconds";
    /// Counter with `job`: attempts that began.
    pub const ATTEMPTS: &str = "job_attempts_total";
    /// Counter with `job`, `outcome` (`done`, `cancelled`, `retry`, `snoozed`, `handed_back`, `dead`).
    pub const OUTCOMES: &str = "job_outcomes_total";
    /// Counter with `job`: jobs that were enqueued; in a transaction when they are written, whatever becomes of it.
    pub const ENQUEUED: &str = "jobs_enqueued_total";
    /// Gauge: jobs that wait in the outbox for the broker.
    pub const OUTBOX: &str = "jobs_outbox_pending";
    /// Gauge: for how long the oldest of them has been waiting, in seconds.
    pub const OUTBOX_OLDEST: &str = "jobs_outbox_oldest_age_seconds";
}

/// Upper bounds of the buckets of [`names::DURATION`], in seconds.
pub const JOB_BUCKETS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// What is counted.
#[derive(Debug)]
pub(crate) struct JobMetrics {
    depth: GaugeFamily<2>,
    oldest: GaugeFamily<1>,
    durations: HistogramFamily<1>,
    attempts: CounterFamily<1>,
    outcomes: CounterFamily<2>,
    pub(crate) enqueued: CounterFamily<1>,
    /// Gauges that were set: what is not there any more becomes 0.
    shown: Mutex<HashMap<(String, State), IntGauge>>,
}

/// The handles of one job.
#[derive(Debug, Clone)]
pub(crate) struct OneJob {
    pub(crate) duration: Histogram,
    pub(crate) attempts: IntCounter,
    outcomes: [(&'static str, IntCounter); 6],
}

// === impl JobMetrics ===

impl JobMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let job = ["job"];
        Ok(Self {
            depth: metrics.gauges(names::DEPTH, "Jobs by state.", ["job", "state"])?,
            oldest: metrics.gauges(names::OLDEST, "How long the oldest ready job has been waiting.", job)?,
            durations: metrics.histograms(names::DURATION, "How long attempts took.", job, JOB_BUCKETS)?,
            attempts: metrics.counters(names::ATTEMPTS, "Attempts that began.", job)?,
            outcomes: metrics.counters(names::OUTCOMES, "How deliveries ended.", ["job", "outcome"])?,
            enqueued: metrics.counters(names::ENQUEUED, "Jobs that were enqueued.", job)?,
            shown: Mutex::default(),
        })
    }

    pub(crate) fn job(&self, name: &str) -> OneJob {
        OneJob {
            duration: self.durations.handle([name]),
            attempts: self.attempts.handle([name]),
            outcomes: crate::Ending::NAMES.map(|outcome| (outcome, self.outcomes.handle([name, outcome]))),
        }
    }

    pub(crate) fn show(&self, stats: &[QueueStat]) {
        let mut shown = self.shown.lock();
        for ((name, state), gauge) in shown.iter() {
            gauge.set(0);
            if *state == State::Ready {
                self.oldest.handle([name]).set(0);
            }
        }
        for stat in stats {
            let place = (stat.name.clone(), stat.state);
            let gauge =
                shown.entry(place).or_insert_with(|| self.depth.handle([&stat.name, stat.state.name()]));
            gauge.set(i64::try_from(stat.count).unwrap_or(i64::MAX));
            if stat.state == State::Ready {
                self.oldest.handle([&stat.name]).set(seconds(stat.oldest));
            }
        }
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

// === impl OneJob ===

impl OneJob {
    pub(crate) fn ended(&self, outcome: &str) {
        if let Some((_, counter)) = self.outcomes.iter().find(|(name, _)| *name == outcome) {
            counter.inc();
        }
    }
}
