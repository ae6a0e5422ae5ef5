use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::dead::{DeadJob, DeadQuery, Selection};
use crate::{Envelope, JobId, JobRate, NewJob, Policy, QueueStat, Settlement};

/// The seam between the worker and where jobs are kept: SQL, a broker, memory.
///
/// Everything comes in batches. A call may be retried after an error; no call is dropped half-way except
/// [`wait`](Self::wait). A job that is delivered stays with its worker until it is settled, or until its lease
/// ends without a [`heartbeat`](Self::heartbeat); then it is delivered again with one more
/// [crash](Envelope::crashes).
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// For logs, errors and health: `Postgres`, `SQLite`, `RabbitMQ`, `memory`.
    fn name(&self) -> &'static str;

    /// The database whose tables hold the jobs, `Postgres` or `SQLite`; `None` for one to which jobs of a
    /// transaction go by the outbox.
    fn sql(&self) -> Option<&'static str> {
        None
    }

    /// Whether it can keep what the policy of a kind of job promises, said before any of them runs.
    #[expect(unused_variables, reason = "named for those who cannot keep everything")]
    fn admit(&self, name: &'static str, policy: &Policy) -> Result<(), BackendError> {
        Ok(())
    }

    /// Whether it can keep what this job asks for, said before the job is written down anywhere on its way here.
    /// [`enqueue`](Self::enqueue) refuses what this does.
    #[expect(unused_variables, reason = "named for those who cannot keep everything")]
    fn accepts(&self, job: &Envelope) -> Result<(), BackendError> {
        Ok(())
    }

    /// Makes jobs durable: one result for each, in their order. `Ok` is a promise. A job whose id is there
    /// already changes nothing. What it cannot take now is told at once: whoever asks may try again.
    fn enqueue<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Vec<Result<Enqueued, BackendError>>>;

    /// Jobs that may run now, at most `ask.max`, perhaps none. Returns at once. It is not dropped half-way.
    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>>;

    /// Returns when there may be jobs to reserve, or after `at_most`. May be dropped at any time.
    fn wait(&self, at_most: Duration) -> BoxFuture<'_, ()>;

    /// Jobs were written in a transaction that has not ended yet. Nothing to do where the commit itself tells
    /// [`wait`](Self::wait).
    fn announce(&self) {}

    /// Whether a job that has not begun can be [handed back](crate::Ending::HandedBack) as if nothing had happened. If
    /// so, a worker gives back what it has fetched ahead and finds no place for.
    fn takes_back_at_no_cost(&self) -> bool {
        true
    }

    /// Puts the ends of deliveries on record. A delivery that is not this worker's any more is passed over.
    ///
    /// What an error leaves is settled again, beside others, until it is on record.
    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>>;

    /// Prolongs the leases, and saves checkpoints and progress. Returns those that are not this worker's any
    /// more.
    fn heartbeat(&self, beats: Vec<Beat>, lease: Duration)
    -> BoxFuture<'_, Result<Vec<JobId>, BackendError>>;

    /// How many jobs there are, by name and state.
    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>>;

    /// Dead jobs, the latest death first.
    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>>;

    /// Lets dead jobs run again, with all their attempts. Returns how many.
    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>>;

    /// Forgets dead jobs. Returns how many.
    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>>;

    /// Removes what is older than it is kept: dead jobs, marks of effects, unique keys.
    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>>;
}

/// Ends of deliveries that are not on record.
#[derive(Debug)]
pub struct Unsettled {
    /// Those of the batch; the others are.
    pub left: Vec<Settlement>,
    /// Why, of one of them at least.
    pub error: BackendError,
}

/// What a worker can run.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// How many jobs at most.
    pub max: usize,
    /// Which jobs, by name.
    pub known: Vec<Known>,
    /// For how long they are the worker's without a heartbeat.
    pub lease: Duration,
    /// Who asks, as people will read it.
    pub worker: Arc<str>,
}

/// A job that a worker knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// The newest version of its payload that this worker reads.
    pub version: u32,
    /// How many more this worker takes; `None` for no limit beside `max`.
    pub free: Option<u32>,
    /// How many may run at once over all workers.
    pub global: Option<u32>,
    /// How many may run at once over all workers with the same key.
    pub per_key: u32,
    /// How many may begin within a time over all workers.
    pub global_rate: Option<JobRate>,
    /// How many with the same key may begin within a time over all workers.
    pub key_rate: Option<JobRate>,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The job.
    pub envelope: Envelope,
    /// Which delivery of it: what an earlier worker still says about the job is not believed.
    pub token: u64,
    /// Since when it might have run: a job that is handed back goes to its old place. A broker does not know it and says
    /// when the job was enqueued.
    pub due_at: Timestamp,
}

/// A sign of life for one delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// Which job.
    pub id: JobId,
    /// Which delivery.
    pub token: u64,
    /// What the job saved since the last beat, as JSON.
    pub checkpoint: Option<String>,
    /// How far it says that it is: percent and words.
    pub progress: Option<(u8, String)>,
}

/// What became of a job that was enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is there.
    New(JobId),
    /// Another one with its unique key is there instead.
    Duplicate(JobId),
}

/// For how long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Dead jobs after their death.
    pub dead: Duration,
    /// Marks of effects ([`Attempt::begin_once`](crate::Attempt)) whose job is over.
    pub effects: Duration,
}

/// What a backend could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// It is away, overloaded or too slow. Trying again may help.
    #[error("{backend} cannot {action}: {cause}")]
    Unavailable {
        /// [`Backend::name`].
        backend: &'static str,
        /// What was wanted, for example `enqueue jobs`.
        action: &'static str,
        /// What it said.
        cause: String,
    },
    /// It has no room for this job now, so that the job is nowhere. It may be taken a moment later.
    #[error("{backend} has not taken the job: {cause}")]
    Full {
        /// [`Backend::name`].
        backend: &'static str,
        /// Why.
        cause: String,
    },
    /// It refuses this job. Trying again does not help.
    #[error("{backend} refuses the job: {cause}")]
    Refused {
        /// [`Backend::name`].
        backend: &'static str,
        /// Why.
        cause: String,
    },
    /// It cannot do this at all.
    #[error("{backend} cannot {action}")]
    Unsupported {
        /// [`Backend::name`].
        backend: &'static str,
        /// What was wanted.
        action: &'static str,
    },
}

// === impl Known ===

impl Known {
    /// One without limits, but that jobs with the same key run one after another.
    pub fn new(name: &'static str, version: u32) -> Self {
        Self { name, version, free: None, global: None, per_key: 1, global_rate: None, key_rate: None }
    }
}

// === impl Enqueued ===

impl Enqueued {
    /// The job that is there.
    pub fn id(self) -> JobId {
        match self {
            Enqueued::New(id) | Enqueued::Duplicate(id) => id,
        }
    }
}
