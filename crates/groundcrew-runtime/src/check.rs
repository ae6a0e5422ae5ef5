use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::health::{CheckFailure, Health};
use crate::task::attempt;

/// What a failing check means for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impact {
    /// Without it the service cannot answer: it becomes unready.
    Required,
    /// The service answers, with less: it stays ready and says `degraded`. Right for dependencies that all
    /// replicas share, since taking every replica out helps nobody.
    Degraded,
}

/// How often a check runs, how long it may take and when its result counts.
#[derive(Debug, Clone, Copy)]
pub struct CheckPolicy {
    pub(crate) impact: Impact,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    pub(crate) fail_after: u32,
    pub(crate) recover_after: u32,
}

impl CheckPolicy {
    /// Every 5 s, at most 5 s long, unready after 3 failures in a row, ready after 1 success.
    pub fn required() -> Self {
        let five = Duration::from_secs(5);
        Self { impact: Impact::Required, period: five, timeout: five, fail_after: 3, recover_after: 1 }
    }

    /// As [`required`](Self::required), but a failure only degrades.
    pub fn degraded() -> Self {
        Self { impact: Impact::Degraded, ..Self::required() }
    }

    /// The pause between two runs.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period.max(Duration::from_millis(10));
        self
    }

    /// How long one run may take before it counts as `timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many failures in a row it takes to fail (at least 1). Before the first success one is enough.
    pub fn fail_after(mut self, failures: u32) -> Self {
        self.fail_after = failures.max(1);
        self
    }

    /// How many successes in a row it takes to recover (at least 1).
    pub fn recover_after(mut self, successes: u32) -> Self {
        self.recover_after = successes.max(1);
        self
    }
}

/// A running check. Dropping it takes the check out of readiness; [`keep`](Self::keep) leaves it there for
/// the life of the service.
#[must_use = "dropping the guard removes the check; call `keep()` to leave it in place"]
#[derive(Debug)]
pub struct CheckGuard {
    health: Arc<Health>,
    id: u64,
    task: AbortHandle,
    kept: bool,
}

impl CheckGuard {
    /// Leaves the check running for the life of the service.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for CheckGuard {
    fn drop(&mut self) {
        if !self.kept {
            self.task.abort();
            self.health.unregister(self.id);
        }
    }
}

pub(crate) fn run<F, Fut, E>(health: Arc<Health>, name: String, policy: CheckPolicy, probe: F) -> CheckGuard
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Display,
{
    let id = health.register(&name, policy);
    let task = {
        let health = health.clone();
        tokio::spawn(async move {
            loop {
                let started = Instant::now();
                // A probe that panics has failed; it must not leave its last good answer standing for ever.
                let asked = attempt(async { probe().await.map_err(|error| error.to_string()) });
                let result = match tokio::time::timeout(policy.timeout, asked).await {
                    Ok(None) => Ok(()),
                    Ok(Some(error)) => Err(CheckFailure::Error(error)),
                    Err(_) => Err(CheckFailure::Timeout(policy.timeout)),
                };
                let change = health.record(id, started, &result);
                report_change(&name, &result, change);
                tokio::time::sleep(policy.period).await;
            }
        })
        .abort_handle()
    };
    CheckGuard { health, id, task, kept: false }
}

/// A change is logged once, here; single failures inside the hysteresis are not news.
fn report_change(name: &str, result: &Result<(), CheckFailure>, change: Option<bool>) {
    match (change, result) {
        (Some(true), _) => tracing::info!(check.name = name, "health check passes"),
        (Some(false), Err(CheckFailure::Error(error))) => {
            tracing::warn!(check.name = name, error, "health check fails");
        }
        (Some(false), Err(CheckFailure::Timeout(after))) => {
            tracing::warn!(check.name = name, timeout = ?after, "health check gives no answer");
        }
        _ => {}
    }
}
