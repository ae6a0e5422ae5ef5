//! A database that is backed up while it is written: `cargo run --example backup`, and meanwhile, in the same folder,
//! `cargo run --example backup -- backup`, `-- backup list` and `-- backup verify`. Then
//! `-- restore latest --into sqlite:elsewhere.db`; or stop it, and `-- restore latest --force`.
//!
//! Backups are kept in `backups`. With the feature `backup-s3` and `STORAGE_BACKEND=s3` they go into a bucket.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::config::FromConfig;
use groundcrew::runtime::{Backoff, Restart};
use groundcrew::sql::SqlConfig;
use groundcrew::{Crew, Service};

/// The section `backup` is there without being named here.
#[derive(FromConfig)]
struct Config {
    database: SqlConfig,
    /// How often the thermometer is read.
    #[config(default = "10ms")]
    period: Duration,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let database = config.database.connect_sqlite(&crew).await?;
    let table = "CREATE TABLE IF NOT EXISTS readings (id INTEGER PRIMARY KEY, celsius REAL NOT NULL)";
    sqlx::query(table).execute(&database).await?;
    crew.task("thermometer", Restart::Always(Backoff::default()), move |stop| {
        let database = database.clone();
        async move {
            while stop.unless(tokio::time::sleep(config.period)).await.is_some() {
                let reading = sqlx::query("INSERT INTO readings (celsius) VALUES (random() % 400 / 10.0)");
                reading.execute(&database).await?;
            }
            Ok::<(), sqlx::Error>(())
        }
    });
    Ok(())
}

fn main() -> ExitCode {
    Service::new("weather-station", env!("CARGO_PKG_VERSION")).run(start)
}
