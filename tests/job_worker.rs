//! A worker whose jobs have one effect each: a row in Postgres. Killed again and again by `jobs_ledger`.

use std::process::ExitCode;

use groundcrew::amqp::AmqpConfig;
use groundcrew::config::FromConfig;
use groundcrew::jobs::{Jobs, JobsConfig};
use groundcrew::sql::SqlConfig;
use groundcrew::{Crew, Service};
use scenarios::ledger_job::{App, Count, SERVICE};

#[derive(FromConfig)]
struct Config {
    database: SqlConfig,
    rabbitmq: AmqpConfig,
    jobs: JobsConfig,
    /// Whether the effect and its mark are one transaction. Off for the control.
    #[config(default = true)]
    inbox: bool,
}

fn main() -> ExitCode {
    Service::new(SERVICE, env!("CARGO_PKG_VERSION")).run(start)
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let postgres = config.database.connect_postgres(&crew).await?;
    let amqp = config.rabbitmq.connect_if_configured(&crew).await?;
    let jobs: Jobs<App> = config.jobs.connect_through(&crew, amqp.as_ref(), &postgres).await?;
    jobs.register::<Count>().run(App { postgres, inbox: config.inbox });
    eprintln!("works"); // what the scenario waits for
    Ok(())
}
