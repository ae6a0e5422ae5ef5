use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

use crate::envelope::Unique;
use crate::{EnqueueError, Enqueued, Envelope, Job, JobId, NewJob, Priority, Publisher, When};

/// A payload may have so many bytes as JSON. Larger things belong into a store, and their ids into the job.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// A job that is about to be enqueued. Awaiting it gives its id, once the job is durable.
///
/// ```
/// # use std::time::Duration;
/// # use groundcrew_jobs::{EnqueueError, Job, JobId, Publisher};
/// async fn later<J: Job>(publisher: &Publisher, job: &J) -> Result<JobId, EnqueueError> {
///     publisher.enqueue(job).delay(Duration::from_secs(60)).unique_key("guild:7").await
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is enqueued until it is awaited"]
pub struct Enqueue {
    publisher: Publisher,
    job: Result<NewJob, EnqueueError>,
}

// === impl Enqueue ===

impl Enqueue {
    pub(crate) fn new<J: Job>(publisher: Publisher, job: &J) -> Self {
        Self { publisher, job: new_job(job) }
    }

    /// Runs it after a time.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(|job| job.when = When::In(delay))
    }

    /// Runs it not before an instant.
    pub fn at(self, instant: Timestamp) -> Self {
        self.with(|job| job.when = When::At(instant))
    }

    /// Runs it before or after others.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|job| job.envelope.priority = priority)
    }

    /// At most one job of this name with this key runs at once, over all processes, or as many as
    /// [`Policy::key_concurrency`](crate::Policy::key_concurrency) allows. A database takes keys of up to 512 bytes.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|job| job.envelope.key = Some(key.into()))
    }

    /// Unless a job of this name with this key is there already that is not over: then that one's id is the
    /// answer. A database takes keys of up to 512 bytes.
    pub fn unique_key(self, key: impl Into<String>) -> Self {
        self.with(|job| job.envelope.unique = Some(Unique { key: key.into(), window: None }))
    }

    /// As [`unique_key`](Self::unique_key), and for this time after that one was enqueued, even if it is over.
    pub fn unique_for(self, key: impl Into<String>, window: Duration) -> Self {
        self.with(|job| job.envelope.unique = Some(Unique { key: key.into(), window: Some(window) }))
    }

    /// Enqueues it, and tells whether it is a new one or one that was there.
    ///
    /// # Errors
    ///
    /// See [`EnqueueError`]; after [`EnqueueError::Unknown`] the job may be there or not.
    pub async fn submit(self) -> Result<Enqueued, EnqueueError> {
        let mut done = self.publisher.submit(vec![self.job?]).await?;
        done.pop().ok_or(EnqueueError::Closed)
    }

    /// The job as it would be enqueued.
    pub fn into_new_job(self) -> Result<NewJob, EnqueueError> {
        self.job
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn into_parts(self) -> Result<(Publisher, NewJob), EnqueueError> {
        Ok((self.publisher, self.job?))
    }

    /// With this id instead of a new one.
    pub(crate) fn identified(self, id: JobId) -> Self {
        self.with(|job| job.envelope.id = id)
    }

    fn with(mut self, change: impl FnOnce(&mut NewJob)) -> Self {
        if let Ok(job) = &mut self.job {
            change(job);
        }
        self
    }
}

impl IntoFuture for Enqueue {
    type Output = Result<JobId, EnqueueError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.submit().await?.id()) })
    }
}

/// The job as it is stored, in the trace that is current.
pub(crate) fn new_job<J: Job>(job: &J) -> Result<NewJob, EnqueueError> {
    let name = J::NAME;
    let payload = serde_json::to_string(job).map_err(|source| EnqueueError::Payload { name, source })?;
    if payload.len() > MAX_PAYLOAD {
        return Err(EnqueueError::TooLarge { name, bytes: payload.len() });
    }
    let policy = J::policy();
    let trace =
        groundcrew_telemetry::with_current(|context| context.map(|context| context.trace().to_string()));
    let envelope = Envelope {
        id: JobId::random(),
        name: name.to_owned(),
        version: J::VERSION,
        payload,
        priority: policy.priority,
        key: None,
        unique: None,
        enqueued_at: Timestamp::now(),
        attempts: 0,
        max_attempts: policy.max_attempts,
        crashes: 0,
        history: Vec::new(),
        trace,
        checkpoint: None,
    };
    Ok(NewJob { envelope, when: When::Now })
}
