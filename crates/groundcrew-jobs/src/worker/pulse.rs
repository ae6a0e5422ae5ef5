use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use super::slot::{Halt, Slot};

/// How many signs of life go together at most.
const BATCH: usize = 500;
/// How soon another is tried after one that failed: a backend that is back in time costs no lease.
const AGAIN: Duration = Duration::from_secs(1);

/// Gives signs of life for all that is in hand, checkpoints included.
pub(super) async fn run(worker: Arc<Worker>) {
    let mut failing = false;
    loop {
        let usual = worker.config.lease / 3;
        tokio::time::sleep(if failing { usual.min(AGAIN) } else { usual }).await;
        let held = worker.desk.held();
        let mut failure = None;
        for slots in held.chunks(BATCH) {
            failure = beat(&worker, slots).await.err().or(failure);
        }
        if let Some(error) = failure.as_ref().filter(|_| !failing) {
            let backend = worker.backend.name();
            tracing::warn!(jobs.backend = backend, error, "no sign of life can be given for jobs");
        }
        failing = failure.is_some();
    }
}

async fn beat(worker: &Worker, slots: &[Arc<Slot>]) -> Result<(), String> {
    let lease = worker.config.lease;
    let beats = slots.iter().map(|slot| slot.beat()).collect();
    let answer = tokio::time::timeout(lease, worker.backend.heartbeat(beats, lease)).await;
    let lost = match answer {
        Ok(Ok(lost)) => lost,
        Ok(Err(error)) => return unheard(slots, error.to_string()),
        Err(_) => return unheard(slots, format!("no answer within {lease:?}")),
    };
    for slot in slots.iter().filter(|slot| lost.contains(&slot.delivery.envelope.id)) {
        slot.halt(Halt::Lost);
    }
    Ok(())
}

fn unheard(slots: &[Arc<Slot>], error: String) -> Result<(), String> {
    for slot in slots {
        slot.unheard();
    }
    Err(error)
}
