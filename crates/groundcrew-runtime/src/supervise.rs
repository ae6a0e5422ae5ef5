use std::future::Future;

use crate::gate::report_failed;
use crate::landing::Landing;
use crate::signals::Signals;
use crate::task::{TaskResult, attempt};
use crate::{CUT_GRACE, Crew, Reason, Receipt};

/// The exit code of a service whose shutdown was cut short.
pub(crate) const CUT_SHORT: u8 = 130;

/// How a supervised service ended.
#[must_use = "the exit code and the reason of a failure are in it"]
#[derive(Debug)]
pub struct Landed {
    /// Why it went down.
    pub reason: Reason,
    /// What its shutdown did; `None` when a third signal ended it on the spot.
    pub receipt: Option<Receipt>,
}

impl Landed {
    /// The process's exit code: 0 after an orderly shutdown that was asked for, 1 after a failed start or
    /// the end of a critical task, 130 when a third signal cut everything short. Where nothing can return any
    /// more, since every thread is blocked, [`Signals`] end the process with 130.
    pub fn exit_code(&self) -> u8 {
        match (&self.receipt, self.reason.is_failure()) {
            (None, _) => CUT_SHORT,
            (Some(_), true) => 1,
            (Some(_), false) => 0,
        }
    }
}

/// Runs `start`, then watches over the crew until it is told to stop, then lands it.
///
/// `start` builds and returns; what it built runs in the crew's tasks. A signal during `start` drops it and
/// lands what had been built. The first signal begins the shutdown, the second cuts the phase that runs, the
/// third returns at once. A shutdown that the platform would interrupt is a warning in the log; whoever wants to
/// refuse it asks [`ShutdownConfig::validate`](crate::ShutdownConfig::validate) before.
pub async fn supervise<F>(crew: &Crew, mut signals: Signals, start: F) -> Landed
where
    F: Future<Output: TaskResult>,
{
    if let Err(error) = crew.shutdown_config().validate(crew.inner.in_kubernetes) {
        tracing::warn!(%error, "the shutdown does not fit");
    }
    signals.supervised(crew.shutdown_config().budget.saturating_add(CUT_GRACE));
    let gate = crew.gate("start");
    crew.inner.health.starting();
    tokio::select! {
        biased;
        signal = signals.recv() => crew.request_shutdown(Reason::Signal(signal)),
        () = crew.shutdown_requested() => {}
        failure = attempt(start) => match failure {
            Some(error) => crew.request_shutdown(Reason::StartFailed(error)),
            None => {
                gate.open();
                for failed in crew.inner.health.started() {
                    report_failed(&failed);
                }
            }
        },
    }
    if crew.reason().is_none() {
        tokio::select! {
            signal = signals.recv() => crew.request_shutdown(Reason::Signal(signal)),
            () = crew.shutdown_requested() => {}
        }
    }
    signals.shutdown_began();
    let receipt = land(crew, &mut signals).await;
    if receipt.is_some() {
        signals.landed();
    }
    let reason = crew.reason().unwrap_or_else(|| Reason::Requested("shutdown".to_owned()));
    Landed { reason, receipt }
}

async fn land(crew: &Crew, signals: &mut Signals) -> Option<Receipt> {
    let landing = Landing::new(crew.clone());
    let mut run = std::pin::pin!(landing.run());
    // A shutdown that began from inside has not used up the first signal.
    let mut signalled = matches!(crew.reason(), Some(Reason::Signal(_)));
    let mut hurried = false;
    loop {
        tokio::select! {
            biased;
            receipt = &mut run => return Some(receipt),
            signal = signals.recv() => {
                if !signalled {
                    signalled = true;
                    tracing::info!(signal, "the shutdown has begun already");
                    continue;
                }
                if hurried {
                    tracing::error!(signal, "third signal: leaving at once");
                    return None;
                }
                hurried = true;
                tracing::warn!(signal, "second signal: cutting the present phase short");
                landing.cut_phase();
            }
        }
    }
}

impl Crew {
    /// Lands the crew without signals: what [`supervise`] does at the end, for tests and for whoever owns
    /// `main`.
    pub async fn land(&self) -> Receipt {
        self.request_shutdown(Reason::Requested("asked from inside".to_owned()));
        Landing::new(self.clone()).run().await
    }
}
