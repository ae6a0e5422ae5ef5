//! What a worker does when the service goes down.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use groundcrew_runtime::{Outcome, PhaseScope};

use super::Worker;
use super::outcome::HAND_BACK_PAUSE;

/// Lets running jobs finish; at the cut they are handed back with what they have saved.
pub(super) async fn drain(worker: &Arc<Worker>, scope: PhaseScope) -> Outcome {
    // What is counted is what happens from here on.
    let before = tally(worker);
    worker.hand_back(worker.desk.unbegun(), HAND_BACK_PAUSE).await;
    let in_time = tokio::select! {
        () = idle(worker) => true,
        () = scope.cut() => false,
    };
    if !in_time {
        worker.desk.cut();
        // A job that never yields to the runtime cannot be cut.
        let _stuck = tokio::time::timeout(scope.grace().mul_f64(0.6), idle(worker)).await;
    }
    let after = tally(worker);
    let (finished, handed_back) = (after.0 - before.0, after.1 - before.1);
    let stuck = worker.desk.running();
    let mut note = format!("{finished} {} finished, {handed_back} handed back", jobs(finished));
    if stuck > 0 {
        note.push_str(&format!(
            ", {stuck} gave no answer and will run again after {:?}",
            worker.config.lease
        ));
    }
    if in_time { Outcome::finished(note) } else { Outcome::cut(note) }
}

/// Waits until every end is on record.
pub(super) async fn flush(worker: &Arc<Worker>, scope: PhaseScope) -> Outcome {
    let recorded = async {
        loop {
            let changed = worker.desk.changed();
            if worker.desk.is_empty() {
                return;
            }
            changed.await;
        }
    };
    tokio::select! {
        () = recorded => Outcome::finished("all outcomes on record"),
        () = scope.cut() => {
            let left = worker.desk.held().len() as u64;
            Outcome::cut(format!("{left} {} without a record will run again", jobs(left)))
        }
    }
}

async fn idle(worker: &Worker) {
    loop {
        let changed = worker.desk.changed();
        if worker.desk.running() == 0 {
            return;
        }
        changed.await;
    }
}

fn tally(worker: &Worker) -> (u64, u64) {
    (worker.finished.load(Ordering::Relaxed), worker.handed_back.load(Ordering::Relaxed))
}

fn jobs(count: u64) -> &'static str {
    if count == 1 { "job" } else { "jobs" }
}
