use std::collections::HashMap;

use groundcrew_telemetry::{Metrics, MetricsError};
use jiff::Timestamp;
use prometheus::{Histogram, IntCounter};

/// The names of the metrics of schedules, for dashboards and alerts.
pub mod names {
    /// Counter with `schedule`: moments for which a job was enqueued.
    pub const FIRED: &str = "schedule_fired_total";
    /// Counter with `schedule`: moments that passed, and by the policy for those have no job.
    pub const MISSED: &str = "schedule_missed_total";
    /// Histogram: how long after its moment a job was enqueued, in seconds.
    pub const LATENESS: &str = "schedule_lateness_seconds";
}

pub(crate) const BUCKETS: &[f64] =
    &[0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0];

/// What is counted, by the process that keeps the schedules.
#[derive(Debug)]
pub(super) struct ScheduleMetrics {
    lateness: Histogram,
    counters: HashMap<&'static str, (IntCounter, IntCounter)>,
}

// === impl ScheduleMetrics ===

impl ScheduleMetrics {
    pub(super) fn register(
        metrics: &Metrics,
        schedules: impl Iterator<Item = &'static str>,
    ) -> Result<Self, MetricsError> {
        let fired = metrics.counters(names::FIRED, "Moments with a job.", ["schedule"])?;
        let missed = metrics.counters(names::MISSED, "Moments that passed without a job.", ["schedule"])?;
        let lateness = metrics.histogram(names::LATENESS, "How late jobs were enqueued.", BUCKETS)?;
        let counters = schedules.map(|name| (name, (fired.handle([name]), missed.handle([name])))).collect();
        Ok(Self { lateness, counters })
    }

    pub(super) fn done(&self, name: &str, fired: &[Timestamp], missed: usize, now: Timestamp) {
        let Some((with_job, without)) = self.counters.get(name) else { return };
        with_job.inc_by(fired.len() as u64);
        without.inc_by(missed as u64);
        for due in fired {
            self.lateness.observe(now.duration_since(*due).as_secs_f64().max(0.0));
        }
    }
}
