use groundcrew_telemetry::{CounterFamily, GaugeFamily, Metrics, MetricsError};
use jiff::Timestamp;
use prometheus::Histogram;

/// The names of the metrics of the timetable, for dashboards and alerts.
pub mod names {
    /// Counter with `job`: moments for which a job was enqueued.
    pub const FIRED: &str = "timetable_fired_total";
    /// Counter with `job`: moments that passed, and by the policy for those have no job.
    pub const MISSED: &str = "timetable_missed_total";
    /// Histogram: how long after its moment a job was enqueued, in seconds.
    pub const LATENESS: &str = "timetable_lateness_seconds";
    /// Gauge with `state` (`waiting`, `paused`, `over`): how many plans there are.
    pub const PLANS: &str = "timetable_plans";
}

/// What is counted, by the process that keeps the timetable.
#[derive(Debug)]
pub(super) struct TimetableMetrics {
    fired: CounterFamily<1>,
    missed: CounterFamily<1>,
    lateness: Histogram,
    plans: GaugeFamily<1>,
}

// === impl TimetableMetrics ===

impl TimetableMetrics {
    pub(super) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let buckets = crate::schedules::LATENESS_BUCKETS;
        Ok(Self {
            fired: metrics.counters(names::FIRED, "Moments of plans with a job.", ["job"])?,
            missed: metrics.counters(
                names::MISSED,
                "Moments of plans that passed without a job.",
                ["job"],
            )?,
            lateness: metrics.histogram(names::LATENESS, "How late jobs of plans were enqueued.", buckets)?,
            plans: metrics.gauges(names::PLANS, "Plans by state.", ["state"])?,
        })
    }

    pub(super) fn done(&self, job: &str, fired: &[Timestamp], missed: usize, now: Timestamp) {
        self.fired.handle([job]).inc_by(fired.len() as u64);
        self.missed.handle([job]).inc_by(missed as u64);
        for due in fired {
            self.lateness.observe(now.duration_since(*due).as_secs_f64().max(0.0));
        }
    }

    pub(super) fn show(&self, counts: [Option<i64>; 3]) {
        for (state, count) in ["waiting", "paused", "over"].into_iter().zip(counts) {
            self.plans.handle([state]).set(count.unwrap_or_default());
        }
    }
}
