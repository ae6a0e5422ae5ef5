use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use groundcrew_telemetry::Metrics;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, Opts};

use crate::health::Health;
use crate::task::{TaskReport, TaskState, Tasks};
use crate::watchdog::Watchdog;

/// Renders the crew's own state at every scrape; nothing is kept twice.
struct CrewCollector<S> {
    /// One scrape at a time, since each begins anew.
    scrape: Mutex<()>,
    tasks: Arc<Tasks>,
    health: Arc<Health>,
    stalls: S,
    task_running: GaugeVec,
    task_age: GaugeVec,
    task_errors_age: GaugeVec,
    task_restarts: IntCounterVec,
    check_passing: GaugeVec,
    check_latency: GaugeVec,
    ready: prometheus::Gauge,
    runtime_stalls: IntCounter,
}

/// Registers the crew's metrics. A registry that already has them (two crews over one registry, as in some
/// tests) keeps the first.
pub(crate) fn register(metrics: &Metrics, tasks: &Arc<Tasks>, health: &Arc<Health>, watchdog: &Watchdog) {
    match CrewCollector::try_new(tasks.clone(), health.clone(), watchdog.stall_counter()) {
        Ok(collector) => {
            if let Err(error) = metrics.register("crew", collector) {
                tracing::warn!(%error, "the crew's metrics are not registered");
            }
        }
        Err(error) => tracing::warn!(%error, "the crew's metrics are not valid"),
    }
}

impl<S: Fn() -> u64 + Send + Sync> CrewCollector<S> {
    fn try_new(tasks: Arc<Tasks>, health: Arc<Health>, stalls: S) -> prometheus::Result<Self> {
        let gauges = |name: &str, help: &str, label: &str| GaugeVec::new(Opts::new(name, help), &[label]);
        Ok(Self {
            scrape: Mutex::new(()),
            tasks,
            health,
            stalls,
            task_running: gauges("task_running", "Whether a background task runs (1) or not (0).", "task")?,
            task_age: gauges("task_age_seconds", "Age of the present or last run of a task.", "task")?,
            task_errors_age: gauges(
                "task_last_error_age_seconds",
                "How long ago a task last failed; absent while it never has.",
                "task",
            )?,
            task_restarts: IntCounterVec::new(
                Opts::new("task_restarts_total", "How often a background task was started again."),
                &["task"],
            )?,
            check_passing: gauges(
                "health_check_passing",
                "Whether a health check passes after hysteresis (1) or not (0).",
                "check",
            )?,
            check_latency: gauges(
                "health_check_latency_seconds",
                "How long the last run of a health check took.",
                "check",
            )?,
            ready: prometheus::Gauge::new(
                "ready",
                "Whether the service is ready for traffic (1) or not (0).",
            )?,
            runtime_stalls: IntCounter::new(
                "runtime_stalls_total",
                "How often the runtime did not turn for longer than the stall threshold.",
            )?,
        })
    }

    fn families(&self) -> [&dyn Collector; 8] {
        [
            &self.task_running,
            &self.task_age,
            &self.task_errors_age,
            &self.task_restarts,
            &self.check_passing,
            &self.check_latency,
            &self.ready,
            &self.runtime_stalls,
        ]
    }

    fn refresh(&self) {
        // Without those that are gone.
        for gauges in [
            &self.task_running,
            &self.task_age,
            &self.task_errors_age,
            &self.check_passing,
            &self.check_latency,
        ] {
            gauges.reset();
        }
        self.task_restarts.reset();
        for (name, task) in by_name(self.tasks.reports()) {
            let labels = [name.as_str()];
            self.task_running.with_label_values(&labels).set(f64::from(u8::from(task.running)));
            self.task_age.with_label_values(&labels).set(task.age.as_secs_f64());
            self.task_restarts.with_label_values(&labels).inc_by(task.restarts);
            if let Some(age) = task.last_error_at.and_then(|at| at.elapsed().ok()) {
                self.task_errors_age.with_label_values(&labels).set(age.as_secs_f64());
            }
        }
        let readiness = self.health.readiness();
        self.ready.set(f64::from(u8::from(readiness.ready)));
        for check in readiness.checks {
            let labels = [check.name.as_str()];
            self.check_passing.with_label_values(&labels).set(f64::from(u8::from(check.passing)));
            self.check_latency.with_label_values(&labels).set(check.latency.as_secs_f64());
        }
        self.runtime_stalls.reset();
        self.runtime_stalls.inc_by((self.stalls)());
    }
}

/// What the metrics say of a name: of several tasks of one name the worst.
struct Named {
    running: bool,
    age: Duration,
    restarts: u64,
    last_error_at: Option<SystemTime>,
}

fn by_name(reports: Vec<TaskReport>) -> BTreeMap<String, Named> {
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for task in reports {
        let running = task.state == TaskState::Running;
        named
            .entry(task.name)
            .and_modify(|worst| {
                worst.running &= running;
                worst.age = worst.age.min(task.age);
                worst.restarts += task.restarts;
                worst.last_error_at = worst.last_error_at.max(task.last_error_at);
            })
            .or_insert(Named {
                running,
                age: task.age,
                restarts: task.restarts,
                last_error_at: task.last_error_at,
            });
    }
    named
}

impl<S: Fn() -> u64 + Send + Sync> Collector for CrewCollector<S> {
    fn desc(&self) -> Vec<&Desc> {
        self.families().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _alone = self.scrape.lock();
        self.refresh();
        self.families().into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(age: u64, restarts: u64, failed_at: Option<SystemTime>) -> TaskReport {
        TaskReport {
            name: "consumer".to_owned(),
            critical: false,
            state: TaskState::Running,
            restarts,
            last_error: None,
            last_error_at: failed_at,
            age: Duration::from_secs(age),
        }
    }

    #[test]
    fn of_several_tasks_of_one_name_the_youngest_age_all_restarts_and_the_latest_error_count() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        // The middle one, so that neither the first nor the last is enough.
        let named = by_name(vec![consumer(60, 1, at(10)), consumer(5, 2, at(30)), consumer(9, 4, None)]);
        let consumer = &named["consumer"];
        assert_eq!((consumer.age, consumer.restarts), (Duration::from_secs(5), 7));
        assert_eq!(consumer.last_error_at, at(30));
    }
}
