use groundcrew_runtime::{Readiness, Reason};
use std::fmt;
use std::time::Duration;

/// What the service did not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its `start` failed.
    #[error("the service does not start: {0}")]
    Start(String),
    /// It went down while something else was expected of it.
    #[error("the service went down: {0}")]
    WentDown(Reason),
    /// Its readiness was not as wanted in time.
    #[error("the readiness is not as wanted after {within:?}: {readiness}")]
    NotReady {
        /// The time it had.
        within: Duration,
        /// As it was last.
        readiness: Last,
    },
    /// It did not go down.
    #[error("the service is still up after {within:?}")]
    StillUp {
        /// The time it had.
        within: Duration,
    },
}

/// The last readiness that was seen; its `Display` says what was wrong with it.
#[derive(Debug)]
pub struct Last(Box<Readiness>);

impl Last {
    /// All of it.
    pub fn readiness(&self) -> &Readiness {
        &self.0
    }
}

impl From<Readiness> for Last {
    fn from(readiness: Readiness) -> Self {
        Self(Box::new(readiness))
    }
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Readiness { ready, reasons, degraded, checks, .. } = &*self.0;
        f.write_str(if *ready { "ready" } else { "not ready" })?;
        f.write_str(if *degraded { ", degraded" } else { "" })?;
        for reason in reasons {
            write!(f, "; {reason}")?;
        }
        for check in checks.iter().filter(|check| !check.passing) {
            write!(f, "; {} is {}", check.name, check.status.name())?;
            if let Some(error) = &check.last_error {
                write!(f, " ({error})")?;
            }
        }
        Ok(())
    }
}
