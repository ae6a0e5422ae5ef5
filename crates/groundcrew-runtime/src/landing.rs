use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::crew::Running;
use crate::hook::{CUT_GRACE, Hook, HookFuture, PhaseScope};
use crate::receipt::{Entry, PhaseReceipt};
use crate::task::panic_words;
use crate::{Crew, Outcome, Phase, Receipt};

/// A shutdown as it runs: its phases in order, inside one budget.
#[derive(Debug)]
pub(crate) struct Landing {
    crew: Crew,
    began: Instant,
    present: Mutex<CancellationToken>,
}

impl Landing {
    pub(crate) fn new(crew: Crew) -> Self {
        Self { crew, began: Instant::now(), present: Mutex::new(CancellationToken::new()) }
    }

    /// Cuts the phase that runs now: an operator's second signal.
    pub(crate) fn cut_phase(&self) {
        self.present.lock().cancel();
    }

    /// Runs every phase and tells the receipt to the log before the log itself goes.
    pub(crate) async fn run(&self) -> Receipt {
        // What ended before the shutdown is no part of it.
        self.crew.inner.running.lock().retain(|work| !work.handle.is_finished());
        let mut receipt = Receipt {
            reason: self.crew.reason().map(|reason| reason.to_string()).unwrap_or_default(),
            took: Duration::ZERO,
            budget: self.crew.shutdown_config().budget,
            phases: Vec::new(),
        };
        for phase in Phase::ALL {
            if phase == Phase::Telemetry {
                receipt.took = self.began.elapsed();
                log_receipt(&receipt);
            }
            let done = self.phase(phase).await;
            if !done.entries.is_empty() {
                receipt.phases.push(done);
            }
        }
        receipt.took = self.began.elapsed();
        receipt
    }

    async fn phase(&self, phase: Phase) -> PhaseReceipt {
        let began = Instant::now();
        let scope = self.scope(phase);
        *self.present.lock() = scope.cut.clone();
        if phase == Phase::Stop {
            self.crew.inner.stop.cancel();
        }
        let mut set = self.participants(phase, &scope);
        if phase == Phase::Unready && !self.crew.lame_duck().is_zero() {
            set.spawn(lame_duck(self.crew.lame_duck(), scope.clone()));
        }
        let mut entries = Vec::new();
        while !set.is_empty() {
            entries.extend(run_all(set, &scope, began).await);
            // A request that was being drained may have detached work, or registered a hook.
            set = if scope.cut.is_cancelled() { JoinSet::new() } else { self.participants(phase, &scope) };
        }
        PhaseReceipt { phase, took: began.elapsed(), entries }
    }

    fn scope(&self, phase: Phase) -> PhaseScope {
        let deadline = self.deadline(phase);
        let next = Phase::ALL.into_iter().find(|later| *later > phase);
        // What does not heed the cut must leave the next phase at least half of its time.
        let overtime = next.map_or(CUT_GRACE, |next| (self.deadline(next) - deadline) / 2);
        PhaseScope { deadline, overtime, cut: CancellationToken::new() }
    }

    fn deadline(&self, phase: Phase) -> Instant {
        let share = f64::from(100 - phase.reserve_percent()) / 100.0;
        self.began + self.crew.shutdown_config().budget.mul_f64(share)
    }

    /// The hooks of this phase (and of earlier ones, where they came too late) and, from the drain on, the
    /// work that is still running.
    fn participants(&self, phase: Phase, scope: &PhaseScope) -> JoinSet<(String, Outcome)> {
        let mut set = JoinSet::new();
        for hook in self.take_hooks(phase) {
            let (future, scope) = ((hook.run)(scope.clone()), scope.clone());
            set.spawn(async move { (hook.name, bounded(future, scope).await) });
        }
        if phase >= Phase::Drain {
            let running = std::mem::take(&mut *self.crew.inner.running.lock());
            for work in running.into_iter().filter(|work| !(work.detached && work.handle.is_finished())) {
                set.spawn(finish(work, scope.clone()));
            }
        }
        set
    }

    fn take_hooks(&self, phase: Phase) -> Vec<Hook> {
        self.crew.inner.hooks.lock().extract_if(.., |hook| hook.phase <= phase).collect()
    }
}

fn log_receipt(receipt: &Receipt) {
    let took = receipt.took.as_secs_f64();
    let summary = receipt.summary();
    if receipt.cut().next().is_some() {
        tracing::warn!(target: "groundcrew::shutdown", reason = receipt.reason, took, summary, "landed, with cuts");
    } else {
        tracing::info!(target: "groundcrew::shutdown", reason = receipt.reason, took, summary, "landed");
    }
}

async fn lame_duck(delay: Duration, scope: PhaseScope) -> (String, Outcome) {
    let outcome = tokio::select! {
        () = tokio::time::sleep(delay) => Outcome::finished("served on while unready"),
        () = scope.cut() => Outcome::cut("asked to hurry"),
    };
    ("lame duck".to_owned(), outcome)
}

/// Waits for one task or piece of detached work; aborts it a little after the phase is cut, since hooks that are told
/// of the cut may need it for their last word.
async fn finish(mut work: Running, scope: PhaseScope) -> (String, Outcome) {
    let outcome = tokio::select! {
        biased;
        ended = &mut work.handle => ended.unwrap_or_else(not_ended),
        () = async { scope.cut().await; tokio::time::sleep(scope.grace()).await } => {
            work.handle.abort();
            Outcome::cut("still ran when its time was over")
        }
    };
    (work.name, outcome)
}

/// What came to no end of its own.
fn not_ended(error: JoinError) -> Outcome {
    error.try_into_panic().map_or_else(
        |_aborted| Outcome::cut("was aborted"),
        |panic| Outcome::cut(panic_words(panic.as_ref())),
    )
}

/// Runs all participants to their ends; at the deadline they are told.
async fn run_all(mut set: JoinSet<(String, Outcome)>, scope: &PhaseScope, began: Instant) -> Vec<Entry> {
    let mut entries = Vec::new();
    let deadline = async {
        tokio::time::sleep_until(scope.deadline).await;
        scope.cut.cancel();
        std::future::pending::<()>().await;
    };
    let mut deadline = std::pin::pin!(deadline);
    loop {
        let ended = tokio::select! {
            ended = set.join_next() => ended,
            () = &mut deadline => None,
        };
        match ended {
            Some(Ok((name, outcome))) => Entry::new(name, outcome, began.elapsed()).join(&mut entries),
            // A hook's panic is caught in `bounded`; what is left is an abort from outside.
            Some(Err(_)) => {}
            None => return entries,
        }
    }
}

/// A hook that panics, or that goes on after it was cut, ends here with its name.
async fn bounded(future: HookFuture, scope: PhaseScope) -> Outcome {
    let caught = tokio::spawn(future);
    let abort = caught.abort_handle();
    tokio::select! {
        ended = caught => ended.unwrap_or_else(not_ended),
        () = async { scope.cut().await; tokio::time::sleep(scope.grace()).await } => {
            abort.abort();
            Outcome::cut("gave no answer")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_was_aborted_is_cut_and_says_so() {
        let work = tokio::spawn(std::future::pending::<()>());
        work.abort();
        let aborted = work.await.expect_err("it has no result");
        assert_eq!(not_ended(aborted), Outcome::cut("was aborted"));
    }
}
