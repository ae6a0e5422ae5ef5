use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::{Delivery, Envelope, Failure, FailureKind};

/// How one delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Done.
    Done,
    /// Over without being done, on the job's own word.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// A failed attempt, to be tried again.
    Retry {
        /// Not before.
        after: Duration,
        /// Why.
        failure: Failure,
    },
    /// Later, at the cost of no attempt.
    Snoozed {
        /// Not before.
        after: Duration,
    },
    /// Given back unfinished (or not even begun), at the cost of no attempt.
    HandedBack {
        /// Not before.
        after: Duration,
    },
    /// A failed attempt, and the last.
    Dead {
        /// Why.
        failure: Failure,
    },
}

/// A delivery with its end, on the way to the backend.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// What was delivered.
    pub delivery: Arc<Delivery>,
    /// How it ended.
    pub ending: Ending,
    /// What the job saved last, as JSON; `None` when it has saved nothing in this delivery.
    pub checkpoint: Option<String>,
}

/// What a backend has to keep of a job whose delivery has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// Nothing: the job is over.
    Over,
    /// The job, to run again.
    Waits {
        /// As it is now.
        envelope: Envelope,
        /// Not before.
        after: Duration,
    },
    /// The job, in the dead set.
    Dead {
        /// As it is now.
        envelope: Envelope,
    },
}

// === impl Ending ===

impl Ending {
    /// As it stands in metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Cancelled { .. } => "cancelled",
            Ending::Retry { .. } => "retry",
            Ending::Snoozed { .. } => "snoozed",
            Ending::HandedBack { .. } => "handed_back",
            Ending::Dead { .. } => "dead",
        }
    }

    /// Whether the job may run again at once, here or elsewhere.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn is_ready_again(&self) -> bool {
        match self {
            Ending::Retry { after, .. } | Ending::Snoozed { after } | Ending::HandedBack { after } => {
                after.is_zero()
            }
            Ending::Done | Ending::Cancelled { .. } | Ending::Dead { .. } => false,
        }
    }

    /// Every name, for dashboards.
    pub const NAMES: [&'static str; 6] = ["done", "cancelled", "retry", "snoozed", "handed_back", "dead"];
}

// === impl Settlement ===

impl Settlement {
    /// Since when it waits, if it goes back as if it had never left: to its place before what came later.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        let is_unmoved = matches!(self.ending, Ending::HandedBack { after } if after.is_zero());
        is_unmoved.then_some(self.delivery.due_at)
    }

    /// The state machine of a job: what becomes of it, the same in every backend.
    pub fn fate(&self) -> Fate {
        let kept = || {
            let mut envelope = self.delivery.envelope.clone();
            if self.checkpoint.is_some() {
                envelope.checkpoint.clone_from(&self.checkpoint);
            }
            envelope
        };
        match &self.ending {
            Ending::Done | Ending::Cancelled { .. } => Fate::Over,
            Ending::Retry { after, failure } => {
                let mut envelope = kept();
                envelope.attempts += 1;
                envelope.crashes = 0;
                envelope.remember(failure.clone());
                if envelope.attempts >= envelope.max_attempts {
                    return Fate::Dead { envelope };
                }
                Fate::Waits { envelope, after: *after }
            }
            Ending::Snoozed { after } => {
                Fate::Waits { envelope: Envelope { crashes: 0, ..kept() }, after: *after }
            }
            // No proof that it would not have killed its process: the crashes stand.
            Ending::HandedBack { after } => Fate::Waits { envelope: kept(), after: *after },
            Ending::Dead { failure } => {
                let mut envelope = kept();
                // What could not begin, or never came to an end, was no attempt.
                let attempted = !matches!(failure.kind, FailureKind::Crash | FailureKind::Payload);
                envelope.attempts += u32::from(attempted);
                envelope.remember(failure.clone());
                Fate::Dead { envelope }
            }
        }
    }
}
