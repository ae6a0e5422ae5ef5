//! One call of somebody who enqueues, until it is answered.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Backoff;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Pending;
use crate::{Backend, BackendError, Enqueued, NewJob};

/// How soon a job is tried again that the backend had no room for, at first and later.
const SOON: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_millis(500);

/// What became of each job of a call.
pub(super) type Results = Vec<Result<Enqueued, BackendError>>;

#[derive(Debug)]
pub(super) struct Call {
    pub(super) jobs: Vec<NewJob>,
    /// Until when jobs are tried again that the backend has no room for: then there is time left to say so.
    pub(super) until: Instant,
    pub(super) pending: Pending,
    pub(super) answer: oneshot::Sender<Results>,
}

/// Enqueues the jobs of these calls together. Who holds jobs that the backend has no room for waits for them alone.
pub(super) async fn enqueue_all(backend: &Arc<dyn Backend>, calls: Vec<Call>) {
    let (mut jobs, mut waiting) = (Vec::new(), Vec::new());
    for mut call in calls {
        let count = call.jobs.len();
        jobs.append(&mut call.jobs);
        waiting.push((count, call));
    }
    let results = backend.enqueue(&jobs).await;
    let mut outcomes = jobs.into_iter().zip(results);
    for (count, mut call) in waiting {
        let (mut results, mut places) = (Vec::with_capacity(count), Vec::new());
        for (place, (job, result)) in outcomes.by_ref().take(count).enumerate() {
            if is_full(&result) {
                places.push(place);
                call.jobs.push(job);
            }
            results.push(result);
        }
        if places.is_empty() {
            call.finish(results);
        } else {
            tokio::spawn(call.insist(backend.clone(), results, places));
        }
    }
}

// === impl Call ===

impl Call {
    /// Tries its jobs again, which the results at these places are about, until none is left or the time is over.
    async fn insist(mut self, backend: Arc<dyn Backend>, mut results: Results, mut places: Vec<usize>) {
        let pauses = Backoff::new(SOON, LATER);
        for attempt in 0.. {
            let again = Instant::now() + pauses.delay(attempt);
            if places.is_empty() || again >= self.until {
                break;
            }
            sleep_until(again).await;
            let outcomes = backend.enqueue(&self.jobs).await;
            let mut left = Vec::new();
            for ((place, job), result) in places.into_iter().zip(self.jobs.drain(..)).zip(outcomes) {
                if is_full(&result) {
                    left.push((place, job));
                }
                results[place] = result;
            }
            (places, self.jobs) = left.into_iter().unzip();
        }
        self.finish(results);
    }

    fn finish(self, results: Results) {
        let Self { answer, pending, .. } = self;
        // Nobody may be waiting any more: the jobs are there all the same.
        let _gone = answer.send(results);
        drop(pending);
    }
}

fn is_full(result: &Result<Enqueued, BackendError>) -> bool {
    matches!(result, Err(BackendError::Full { .. }))
}
