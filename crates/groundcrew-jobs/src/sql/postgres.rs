//! Jobs in Postgres: taken with SKIP LOCKED, by the server's clock, woken by NOTIFY and polled all the same.

mod dead;
mod enqueue;
mod lanes;
mod reserve;
mod settle;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_runtime::{Backoff, Crew, Restart, Stop};
use groundcrew_sql::Postgres;
use groundcrew_sql::sqlx::{self, Error};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::rows;
use crate::{
    Ask, Backend, BackendError, Beat, DeadJob, DeadQuery, Delivery, Enqueued, Envelope, JobId, NewJob,
    QueueStat, Retention, Selection, Settlement, Unsettled,
};

pub(super) use enqueue::insert;
use lanes::Lanes;
pub(super) use sweep::sweep_effects;

pub(super) const NAME: &str = "Postgres";
/// What is notified when jobs come.
const CHANNEL: &str = "groundcrew_jobs";
const NOTIFY: &str = "SELECT pg_notify('groundcrew_jobs', '')";
/// After so long without a word the listener asks whether its connection lives.
const SILENCE: Duration = Duration::from_secs(30);
/// How long that answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Microseconds since 1970, when the transaction began: stable, so that an index can be used with it.
macro_rules! now {
    () => {
        "(extract(epoch FROM now()) * 1000000)::bigint"
    };
}
pub(super) use now;

/// Jobs in Postgres.
#[derive(Debug)]
pub(crate) struct PostgresJobs {
    postgres: Postgres,
    woken: Arc<Notify>,
    lanes: Lanes,
}

// === impl PostgresJobs ===

impl PostgresJobs {
    pub(crate) fn start(crew: &Crew, postgres: Postgres) -> Self {
        let woken = Arc::new(Notify::new());
        let (listening, rouse) = (postgres.clone(), woken.clone());
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        crew.task("jobs listener", Restart::Always(backoff), move |stop| {
            listen(listening.clone(), rouse.clone(), stop)
        });
        Self { postgres, woken, lanes: Lanes::default() }
    }
}

/// A hint only: what is lost while it cannot connect is found by polling.
async fn listen(postgres: Postgres, woken: Arc<Notify>, stop: Stop) -> Result<(), Error> {
    let hear = async {
        let mut listener = match postgres.listener().await {
            Err(Error::Configuration(why)) => {
                tracing::info!(%why, "new jobs are found by looking for them");
                return std::future::pending().await;
            }
            listener => listener?,
        };
        listener.listen(CHANNEL).await?;
        loop {
            // Also for what came before it listened, and after it was cut off, which it says with `None`.
            woken.notify_one();
            while let Ok(heard) = timeout(SILENCE, listener.try_recv()).await {
                heard?;
                woken.notify_one();
            }
            let lives = sqlx::query("SELECT 1").execute(&mut listener);
            timeout(ANSWER, lives).await.map_err(|_| Error::Io(std::io::ErrorKind::TimedOut.into()))??;
        }
    };
    stop.unless(Box::pin(hear)).await.unwrap_or(Ok(()))
}

fn unavailable(action: &'static str) -> impl Fn(Error) -> BackendError {
    move |error| BackendError::Unavailable { backend: NAME, action, cause: error.to_string() }
}

fn unreadable(cause: String) -> BackendError {
    BackendError::Unavailable { backend: NAME, action: "read jobs", cause }
}

// === impl Backend for PostgresJobs ===

impl Backend for PostgresJobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sql(&self) -> Option<&'static str> {
        Some(NAME)
    }

    fn accepts(&self, job: &Envelope) -> Result<(), BackendError> {
        rows::refuse(job, NAME)
    }

    fn enqueue<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Vec<Result<Enqueued, BackendError>>> {
        async move { enqueue::enqueue(&self.postgres, jobs).await }.boxed()
    }

    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>> {
        async move {
            let rows = self.lanes.reserve(&self.postgres, ask).await;
            let rows = rows.map_err(unavailable("reserve jobs"))?;
            let got: Result<Vec<_>, _> = rows.into_iter().map(rows::delivery).collect();
            let mut got = got.map_err(unreadable)?;
            got.sort_by_key(|job| (-job.envelope.priority.number(), job.envelope.id));
            Ok(got)
        }
        .boxed()
    }

    fn wait(&self, at_most: Duration) -> BoxFuture<'_, ()> {
        async move {
            let _either = tokio::time::timeout(at_most, self.woken.notified()).await;
        }
        .boxed()
    }

    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>> {
        async move {
            let settled = settle::settle(&self.postgres, &batch).await.map_err(unavailable("settle jobs"));
            settled.map_err(|error| Unsettled { left: batch, error })
        }
        .boxed()
    }

    fn heartbeat(
        &self,
        beats: Vec<Beat>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<JobId>, BackendError>> {
        async move {
            let sent: Vec<JobId> = beats.iter().map(|beat| beat.id).collect();
            let kept = settle::heartbeat(&self.postgres, beats, lease).await;
            let kept = kept.map_err(unavailable("prolong leases"))?;
            let kept: Vec<JobId> = kept.iter().filter_map(|id| id.parse().ok()).collect();
            Ok(sent.into_iter().filter(|id| !kept.contains(id)).collect())
        }
        .boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>> {
        // The time once, and not for every row.
        const QUERY: &str = concat!(
            "WITH t AS MATERIALIZED (SELECT ",
            now!(),
            " AS now)
             SELECT name, CASE WHEN state = 2 THEN 2::smallint WHEN due_at <= t.now THEN 0::smallint
                    WHEN state = 1 THEN 1::smallint ELSE 3::smallint END AS stands,
                    count(*), max(t.now - due_at)
             FROM groundcrew_jobs, t GROUP BY 1, 2"
        );
        async move {
            let rows: Vec<rows::StatRow> =
                sqlx::query_as(QUERY).fetch_all(&self.postgres).await.map_err(unavailable("count jobs"))?;
            Ok(rows.into_iter().map(rows::stat).collect())
        }
        .boxed()
    }

    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>> {
        async move {
            let rows = dead::list(&self.postgres, &query).await.map_err(unavailable("list dead jobs"))?;
            let read = |row| rows::dead_job(row, query.payload).map_err(unreadable);
            rows.into_iter().map(read).collect()
        }
        .boxed()
    }

    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move { dead::requeue(&self.postgres, &which).await.map_err(unavailable("requeue dead jobs")) }
            .boxed()
    }

    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move { dead::discard(&self.postgres, &which).await.map_err(unavailable("discard dead jobs")) }
            .boxed()
    }

    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>> {
        async move { sweep::sweep(&self.postgres, keep).await.map_err(unavailable("sweep")) }.boxed()
    }
}
