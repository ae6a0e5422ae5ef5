use std::error::Error;
use std::fmt;
use std::time::Duration;

/// How a job ends that did not succeed: the error carries the decision.
///
/// Any other error becomes one by `?`, and means: try again, by the job's policy.
///
/// ```
/// use std::time::Duration;
/// use groundcrew_jobs::JobError;
///
/// async fn run(status: u16) -> Result<(), JobError> {
///     match status {
///         200 => Ok(()),
///         404 => Err(JobError::cancel("the channel is gone")), // nothing left to do, and no fault
///         422 => Err(JobError::fail("the payload makes no sense")), // no attempt would help: dead at once
///         429 => Err(JobError::retry_after(Duration::from_secs(30), "rate limited")), // an attempt, later
///         503 => Err(JobError::snooze(Duration::from_secs(60))), // later, and it costs no attempt
///         _ => Err(std::io::Error::other("no idea"))?,         // an attempt, by the policy
///     }
/// }
/// ```
pub struct JobError {
    pub(crate) decision: Decision,
    pub(crate) cause: String,
}

/// What is to become of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Retry,
    RetryAfter(Duration),
    Snooze(Duration),
    HandBack,
    Cancel,
    Fail,
}

/// What may stand as a cause: every error, `anyhow::Error`, and words.
type Cause = Box<dyn Error + Send + Sync>;

// === impl JobError ===

impl JobError {
    /// A failed attempt; the next one by the job's policy.
    pub fn retry(cause: impl Into<Cause>) -> Self {
        Self { decision: Decision::Retry, cause: chain(&*cause.into()) }
    }

    /// A failed attempt; the next one not before this time.
    pub fn retry_after(delay: Duration, cause: impl Into<Cause>) -> Self {
        Self { decision: Decision::RetryAfter(delay), cause: chain(&*cause.into()) }
    }

    /// Not yet: again after this time, at the cost of no attempt.
    pub fn snooze(delay: Duration) -> Self {
        Self { decision: Decision::Snooze(delay), cause: String::new() }
    }

    /// Interrupted by the shutdown: what a long job returns when [`Attempt::stop`](crate::Attempt::stop) fires
    /// and its checkpoint is saved. It costs no attempt.
    pub fn interrupted() -> Self {
        Self { decision: Decision::HandBack, cause: String::new() }
    }

    /// There is nothing left to do. The job is over, and it is no failure.
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self { decision: Decision::Cancel, cause: reason.into() }
    }

    /// No further attempt would help: dead at once.
    pub fn fail(cause: impl Into<Cause>) -> Self {
        Self { decision: Decision::Fail, cause: chain(&*cause.into()) }
    }

    /// The cause in words, with its own causes; empty where there is none.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

// `JobError` is no `std::error::Error` itself, or this could not be.
impl<E: Into<Cause>> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobError").field("decision", &self.decision).field("cause", &self.cause).finish()
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let words = next.to_string();
        // Some errors show their cause themselves.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write the page")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn any_error_means_another_attempt_and_keeps_its_causes() {
        let error = JobError::from(Outer(std::io::Error::other("disk full")));
        assert_eq!(error.decision, Decision::Retry);
        assert_eq!(error.cause(), "cannot write the page: disk full");
    }
}
