use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Backoff;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Worker;
use crate::{Delivery, Settlement, Unsettled};

/// How many ends go on record together at most.
const BATCH: usize = 256;

/// Ends that could not be put on record, and when that is tried again.
#[derive(Debug)]
struct Late {
    left: Vec<Settlement>,
    failures: u32,
    again: Instant,
}

/// Puts ends on record in batches: what comes while one batch is under way is the next.
pub(super) async fn run(worker: Arc<Worker>, mut ended: mpsc::Receiver<Settlement>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut late = Late { left: Vec::new(), failures: 0, again: Instant::now() };
    loop {
        // One that cannot be put on record holds up no other. The leases of all are kept meanwhile.
        let is_again = tokio::select! {
            count = ended.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
                false
            }
            () = sleep_until(late.again), if !late.left.is_empty() => {
                batch.append(&mut late.left);
                true
            }
        };
        late.settle(&worker, std::mem::take(&mut batch), is_again).await;
    }
}

// === impl Late ===

impl Late {
    /// Tries these, and keeps those that are not on record then.
    async fn settle(&mut self, worker: &Worker, batch: Vec<Settlement>, is_again: bool) {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
        let backend = worker.backend.name();
        let tried: Vec<Arc<Delivery>> = batch.iter().map(|settlement| settlement.delivery.clone()).collect();
        let unsettled = worker.backend.settle(batch).await.err();
        let is_left = |delivery: &Arc<Delivery>| {
            let mut left = unsettled.iter().flat_map(|unsettled| &unsettled.left);
            left.any(|settlement| Arc::ptr_eq(&settlement.delivery, delivery))
        };
        for delivery in tried.iter().filter(|delivery| !is_left(delivery)) {
            let envelope = &delivery.envelope;
            worker.desk.forget(envelope.id, delivery.token, worker.is_limited_everywhere(envelope));
        }
        let failures = self.failures;
        match unsettled {
            Some(Unsettled { left, error }) => {
                if self.failures == 0 {
                    let jobs = left.len();
                    tracing::warn!(jobs.backend = backend, jobs.count = jobs, %error, "ends of jobs wait");
                }
                if is_again || self.left.is_empty() {
                    self.again = Instant::now() + backoff.delay(self.failures);
                    self.failures += 1;
                }
                self.left.extend(left);
            }
            None if is_again => {
                tracing::info!(jobs.backend = backend, failures, "ends of jobs are on record again");
                self.failures = 0;
            }
            None => {}
        }
    }
}
