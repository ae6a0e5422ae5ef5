use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use groundcrew_runtime::Backoff;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How many attempts to connect are under way at a time while they succeed.
const AT_ONCE: usize = 4;

/// Lets few attempts to connect through at a time, and while they fail a single one after a pause: a server
/// that comes back is not met by every request that waits for it.
#[derive(Debug)]
pub(crate) struct ConnectGate {
    at_once: Arc<Semaphore>,
    alone: Arc<tokio::sync::Mutex<()>>,
    backoff: Backoff,
    record: Mutex<Record>,
}

#[derive(Debug)]
struct Record {
    failures: u32,
    not_before: Instant,
    last: Option<String>,
}

/// The right to one attempt; others go on when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<ConnectGate>,
    _at_once: Option<OwnedSemaphorePermit>,
    _alone: Option<OwnedMutexGuard<()>>,
}

// === impl ConnectGate ===

impl ConnectGate {
    pub(crate) fn new() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            alone: Arc::default(),
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(1)),
            record: Mutex::new(Record { failures: 0, not_before: Instant::now(), last: None }),
        }
    }

    pub(crate) async fn pass(self: Arc<Self>) -> Pass {
        // Nobody closes the semaphore.
        let at_once = Arc::clone(&self.at_once).acquire_owned().await.ok();
        let mut alone = None;
        if self.record().failures > 0 {
            let guard = Arc::clone(&self.alone).lock_owned().await;
            // Whoever was here before may have got through.
            let pause = {
                let record = self.record();
                (record.failures > 0).then_some(record.not_before)
            };
            if let Some(not_before) = pause {
                tokio::time::sleep_until(not_before).await;
                alone = Some(guard);
            }
        }
        Pass { gate: self, _at_once: at_once, _alone: alone }
    }

    /// What the last attempt failed of, until one succeeds.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.record().last.clone()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pass ===

impl Pass {
    pub(crate) fn succeeded(self) {
        let mut record = self.gate.record();
        record.failures = 0;
        record.last = None;
    }

    pub(crate) fn failed(self, words: String) {
        let mut record = self.gate.record();
        record.not_before = Instant::now() + self.gate.backoff.delay(record.failures);
        record.failures = record.failures.saturating_add(1);
        record.last = Some(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what can be had without waiting.
    async fn passes(gate: &Arc<ConnectGate>) -> Vec<Pass> {
        let mut passes = Vec::new();
        while let Ok(pass) = tokio::time::timeout(Duration::ZERO, Arc::clone(gate).pass()).await {
            passes.push(pass);
        }
        passes
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_attempts_are_under_way_while_they_succeed() {
        let gate = Arc::new(ConnectGate::new());
        let held = passes(&gate).await;
        assert_eq!(held.len(), AT_ONCE);
        held.into_iter().for_each(Pass::succeeded);
        assert_eq!(passes(&gate).await.len(), AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_there_is_one_attempt_at_a_time_after_a_pause() {
        let gate = Arc::new(ConnectGate::new());
        Arc::clone(&gate).pass().await.failed("refused".into());
        assert!(passes(&gate).await.is_empty(), "not before the pause is over");
        tokio::time::advance(Duration::from_secs(1)).await;
        let one = passes(&gate).await;
        assert_eq!((one.len(), gate.last_failure().as_deref()), (1, Some("refused")));
        one.into_iter().for_each(Pass::succeeded);
        assert_eq!((passes(&gate).await.len(), gate.last_failure()), (AT_ONCE, None));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_go_on_failing_are_at_least_half_a_second_apart() {
        let gate = Arc::new(ConnectGate::new());
        for _ in 0..10 {
            Arc::clone(&gate).pass().await.failed("refused".into());
        }
        let started = Instant::now();
        Arc::clone(&gate).pass().await.failed("refused".into());
        assert!(started.elapsed() >= Duration::from_millis(500));
    }
}
