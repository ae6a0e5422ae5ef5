use std::time::Duration;

use jiff::Timestamp;

use crate::job_error::Decision;
use crate::{Ending, Envelope, Failure, FailureKind, JobError, Policy};

/// How long a job waits that was given back.
pub(crate) const HAND_BACK_PAUSE: Duration = Duration::ZERO;
/// A job that says that it is interrupted while nothing stops must not spin.
const INTERRUPTED_PAUSE: Duration = Duration::from_secs(1);

/// How one run of a job went.
#[derive(Debug)]
pub(crate) enum Run {
    Returned(Result<(), JobError>),
    Panicked(String),
    TimedOut,
    Unreadable(String),
    Crashed,
}

// === impl Run ===

impl Run {
    /// What that means for the job.
    pub(crate) fn ending(self, envelope: &Envelope, policy: &Policy) -> Ending {
        let (kind, cause, after) = match self {
            Run::Returned(Ok(())) => return Ending::Done,
            Run::Returned(Err(JobError { decision, cause })) => match decision {
                Decision::Cancel => return Ending::Cancelled { reason: cause },
                Decision::Snooze(after) => return Ending::Snoozed { after },
                Decision::HandBack => return Ending::HandedBack { after: INTERRUPTED_PAUSE },
                Decision::Fail => (FailureKind::Fail, cause, None),
                Decision::RetryAfter(after) => (FailureKind::Error, cause, Some(after)),
                Decision::Retry => (FailureKind::Error, cause, None),
            },
            Run::Panicked(words) => (FailureKind::Panic, words, None),
            Run::TimedOut => (FailureKind::Timeout, format!("took longer than {:?}", policy.timeout), None),
            Run::Unreadable(cause) => (FailureKind::Payload, cause, None),
            Run::Crashed => {
                let cause = format!("{} deliveries in a row ended without an outcome", envelope.crashes);
                (FailureKind::Crash, cause, None)
            }
        };
        let attempt = envelope.attempts + 1;
        let failure = Failure { attempt, at: Timestamp::now(), kind, cause };
        let hopeless = matches!(kind, FailureKind::Fail | FailureKind::Payload | FailureKind::Crash);
        if hopeless || attempt >= envelope.max_attempts {
            return Ending::Dead { failure };
        }
        Ending::Retry { after: after.unwrap_or_else(|| policy.backoff.delay(envelope.attempts)), failure }
    }
}
