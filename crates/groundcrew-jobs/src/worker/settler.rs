use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Backoff;
use tokio::sync::mpsc;

use super::Worker;
use crate::Settlement;

/// How many ends go on record together at most.
const BATCH: usize = 256;

/// Puts ends on record in batches: what comes while one batch is under way is the next.
pub(super) async fn run(worker: Arc<Worker>, mut ended: mpsc::Receiver<Settlement>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ended.recv_many(&mut batch, BATCH).await > 0 {
        settle(&worker, &batch).await;
        for settlement in batch.drain(..) {
            let envelope = &settlement.delivery.envelope;
            let limited = envelope.key.is_some()
                || worker.runners.get(envelope.name.as_str()).is_some_and(|(runner, _)| runner.is_limited());
            worker.desk.forget(envelope.id, settlement.delivery.token, limited);
        }
    }
}

/// Tries until it is done: the leases are kept meanwhile.
async fn settle(worker: &Worker, batch: &[Settlement]) {
    let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    let backend = worker.backend.name();
    for failures in 0.. {
        match worker.backend.settle(batch.to_vec()).await {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!(jobs.backend = backend, failures, "ends of jobs are on record again");
                }
                return;
            }
            Err(error) => {
                if failures == 0 {
                    let jobs = batch.len();
                    tracing::warn!(jobs.backend = backend, jobs.count = jobs, %error, "ends of jobs wait");
                }
                tokio::time::sleep(backoff.delay(failures)).await;
            }
        }
    }
}
