use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Crew, Outcome};

/// What a shutdown hook is told about its phase.
#[derive(Debug, Clone)]
pub struct PhaseScope {
    pub(crate) deadline: Instant,
    /// How long after the deadline its participants may go on.
    pub(crate) overtime: Duration,
    pub(crate) cut: CancellationToken,
}

impl PhaseScope {
    /// Resolves when the phase is cut: its deadline has come, or an operator sent a second signal. What is
    /// left then has [`grace`](Self::grace) to say good-bye.
    pub async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// How much time the phase has left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long what is cut now may take to give its last answer before it is dropped: [`CUT_GRACE`], or less where
    /// that would eat the time of the phases that come.
    pub fn grace(&self) -> Duration {
        CUT_GRACE.min(self.remaining() + self.overtime)
    }
}

/// How long a cut participant may take at most to give its last answer before it is dropped; see
/// [`PhaseScope::grace`].
pub const CUT_GRACE: Duration = Duration::from_millis(500);

pub(crate) type HookFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;
pub(crate) type HookFn = Box<dyn FnOnce(PhaseScope) -> HookFuture + Send>;

/// A hook that waits for its phase.
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) phase: crate::Phase,
    pub(crate) name: String,
    pub(crate) run: HookFn,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("phase", &self.phase).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The hook of something that comes and goes while the service runs. Dropping it takes the hook away, unless the
/// shutdown was requested by then: what was there is a part of it.
#[must_use = "dropping the guard takes the hook away"]
#[derive(Debug)]
pub struct HookGuard {
    pub(crate) crew: Crew,
    pub(crate) id: u64,
}

impl Drop for HookGuard {
    fn drop(&mut self) {
        if self.crew.inner.requested.is_cancelled() {
            return;
        }
        let mut hooks = self.crew.inner.hooks.lock();
        let found = hooks.iter().position(|hook| hook.id == self.id);
        let gone = found.map(|at| hooks.remove(at));
        drop(hooks);
        // Only now: what the hook holds may be another guard.
        drop(gone);
    }
}
