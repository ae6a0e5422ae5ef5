//! One leader among replicas: `cargo run --example lease`, and in another terminal, in the same folder,
//! `METRICS_PORT=8081 cargo run --example lease`. One of them ticks; stop it, or `kill -9` it, and the other does.
//!
//! They agree over the SQLite file `clock.db`; with `DATABASE_URL=postgres://…` they do over Postgres, on as many
//! machines as you like.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::config::FromConfig;
use groundcrew::lease::LeaseConfig;
use groundcrew::sql::SqlConfig;
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    database: SqlConfig,
    lease: LeaseConfig,
    /// How often the clock ticks.
    #[config(default = "1s")]
    period: Duration,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let database = config.database.connect(&crew).await?;
    let lease = config.lease.database("clock", &crew, &database)?;
    lease.run(move |leadership| async move {
        // Begins where the lease is won, and is dropped where it is lost.
        tracing::info!(lease.epoch = leadership.epoch(), "this is the clock now");
        while leadership.unless_ending(tokio::time::sleep(config.period)).await.is_some() {
            tracing::info!(lease.epoch = leadership.epoch(), "tick");
        }
    });
    Ok(())
}

fn main() -> ExitCode {
    Service::new("clock", env!("CARGO_PKG_VERSION")).run(start)
}
