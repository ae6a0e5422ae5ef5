//! Logs, metrics and the ids of a request: `cargo run --example telemetry`, then look at
//! <http://127.0.0.1:8080/metrics>.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::config::FromConfig;
use groundcrew::runtime::{Backoff, Restart};
use groundcrew::telemetry::{Context, DURATION_BUCKETS, MetricsError, Timer, track_performance};
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    /// How long one parcel takes.
    #[config(default = "500ms")]
    parcel: Duration,
}

async fn start(config: Config, crew: Crew) -> Result<(), MetricsError> {
    let sent = crew.metrics().counters("parcels_total", "Parcels sent, by destination.", ["destination"])?;
    let help = "How long a parcel took, by how it ended.";
    let took = Timer::register(crew.metrics(), "parcel_duration_seconds", help, DURATION_BUCKETS)?;
    let north = sent.handle(["north"]); // looked up once, kept by who counts

    crew.task("parcels", Restart::Always(Backoff::default()), move |stop| {
        let (north, took) = (north.clone(), took.clone());
        async move {
            while !stop.is_requested() {
                // Every line inside carries the same ids, and the deadline is there for whoever asks.
                let context = Context::random().with_timeout(Duration::from_secs(5)).into_arc();
                let parcel = track_performance(&took, async {
                    stop.unless(tokio::time::sleep(config.parcel)).await.ok_or("stopped on the way")
                });
                match context.scope(parcel).await {
                    Ok(()) => north.inc(),
                    Err(error) => tracing::warn!(error, "the parcel was not sent"),
                }
                tracing::info!(parcels.sent = north.get(), "a parcel");
            }
            Ok::<(), std::io::Error>(())
        }
    });
    Ok(())
}

fn main() -> ExitCode {
    Service::new("parcels", env!("CARGO_PKG_VERSION")).run(start)
}
