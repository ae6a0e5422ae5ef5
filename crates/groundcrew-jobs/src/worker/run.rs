//! One delivery, from its beginning to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use groundcrew_runtime::panic_message;
use groundcrew_telemetry::{Context, RequestId, TraceContext};
use tokio::time::Instant;
use tracing::Instrument;

use super::outcome::{HAND_BACK_PAUSE, Run};
use super::slot::{Halt, Slot};
use super::{FAR, Runner, Worker};
use crate::{Attempt, Ending, Envelope};

/// How a delivery ended; `None` if it is not ours any more. It ends in any case, or its place would be taken for good.
pub(super) async fn deliver(worker: &Worker, runner: &Runner, slot: &Arc<Slot>) -> Option<Ending> {
    match AssertUnwindSafe(ending(worker, runner, slot)).catch_unwind().await {
        Ok(ending) => ending,
        // A job may panic when it is dropped too: at its timeout, or where it is halted.
        Err(panic) => match slot.halt_of() {
            Some(halt) => halted(halt),
            None => {
                let run = Run::Panicked(panic_message(panic.as_ref()).to_owned());
                Some(run.ending(&slot.delivery.envelope, &runner.policy))
            }
        },
    }
}

async fn ending(worker: &Worker, runner: &Runner, slot: &Arc<Slot>) -> Option<Ending> {
    let envelope = &slot.delivery.envelope;
    if envelope.crashes >= worker.config.crash_limit {
        return Some(Run::Crashed.ending(envelope, &runner.policy));
    }
    runner.metrics.attempts.inc();
    let context = context(envelope).with_timeout(runner.policy.timeout).into_arc();
    let span = tracing::info_span!(
        "job",
        job.name = envelope.name,
        job.id = %envelope.id,
        job.attempt = envelope.attempts + 1
    );
    context.adopt(&span);
    let run = context.scope(attempt(worker, runner, slot)).instrument(span);
    tokio::select! {
        biased;
        run = run => Some(run.ending(envelope, &runner.policy)),
        halt = slot.halted() => halted(halt),
    }
}

fn halted(halt: Halt) -> Option<Ending> {
    match halt {
        Halt::Cut => Some(Ending::HandedBack { after: HAND_BACK_PAUSE }),
        Halt::Lost => None,
    }
}

async fn attempt(worker: &Worker, runner: &Runner, slot: &Arc<Slot>) -> Run {
    let deadline = (Instant::now() + runner.policy.timeout.min(FAR)).into_std();
    let attempt = Attempt::new(slot.clone(), deadline, worker.crew.stop());
    // A panic before the first await is one of the job too.
    let started = std::panic::catch_unwind(AssertUnwindSafe(|| {
        (runner.start)(&slot.delivery.envelope.payload, attempt)
    }));
    let future = match started {
        Ok(Ok(future)) => future,
        Ok(Err(error)) => return Run::Unreadable(error.to_string()),
        Err(panic) => return Run::Panicked(panic_message(panic.as_ref()).to_owned()),
    };
    let caught = AssertUnwindSafe(future).catch_unwind();
    match tokio::time::timeout(runner.policy.timeout, caught).await {
        Ok(Ok(result)) => Run::Returned(result),
        Ok(Err(panic)) => Run::Panicked(panic_message(panic.as_ref()).to_owned()),
        Err(_) => Run::TimedOut,
    }
}

/// In the trace of whoever enqueued it, or at the root of one that is recorded.
fn context(envelope: &Envelope) -> Context {
    let caller = envelope.trace.as_ref().and_then(|trace| TraceContext::parse(trace.as_bytes()));
    match caller {
        Some(caller) => Context::continuing(RequestId::random(), caller),
        None => Context::random(),
    }
}

/// An end is logged once, here.
pub(super) fn report(envelope: &Envelope, ending: &Ending) {
    let (name, id) = (envelope.name.as_str(), envelope.id);
    match ending {
        Ending::Done => tracing::debug!(job.name = name, job.id = %id, "job is done"),
        Ending::Cancelled { reason } => {
            tracing::info!(job.name = name, job.id = %id, reason, "job is cancelled");
        }
        Ending::Snoozed { after } => tracing::debug!(job.name = name, job.id = %id, ?after, "job snoozes"),
        Ending::HandedBack { .. } => tracing::debug!(job.name = name, job.id = %id, "job is handed back"),
        Ending::Retry { after, failure } => tracing::warn!(
            job.name = name,
            job.id = %id,
            job.attempt = failure.attempt,
            error = failure.cause,
            kind = failure.kind.name(),
            again_in = ?after,
            "job failed"
        ),
        Ending::Dead { failure } => tracing::error!(
            job.name = name,
            job.id = %id,
            job.attempt = failure.attempt,
            error = failure.cause,
            kind = failure.kind.name(),
            "job is dead"
        ),
    }
}
