//! Parcels that are packed later: `cargo run --example jobs`, then `curl -X POST http://127.0.0.1:5000/parcels/7`.
//! `kill -9` it meanwhile: it goes on where it was. Parcel 0 has no address: after three attempts it is dead, and waits
//! for `cargo run --example jobs -- jobs list`, and `-- jobs requeue --all` or `-- jobs discard --all`.
//!
//! Jobs are kept in `packing.db`. With `RABBITMQ_URL=amqp://guest:guest@localhost` they go through RabbitMQ.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::amqp::AmqpConfig;
use groundcrew::axum::extract::{Path, State};
use groundcrew::axum::{Router, routing::post};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem, StatusCode};
use groundcrew::jobs::{Attempt, Job, JobError, JobsConfig, Policy, Publisher};
use groundcrew::sql::SqlConfig;
use groundcrew::{Crew, Service};
use serde::{Deserialize, Serialize};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    database: SqlConfig,
    rabbitmq: AmqpConfig,
    jobs: JobsConfig,
}

#[derive(Serialize, Deserialize)]
struct Pack {
    parcel: u64,
}

impl Job for Pack {
    const NAME: &'static str = "pack";
    type Context = (); // pools and clients, usually

    fn policy() -> Policy {
        Policy::default().max_attempts(3).timeout(Duration::from_secs(60))
    }

    async fn run(self, (): (), attempt: Attempt) -> Result<(), JobError> {
        for layer in attempt.checkpoint()?.unwrap_or(0)..4_u8 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            attempt.progress((layer + 1) * 25, "wrapped in paper");
            attempt.save_checkpoint(&(layer + 1))?;
        }
        if self.parcel == 0 {
            return Err(JobError::retry("there is no address on it"));
        }
        tracing::info!(parcel.id = self.parcel, job.attempt = attempt.number(), "packed");
        Ok(())
    }
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let database = config.database.connect(&crew).await?;
    let rabbitmq = config.rabbitmq.connect_if_configured(&crew).await?;
    let jobs = config.jobs.connect_through(&crew, rabbitmq.as_ref(), &database).await?.register::<Pack>();
    http.serve(Router::new().route("/parcels/{parcel}", post(take)).with_state(jobs.publisher()));
    jobs.run(());
    Ok(())
}

async fn take(State(jobs): State<Publisher>, Path(parcel): Path<u64>) -> Result<StatusCode, Problem> {
    jobs.enqueue(&Pack { parcel }).await.map_err(|error| {
        tracing::error!(%error, "the parcel is not taken");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_TAKEN").retry_after(5)
    })?;
    Ok(StatusCode::ACCEPTED)
}

fn main() -> ExitCode {
    Service::new("packing", env!("CARGO_PKG_VERSION")).run(start)
}
