//! What a crew looks after: `cargo run --example runtime`, then <http://127.0.0.1:8080/ready> and
//! <http://127.0.0.1:8080/tasks>; `Ctrl+C` shows the receipt.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use groundcrew::config::FromConfig;
use groundcrew::runtime::{Backoff, CheckPolicy, Outcome, Phase, Restart};
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    /// How many pages the clerk writes before the pen breaks.
    #[config(default = 5, range = 1..=1000)]
    pages_per_pen: u64,
}

async fn start(config: Config, crew: Crew) -> Result<(), std::io::Error> {
    let written = Arc::new(AtomicU64::new(0));
    let office = crew.gate("office"); // `/ready` is 503 until it opens

    let pages = written.clone();
    crew.task("clerk", Restart::Always(Backoff::default()), move |stop| {
        let pages = pages.clone();
        async move {
            for _ in 0..config.pages_per_pen {
                if stop.unless(tokio::time::sleep(Duration::from_millis(200))).await.is_none() {
                    return Ok(());
                }
                pages.fetch_add(1, Relaxed);
            }
            Err(std::io::Error::other("the pen broke")) // comes back with another, a little later
        }
    });

    let pages = written.clone();
    crew.check("ink", CheckPolicy::degraded(), move || {
        let level = 1000_u64.saturating_sub(pages.load(Relaxed));
        async move { if level > 0 { Ok(()) } else { Err("the ink is used up") } }
    })
    .keep();

    crew.on_shutdown(Phase::Flush, "ledger", move |_scope| async move {
        Outcome::finished(format!("{} pages bound", written.load(Relaxed)))
    });

    office.open();
    Ok(())
}

fn main() -> ExitCode {
    Service::new("office", env!("CARGO_PKG_VERSION")).run(start)
}
