use std::fmt;
use std::sync::Arc;

use super::State;
use crate::Principal;

/// What the service says about somebody who is known.
#[derive(Clone)]
pub(super) struct Judge(Arc<dyn Fn(Principal) -> Principal + Send + Sync>);

// === impl Judge ===

impl Judge {
    pub(super) fn new(judge: impl Fn(Principal) -> Principal + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    pub(super) fn judge(&self, state: State) -> State {
        match state {
            State::Known(who) => State::Known((self.0)(who)),
            state => state,
        }
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").finish_non_exhaustive()
    }
}
