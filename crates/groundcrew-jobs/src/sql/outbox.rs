//! Jobs that were written in a transaction and are on their way to a broker.
//!
//! They are handed to [`Backend::enqueue`](crate::Backend::enqueue), which confirms each, and only then removed. When
//! the process dies between the two, a job goes out again with the same id, and `begin_once` makes one effect of it.

#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Backoff, Crew, Outcome, Phase, PhaseScope, Restart, Stop};
use groundcrew_sql::Database;
use groundcrew_sql::sqlx::Error;
use groundcrew_telemetry::MetricsError;
use jiff::Timestamp;
use prometheus::IntGauge;
use tokio::time::Instant;

use crate::{Backend, BackendError, JobId, JobsConfig, NewJob, Publisher, When, names};

/// How many jobs go to the broker together: its window of confirms.
const BATCH: i64 = 256;
/// After so long without confirms a batch is given up, and tried again: less than `idle_in_transaction_timeout`.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same once the service lands: a broker that is there confirms in milliseconds, and what stays is sent by the next
/// process.
const LANDING: Duration = Duration::from_secs(2);
/// A job that the broker does not take is tried again this soon at the latest, and so soon after an outage.
const LATEST: Duration = Duration::from_secs(5);
/// How often the marks of effects are removed that are too old.
const SWEEP: Duration = Duration::from_secs(15 * 60);
/// How soon after a job was written the relay looks whether its transaction has committed.
const SOON: Duration = Duration::from_millis(5);

/// One row: its number, the job, how often it was tried.
type Row = (i64, String, i32);

#[derive(Debug)]
struct Outbox {
    database: Database,
    backend: Arc<dyn Backend>,
    publisher: Publisher,
    poll_period: Duration,
    stats_period: Duration,
    /// For how long the marks of effects are kept: a job that is dead may be run again until it is swept.
    keep_effects: Duration,
    pending: IntGauge,
    oldest: IntGauge,
}

/// What one pass did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    sent: usize,
    refused: usize,
}

/// What became of the rows of one pass.
#[derive(Debug, Default)]
struct Sorted {
    sent: Vec<i64>,
    /// With the time after which to try again, in µs.
    refused: Vec<(i64, i64)>,
}

/// The job as the outbox keeps it: with an instant instead of a delay, since it may stay there for a while.
pub(super) fn record(job: &NewJob) -> String {
    let mut job = job.clone();
    if let When::In(delay) = job.when {
        job.when = When::At(crate::memory::after(Timestamp::now(), delay));
    }
    // All of its keys are strings, so it cannot fail.
    serde_json::to_string(&job).unwrap_or_default()
}

pub(super) fn start(
    crew: &Crew,
    config: &JobsConfig,
    database: Database,
    publisher: Publisher,
) -> Result<(), MetricsError> {
    let metrics = crew.metrics();
    let outbox = Arc::new(Outbox {
        database,
        backend: publisher.backend().clone(),
        publisher,
        poll_period: config.poll_period,
        stats_period: config.stats_period,
        keep_effects: config.keep_effects.max(config.keep_dead),
        pending: metrics.gauge(names::OUTBOX, "Jobs that wait in the outbox.")?,
        oldest: metrics
            .gauge(names::OUTBOX_OLDEST, "How long the oldest job of the outbox has been waiting.")?,
    });
    let relaying = outbox.clone();
    crew.task("jobs outbox", Restart::OnFailure(Backoff::default()), move |stop| {
        let outbox = relaying.clone();
        async move { outbox.relay(stop).await }
    });
    crew.on_shutdown(Phase::Flush, "jobs outbox", move |scope| async move { outbox.flush(scope).await });
    Ok(())
}

// === impl Outbox ===

impl Outbox {
    async fn relay(&self, stop: Stop) {
        let mut pause = self.poll_period;
        let (mut counted, mut swept): (Option<Instant>, Option<Instant>) = (None, None);
        let mut failing = false;
        while !stop.is_requested() {
            let landing = async {
                stop.requested().await;
                tokio::time::sleep(LANDING).await;
            };
            let passed = tokio::select! {
                passed = self.pass() => passed,
                () = landing => return,
            };
            let problem = match passed {
                Ok(Passed { refused: 0, sent }) => {
                    pause =
                        if sent > 0 { Duration::ZERO } else { (pause * 2).max(SOON).min(self.poll_period) };
                    None
                }
                Ok(Passed { refused, .. }) => {
                    pause = self.poll_period;
                    Some(format!("{} takes {refused} jobs not now", self.backend.name()))
                }
                Err(error) => {
                    pause = self.poll_period;
                    Some(error.to_string())
                }
            };
            if let Some(error) = problem.as_ref().filter(|_| !failing) {
                tracing::warn!(jobs.backend = self.backend.name(), error, "jobs stay in the outbox");
            }
            failing = problem.is_some();
            if counted.is_none_or(|counted| counted.elapsed() >= self.stats_period) {
                self.count().await;
                counted = Some(Instant::now());
            }
            if swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
                swept = Some(Instant::now());
                self.sweep().await;
            }
            let posted = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => false,
                    () = self.publisher.until_posted() => true,
                }
            };
            if stop.unless(posted).await == Some(true) {
                pause = SOON;
                stop.unless(tokio::time::sleep(SOON)).await;
            }
        }
    }

    /// Sends what there is, after the last transactions of the drain.
    async fn flush(&self, scope: PhaseScope) -> Outcome {
        let mut sent = 0;
        let all = async {
            loop {
                match tokio::time::timeout(LANDING, self.pass()).await {
                    Ok(Ok(passed)) if passed.sent > 0 => sent += passed.sent,
                    Ok(Ok(_)) => return None,
                    Ok(Err(error)) => return Some(error.to_string()),
                    Err(_) => return Some(format!("no answer within {LANDING:?}")),
                }
            }
        };
        let ended = tokio::select! {
            ended = all => ended,
            () = scope.cut() => Some("the time is over".to_owned()),
        };
        match ended {
            None => Outcome::finished(format!("{sent} jobs sent")),
            Some(problem) => Outcome::cut(format!("{sent} jobs sent, the rest is sent later: {problem}")),
        }
    }

    async fn pass(&self) -> Result<Passed, Error> {
        match &self.database {
            #[cfg(feature = "postgres")]
            Database::Postgres(database) => postgres::pass(database, &*self.backend).await,
            #[cfg(feature = "sqlite")]
            Database::Sqlite(database) => sqlite::pass(database, &*self.backend).await,
        }
    }

    /// The broker knows nothing of the marks beside it.
    async fn sweep(&self) {
        let swept = match &self.database {
            #[cfg(feature = "postgres")]
            Database::Postgres(database) => super::postgres::sweep_effects(database, self.keep_effects).await,
            #[cfg(feature = "sqlite")]
            Database::Sqlite(database) => super::sqlite::sweep_effects(database, self.keep_effects).await,
        };
        if let Err(error) = swept {
            tracing::warn!(%error, "the marks of old effects cannot be removed");
        }
    }

    async fn count(&self) {
        let counted = match &self.database {
            #[cfg(feature = "postgres")]
            Database::Postgres(database) => postgres::count(database).await,
            #[cfg(feature = "sqlite")]
            Database::Sqlite(database) => sqlite::count(database).await,
        };
        if let Ok((pending, oldest)) = counted {
            let age = oldest.map_or(0, |oldest| (Timestamp::now().as_microsecond() - oldest) / 1_000_000);
            self.pending.set(pending);
            self.oldest.set(age.max(0));
        }
    }
}

/// Hands rows to the broker, and says what became of each.
async fn send(backend: &dyn Backend, rows: Vec<Row>) -> Sorted {
    let mut sorted = Sorted::default();
    let again = |attempts: i32| {
        let backoff = Backoff::new(Duration::from_millis(500), LATEST);
        super::rows::micros(backoff.delay(u32::try_from(attempts).unwrap_or_default()))
    };
    let (mut jobs, mut sent) = (Vec::new(), Vec::new());
    for (seq, record, attempts) in rows {
        // A newer version of the service has written what this one cannot read: that one sends it.
        match serde_json::from_str::<NewJob>(&record) {
            Ok(job) => {
                sent.push((seq, attempts, job.envelope.id));
                jobs.push(job);
            }
            Err(_) => sorted.refused.push((seq, again(attempts))),
        }
    }
    let results = tokio::time::timeout(PATIENCE, backend.enqueue(&jobs)).await.unwrap_or_default();
    let mut results = results.into_iter();
    for (seq, attempts, id) in sent {
        match results.next() {
            Some(Ok(_)) => {
                sorted.sent.push(seq);
                continue;
            }
            Some(Err(error)) => tell(backend, id, attempts, &error),
            None => {}
        }
        sorted.refused.push((seq, again(attempts)));
    }
    sorted
}

/// Names a job that no further attempt brings to the broker: a person must see to it. Seldomer from time to time, since
/// it is tried all the same: a later version, or another broker, may take it.
fn tell(backend: &dyn Backend, id: JobId, attempts: i32, error: &BackendError) {
    let is_hopeless = matches!(error, BackendError::Refused { .. } | BackendError::Unsupported { .. });
    if is_hopeless && attempts.count_ones() <= 1 {
        tracing::error!(jobs.backend = backend.name(), job.id = %id, %error, "a job cannot leave the outbox");
    }
}

// === impl Sorted ===

impl Sorted {
    fn passed(&self) -> Passed {
        Passed { sent: self.sent.len(), refused: self.refused.len() }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
