//! The end of what takes too long or is not wanted any more.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{BackupError, RestoreError};

/// Until when something may go on.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    stop: CancellationToken,
    deadline: Instant,
    patience: Duration,
}

/// Why something ended before it was done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended {
    TimedOut(Duration),
    Stopped,
}

// === impl Bound ===

impl Bound {
    pub(crate) fn new(stop: CancellationToken, patience: Duration) -> Self {
        Self { stop, deadline: Instant::now() + patience, patience }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) async fn on<T, E: From<Ended>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Ended::Stopped.into()),
            () = tokio::time::sleep_until(self.deadline) => Err(Ended::TimedOut(self.patience).into()),
            done = work => done,
        }
    }
}

/// Runs work as a task of its own, so that it can tidy up when its caller goes away: then `stop` is cancelled.
pub(crate) async fn apart<T, E, F>(stop: CancellationToken, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Ended> + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let _gone = stop.drop_guard();
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Ended::Stopped.into()),
    }
}

impl From<Ended> for BackupError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::TimedOut(within) => Self::TimedOut(within),
            Ended::Stopped => Self::Stopped,
        }
    }
}

impl From<Ended> for RestoreError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::TimedOut(within) => Self::TimedOut(within),
            Ended::Stopped => Self::Stopped,
        }
    }
}
