use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Backend, BackendError, Envelope, Failure, JobId};

/// Jobs that nobody will try again until a person says so.
///
/// ```
/// # use groundcrew_jobs::{BackendError, DeadQuery, DeadSet, Selection};
/// async fn mend(dead: &DeadSet) -> Result<(), BackendError> {
///     for job in dead.list(DeadQuery::default().name("summarize")).await? {
///         println!("{} {} {}", job.id, job.died_at, job.cause());
///     }
///     let again = dead.requeue(Selection::all().name("summarize")).await?;
///     println!("{again} jobs run again");
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct DeadSet {
    backend: Arc<dyn Backend>,
}

/// A dead job as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadJob {
    /// Which job.
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// The version of its payload.
    pub version: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it died.
    pub died_at: Timestamp,
    /// How many attempts have failed.
    pub attempts: u32,
    /// How many deliveries in a row had no outcome.
    pub crashes: u32,
    /// The last failures, the oldest first; the last one killed it.
    pub history: Vec<Failure>,
    /// The job as JSON. Only [`DeadSet::show`] tells it, since it may hold what not everybody should see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// Which dead jobs to list: the latest 100 unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadQuery {
    /// Only this one.
    pub id: Option<JobId>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only those that died before, to page on.
    pub before: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
    /// With their payloads.
    pub payload: bool,
}

/// Which dead jobs to requeue or discard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Only these; all when empty.
    pub ids: Vec<JobId>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only those that died before.
    pub before: Option<Timestamp>,
}

// === impl DeadSet ===

impl DeadSet {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// Dead jobs, the latest death first, without their payloads.
    pub async fn list(&self, query: DeadQuery) -> Result<Vec<DeadJob>, BackendError> {
        self.backend.dead(query).await
    }

    /// One dead job, with its payload.
    pub async fn show(&self, id: JobId) -> Result<Option<DeadJob>, BackendError> {
        let query = DeadQuery { id: Some(id), payload: true, ..DeadQuery::default() };
        Ok(self.backend.dead(query).await?.pop())
    }

    /// Lets them run again, with all their attempts; their history stays. One whose unique key another one has by now
    /// stays dead. Returns how many run again.
    pub async fn requeue(&self, which: Selection) -> Result<u64, BackendError> {
        let count = self.backend.requeue(which).await?;
        tracing::info!(jobs.count = count, "dead jobs were requeued");
        Ok(count)
    }

    /// Forgets them for good. Returns how many.
    pub async fn discard(&self, which: Selection) -> Result<u64, BackendError> {
        let count = self.backend.discard(which).await?;
        tracing::info!(jobs.count = count, "dead jobs were discarded");
        Ok(count)
    }
}

// === impl DeadJob ===

impl DeadJob {
    pub(crate) fn of(envelope: Envelope, died_at: Timestamp, payload: bool) -> Self {
        Self {
            id: envelope.id,
            name: envelope.name,
            version: envelope.version,
            enqueued_at: envelope.enqueued_at,
            died_at,
            attempts: envelope.attempts,
            crashes: envelope.crashes,
            history: envelope.history,
            payload: payload.then_some(envelope.payload),
        }
    }

    /// What killed it.
    pub fn cause(&self) -> &str {
        self.history.last().map_or("", |failure| &failure.cause)
    }
}

// === impl DeadQuery ===

impl Default for DeadQuery {
    fn default() -> Self {
        Self { id: None, name: None, before: None, limit: 100, payload: false }
    }
}

impl DeadQuery {
    /// Only jobs of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// At most so many.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Only those that died before, to page on.
    pub fn before(mut self, died_at: Timestamp) -> Self {
        self.before = Some(died_at);
        self
    }
}

// === impl Selection ===

impl Selection {
    /// Every dead job.
    pub fn all() -> Self {
        Self::default()
    }

    /// One job.
    pub fn id(id: JobId) -> Self {
        Self { ids: vec![id], ..Self::default() }
    }

    /// Only jobs of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those that died before.
    pub fn before(mut self, died_at: Timestamp) -> Self {
        self.before = Some(died_at);
        self
    }

    pub(crate) fn holds(&self, id: JobId, name: &str, died_at: Timestamp) -> bool {
        (self.ids.is_empty() || self.ids.contains(&id))
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.before.is_none_or(|before| died_at < before)
    }
}
