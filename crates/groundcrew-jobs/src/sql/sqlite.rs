//! Jobs in SQLite: one writer, so that what is chosen in a transaction is chosen by nobody else.

mod dead;
mod enqueue;
mod reserve;
mod settle;
mod sweep;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use groundcrew_sql::sqlx::{self, Error};
use groundcrew_sql::{Awaited, DeadlineExceeded, Sqlite};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::rows;
use crate::{
    Ask, Backend, BackendError, Beat, DeadJob, DeadQuery, Delivery, Enqueued, Envelope, JobId, NewJob,
    QueueStat, Retention, Selection, Settlement, Unsettled,
};

pub(super) use enqueue::insert;
pub(super) use sweep::sweep_effects;

pub(super) const NAME: &str = "SQLite";

/// Jobs in SQLite.
#[derive(Debug)]
pub(crate) struct SqliteJobs {
    sqlite: Sqlite,
    woken: Notify,
    /// Somebody's transaction holds the writer and jobs that nobody sees before it has committed.
    announced: AtomicBool,
}

// === impl SqliteJobs ===

impl SqliteJobs {
    pub(crate) fn new(sqlite: Sqlite) -> Self {
        Self { sqlite, woken: Notify::new(), announced: AtomicBool::new(false) }
    }
}

pub(super) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

fn unavailable(action: &'static str) -> impl Fn(Error) -> BackendError {
    move |error| BackendError::Unavailable { backend: NAME, action, cause: error.to_string() }
}

/// The transaction that was announced has not ended yet.
fn is_still_written(error: &Error) -> bool {
    DeadlineExceeded::of(error).is_some_and(|exceeded| exceeded.awaited == Awaited::Connection)
}

fn unreadable(cause: String) -> BackendError {
    BackendError::Unavailable { backend: NAME, action: "read jobs", cause }
}

// === impl Backend for SqliteJobs ===

impl Backend for SqliteJobs {
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
        async move {
            let results = enqueue::enqueue(&self.sqlite, jobs).await;
            self.woken.notify_one();
            results
        }
        .boxed()
    }

    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>> {
        async move {
            // Whoever waits for the writer comes after that transaction.
            let announced = self.announced.swap(false, Ordering::AcqRel);
            if !announced && !reserve::has_due(&self.sqlite).await.map_err(unavailable("look for jobs"))? {
                return Ok(Vec::new());
            }
            let rows = match reserve::reserve(&self.sqlite, ask).await {
                Err(error) if announced => {
                    // What was announced is still to come: the next look is at once, not after a while.
                    self.announce();
                    if is_still_written(&error) { Ok(Vec::new()) } else { Err(error) }
                }
                reserved => reserved,
            };
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

    fn announce(&self) {
        self.announced.store(true, Ordering::Release);
        self.woken.notify_one();
    }

    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>> {
        async move {
            let settled = settle::settle(&self.sqlite, &batch).await.map_err(unavailable("settle jobs"));
            if batch.iter().any(|settlement| settlement.ending.is_ready_again()) {
                self.woken.notify_one();
            }
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
            let kept = settle::heartbeat(&self.sqlite, beats, lease).await;
            let kept = kept.map_err(unavailable("prolong leases"))?;
            let kept: Vec<JobId> = kept.iter().filter_map(|id| id.parse().ok()).collect();
            Ok(sent.into_iter().filter(|id| !kept.contains(id)).collect())
        }
        .boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>> {
        const QUERY: &str =
            "SELECT name, CASE WHEN state = 2 THEN 2 WHEN due_at <= ?1 THEN 0 WHEN state = 1 THEN 1
                    ELSE 3 END AS stands, count(*), max(?1 - due_at)
             FROM groundcrew_jobs GROUP BY 1, 2";
        async move {
            let query = sqlx::query_as(QUERY).bind(now());
            let rows: Vec<rows::StatRow> =
                query.fetch_all(self.sqlite.read()).await.map_err(unavailable("count jobs"))?;
            Ok(rows.into_iter().map(rows::stat).collect())
        }
        .boxed()
    }

    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>> {
        async move {
            let rows = dead::list(&self.sqlite, &query).await.map_err(unavailable("list dead jobs"))?;
            let read = |row| rows::dead_job(row, query.payload).map_err(unreadable);
            rows.into_iter().map(read).collect()
        }
        .boxed()
    }

    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move {
            let count =
                dead::requeue(&self.sqlite, &which).await.map_err(unavailable("requeue dead jobs"))?;
            self.woken.notify_one();
            Ok(count)
        }
        .boxed()
    }

    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move { dead::discard(&self.sqlite, &which).await.map_err(unavailable("discard dead jobs")) }
            .boxed()
    }

    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>> {
        async move { sweep::sweep(&self.sqlite, keep).await.map_err(unavailable("sweep")) }.boxed()
    }
}
