//! The job of the ledger scenario, for the process that enqueues it and for those that run it.

use groundcrew::jobs::{Attempt, Job, JobError, Policy};
use groundcrew::runtime::Backoff;
use groundcrew::sql::{Postgres, sqlx};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The name of the service: publisher and workers find each other by it.
pub const SERVICE: &str = "job-worker";

/// Nothing keeps a second row of one id out: a doubled effect is there to be seen.
pub const TABLE: &str = "CREATE TABLE effects (id TEXT NOT NULL)";

/// What the jobs are handed.
#[derive(Clone)]
pub struct App {
    /// Where the effects go.
    pub postgres: Postgres,
    /// Whether the effect and its mark are one transaction.
    pub inbox: bool,
}

/// Adds one row.
#[derive(Debug, Serialize, Deserialize)]
pub struct Count {
    /// Its name in the ledger.
    pub id: String,
}

impl Job for Count {
    const NAME: &'static str = "count";
    type Context = App;

    /// Attempts come soon: the database is up, and a failure is one of the scenario's own.
    fn policy() -> Policy {
        Policy::default().backoff(Backoff::new(Duration::from_millis(50), Duration::from_secs(1)))
    }

    async fn run(self, app: App, attempt: Attempt) -> Result<(), JobError> {
        let insert = sqlx::query("INSERT INTO effects VALUES ($1)").bind(self.id);
        if !app.inbox {
            insert.execute(&app.postgres).await?;
            return Ok(());
        }
        let Some(mut transaction) = attempt.begin_once(&app.postgres).await? else { return Ok(()) };
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}
