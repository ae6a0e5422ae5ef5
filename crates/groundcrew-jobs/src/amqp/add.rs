//! New jobs into their queues.

use std::time::Duration;

use groundcrew_amqp::{Message, PublishError};
use groundcrew_runtime::Backoff;
use jiff::Timestamp;
use tokio::time::Instant;

use super::letter::{self, Wait};
use super::{AmqpJobs, NAME, publish_failed};
use crate::memory::after;
use crate::{BackendError, Enqueued, Envelope, NewJob, When};

// === impl AmqpJobs ===

impl AmqpJobs {
    /// What the broker refuses is in no queue, and is offered again: a queue without a leader refuses its first
    /// message, and one that is full has room a moment later. For half of the time that whoever enqueues has, so that
    /// they still hear why.
    pub(super) async fn add(&self, jobs: Vec<NewJob>) -> Vec<Result<Enqueued, BackendError>> {
        let until = Instant::now() + self.inner.enqueue_timeout / 2;
        let pauses = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
        let mut results: Vec<_> = jobs.iter().map(|job| Ok(Enqueued::New(job.envelope.id))).collect();
        let mut refused = self.offer(&jobs, (0..jobs.len()).collect(), &mut results).await;
        for attempt in 0.. {
            let again = Instant::now() + pauses.delay(attempt);
            if refused.is_empty() || again >= until {
                break;
            }
            tokio::time::sleep_until(again).await;
            refused = self.offer(&jobs, refused, &mut results).await;
        }
        results
    }

    /// Publishes those of the jobs that are at these places, notes what became of each, and returns the places of those
    /// that the broker refused.
    async fn offer(
        &self,
        jobs: &[NewJob],
        places: Vec<usize>,
        results: &mut [Result<Enqueued, BackendError>],
    ) -> Vec<usize> {
        let (mut messages, mut sent) = (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
        for place in places {
            match self.message(&jobs[place]).await {
                Ok(message) => {
                    messages.push(message);
                    sent.push(place);
                }
                Err(error) => results[place] = Err(error),
            }
        }
        let outcomes = self.inner.publisher.publish_all(messages).await;
        let mut refused = Vec::new();
        for (place, outcome) in sent.into_iter().zip(outcomes) {
            if matches!(outcome, Err(PublishError::Nacked)) {
                refused.push(place);
            }
            let enqueued = outcome.map(|()| Enqueued::New(jobs[place].envelope.id));
            results[place] = enqueued.map_err(|error| publish_failed("enqueue jobs", &error));
        }
        refused
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
        Ok(letter::waiting(&inner.names, &route, envelope, inner.suspect, wait))
    }
}

/// What a broker cannot do is said when it is asked for, not when it does not happen.
fn supported(envelope: &Envelope) -> Result<(), BackendError> {
    let action = match (&envelope.key, &envelope.unique) {
        (Some(_), _) => "run jobs with one key one after another (`Enqueue::key`): keep such jobs in SQL",
        (None, Some(_)) => "keep jobs unique (`Enqueue::unique_key`): keep such jobs in SQL",
        (None, None) => return Ok(()),
    };
    Err(BackendError::Unsupported { backend: NAME, action })
}
