//! Jobs with Groundcrew: the same work as `raw-lapin`, over the backend that the variable `BENCH_MODE` names.
//!
//! `ours-jobs URL JOBS BYTES` prints one line of JSON. With `once`, each job adds a row to the database in
//! `BENCH_DATABASE_URL`, exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use benches::jobs::Work;
use groundcrew::Crew;
use groundcrew::amqp::AmqpConfig;
use groundcrew::jobs::{Attempt, Job, JobError, Jobs, JobsConfig};
use groundcrew::sql::{Postgres, SqlConfig, sqlx};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Jobs that are handed to the publisher at a time.
const CHUNK: u64 = 1024;

/// What every job is handed.
#[derive(Clone)]
struct App {
    left: Arc<AtomicU64>,
    done: Arc<Notify>,
    effects: Option<Postgres>,
}

#[derive(Serialize, Deserialize)]
struct Touch {
    text: String,
}

impl Job for Touch {
    const NAME: &'static str = "touch";
    type Context = App;

    async fn run(self, app: App, attempt: Attempt) -> Result<(), JobError> {
        if let Some(postgres) = &app.effects {
            let Some(mut transaction) = attempt.begin_once(postgres).await? else { return Ok(()) };
            sqlx::query("INSERT INTO effects (text) VALUES ($1)")
                .bind(self.text)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        if app.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            app.done.notify_one();
        }
        Ok(())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let work = Work::from_arguments()?;
    let mode = std::env::var("BENCH_MODE").context("BENCH_MODE is missing")?;
    let crew = Crew::builder("bench", "0.0.0").in_kubernetes(false).build();
    let config = JobsConfig { concurrency: 64, prefetch: 512, ..JobsConfig::default() };
    let mut app = App { left: Arc::new(AtomicU64::new(work.jobs)), done: Arc::default(), effects: None };

    let jobs: Jobs<App> = match mode.as_str() {
        "amqp" => {
            let amqp = AmqpConfig::of(&work.url).connect(&crew).await?;
            config.connect_amqp(&crew, &amqp).await?
        }
        "once" => {
            let url = std::env::var("BENCH_DATABASE_URL").context("BENCH_DATABASE_URL is missing")?;
            let postgres = SqlConfig::of(url).connect_postgres(&crew).await?;
            sqlx::query("CREATE TABLE effects (text TEXT NOT NULL)").execute(&postgres).await?;
            app.effects = Some(postgres.clone());
            let amqp = AmqpConfig::of(&work.url).connect(&crew).await?;
            config.connect_through(&crew, Some(&amqp), &postgres).await?
        }
        "postgres" | "sqlite" => {
            let database = SqlConfig::of(&work.url).connect(&crew).await?;
            config.connect(&crew, &database).await?
        }
        other => anyhow::bail!("BENCH_MODE is amqp, once, postgres or sqlite, not {other}"),
    };
    let jobs = jobs.register::<Touch>();
    let publisher = jobs.publisher();

    let measured = work.measure();
    jobs.run(app.clone());
    let text = "x".repeat(work.bytes);
    let mut left = work.jobs;
    while left > 0 {
        let chunk: Vec<Touch> = (0..left.min(CHUNK)).map(|_| Touch { text: text.clone() }).collect();
        left -= chunk.len() as u64;
        publisher.enqueue_many(&chunk).await?;
    }
    app.done.notified().await;
    measured.print();
    crew.land().await;
    Ok(())
}
