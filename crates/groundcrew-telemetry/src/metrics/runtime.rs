//! What a tokio runtime says about itself.

use super::{Kind, Metrics, MetricsError};
use tokio::runtime::{Handle, RuntimeMetrics};

pub(crate) fn watch(metrics: &Metrics, runtime: &Handle) -> Result<(), MetricsError> {
    type Read = fn(&RuntimeMetrics) -> f64;
    let values: [(Kind, &str, &str, Read); 4] = [
        (Kind::Gauge, "tokio_workers", "Worker threads of the runtime.", |m| m.num_workers() as f64),
        (Kind::Gauge, "tokio_alive_tasks", "Tasks that have not ended.", |m| m.num_alive_tasks() as f64),
        (Kind::Gauge, "tokio_global_queue_depth", "Tasks in the queue that all workers share.", |m| {
            m.global_queue_depth() as f64
        }),
        (
            Kind::Counter,
            "tokio_workers_busy_seconds_total",
            "Time that all workers together spent on tasks.",
            busy_seconds,
        ),
    ];
    for (kind, name, help, read) in values {
        let runtime = runtime.metrics();
        metrics.pull(kind, name, help, &[], move || read(&runtime))?;
    }
    Ok(())
}

#[cfg(target_has_atomic = "64")]
fn busy_seconds(metrics: &RuntimeMetrics) -> f64 {
    let workers = 0..metrics.num_workers();
    workers.map(|worker| metrics.worker_total_busy_duration(worker).as_secs_f64()).sum()
}

#[cfg(not(target_has_atomic = "64"))]
fn busy_seconds(_: &RuntimeMetrics) -> f64 {
    0.0
}
