//! New jobs into their queues.

use groundcrew_amqp::{Message, PublishError};
use jiff::Timestamp;

use super::generation::Generation;
use super::letter::{self, Wait};
use super::{AmqpJobs, NAME, publish_failed};
use crate::memory::after;
use crate::{BackendError, Enqueued, Envelope, NewJob, When};

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn add(&self, jobs: &[NewJob]) -> Vec<Result<Enqueued, BackendError>> {
        let mut results = Vec::with_capacity(jobs.len());
        let (mut messages, mut places) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
        for (place, job) in jobs.iter().enumerate() {
            let message = self.message(job).await;
            results.push(message.map(|message| {
                messages.push(message);
                places.push(place);
                Enqueued::New(job.envelope.id)
            }));
        }
        let mut is_gone = false;
        for (place, outcome) in places.into_iter().zip(self.inner.publisher.publish_all(messages).await) {
            if let Err(error) = outcome {
                is_gone |= matches!(error, PublishError::Unroutable { .. });
                results[place] = Err(not_added(&error));
            }
        }
        if is_gone {
            self.inner.mend().await;
        }
        results
    }

    async fn message(&self, NewJob { envelope, when }: &NewJob) -> Result<Message, BackendError> {
        supported(envelope)?;
        let inner = &*self.inner;
        let route = inner.route(&envelope.name).await?;
        let wait = match *when {
            When::Now => Wait::No,
            When::In(delay) if delay.is_zero() => Wait::No,
            When::In(delay) => Wait::Until(after(Timestamp::now(), delay)),
            When::At(at) => Wait::Until(at),
        };
        Ok(letter::waiting(&inner.names, &route, envelope, Generation::FIRST, inner.suspect, wait))
    }
}

/// A queue without a leader refuses its first message, one that is full has room a moment later, and one that was deleted
/// is there again.
fn not_added(error: &PublishError) -> BackendError {
    match error {
        PublishError::Nacked | PublishError::Unroutable { .. } => {
            BackendError::Full { backend: NAME, cause: error.to_string() }
        }
        _ => publish_failed("enqueue jobs", error),
    }
}

/// What a broker cannot do is said when it is asked for, not when it does not happen.
pub(super) fn supported(envelope: &Envelope) -> Result<(), BackendError> {
    let action = match (&envelope.key, &envelope.unique) {
        (Some(_), _) => "run jobs with one key one after another (`Enqueue::key`): keep such jobs in SQL",
        (None, Some(_)) => "keep jobs unique (`Enqueue::unique_key`): keep such jobs in SQL",
        (None, None) => return Ok(()),
    };
    Err(BackendError::Unsupported { backend: NAME, action })
}
