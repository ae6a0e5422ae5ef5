//! How long a future took, and how it ended.

use super::{Metrics, MetricsError};
use prometheus::Histogram;
use std::future::Future;
use std::time::Instant;

/// Where the durations of one kind of work go, by how it ended; in seconds.
#[derive(Debug, Clone)]
pub struct Timer {
    success: Histogram,
    error: Histogram,
    cancelled: Histogram,
}

/// A measurement that runs; as cancelled, unless it is told otherwise before it is dropped.
struct Running<'a> {
    timer: &'a Timer,
    start: Instant,
    ended: Option<&'a Histogram>,
}

// === impl Timer ===

impl Timer {
    /// A histogram `name` with the label `status`: `success`, `error` or `cancelled`.
    pub fn register(
        metrics: &Metrics,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Self, MetricsError> {
        let family = metrics.histograms(name, help, ["status"], buckets)?;
        Ok(Self::new(family.handle(["success"]), family.handle(["error"]), family.handle(["cancelled"])))
    }

    /// A timer over histograms that there are already.
    pub fn new(success: Histogram, error: Histogram, cancelled: Histogram) -> Self {
        Self { success, error, cancelled }
    }

    fn start(&self) -> Running<'_> {
        Running { timer: self, start: Instant::now(), ended: None }
    }
}

/// Over one histogram, however the work ended.
impl From<Histogram> for Timer {
    fn from(all: Histogram) -> Self {
        Self::new(all.clone(), all.clone(), all)
    }
}

// === impl Running ===

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let ended = self.ended.unwrap_or(&self.timer.cancelled);
        ended.observe(self.start.elapsed().as_secs_f64());
    }
}

/// Times `future` from its first poll: `Ok` is a success, `Err` an error, and one that is dropped before its
/// end (or panics) was cancelled.
///
/// ```
/// use groundcrew_telemetry::{DURATION_BUCKETS, Metrics, Timer, track_performance};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Metrics::new("bot", "1.0.0");
/// let name = "summary_generation_duration_seconds";
/// let timer = Timer::register(&metrics, name, "Time to make a summary.", DURATION_BUCKETS)?;
/// let length = track_performance(&timer, async { "42".parse::<u32>() }).await?;
/// assert_eq!(length, 42);
/// assert!(metrics.encode().contains(r#"_count{status="success",service="bot"} 1"#));
/// # Ok(()) }
/// ```
pub async fn track_performance<T, E>(
    timer: &Timer,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut running = timer.start();
    let outcome = future.await;
    running.ended = Some(if outcome.is_ok() { &timer.success } else { &timer.error });
    outcome
}

/// Times any `future` from its first poll; whatever it returns is a success.
pub async fn track_time<T>(timer: &Timer, future: impl Future<Output = T>) -> T {
    let mut running = timer.start();
    let output = future.await;
    running.ended = Some(&timer.success);
    output
}
