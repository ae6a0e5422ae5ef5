//! Counts the queue from time to time, for metrics and health, and removes what is too old.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Backoff, CheckPolicy, Crew, Restart, Stop};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::metrics::JobMetrics;
use crate::{Backend, BackendError, JobsConfig, QueueStat, Retention, State};

/// How often what is too old is removed.
const SWEEP: Duration = Duration::from_secs(15 * 60);
/// How long it may take to count, and to remove: a connection that is lost does not always answer.
const COUNT: Duration = Duration::from_secs(30);
const REMOVE: Duration = Duration::from_secs(300);

pub(crate) fn start(crew: &Crew, config: &JobsConfig, backend: &Arc<dyn Backend>, metrics: &Arc<JobMetrics>) {
    let latest = Arc::new(Mutex::new(Vec::new()));
    let (counted, seen, stalled_after) = (latest.clone(), metrics.clone(), config.stalled_after);
    let (config, backend) = (config.clone(), backend.clone());
    crew.task("jobs watch", Restart::OnFailure(Backoff::default()), move |stop| {
        count(config.clone(), backend.clone(), seen.clone(), counted.clone(), stop)
    });
    let policy = CheckPolicy::degraded().fail_after(2);
    let probe = move || {
        let stalled = stalled(&latest.lock(), stalled_after);
        std::future::ready(stalled.map_or(Ok(()), Err))
    };
    crew.check("jobs", policy, probe).keep();
}

async fn count(
    config: JobsConfig,
    backend: Arc<dyn Backend>,
    metrics: Arc<JobMetrics>,
    latest: Arc<Mutex<Vec<QueueStat>>>,
    stop: Stop,
) {
    let mut swept: Option<Instant> = None;
    let mut failing = false;
    while !stop.is_requested() {
        let mut failure = None;
        match in_time(&*backend, "count jobs", COUNT, backend.stats()).await {
            Ok(stats) => {
                metrics.show(&stats);
                *latest.lock() = stats;
            }
            Err(error) => failure = Some(error),
        }
        if swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            // Also when it fails: what takes long is not begun anew all the time, and by every replica.
            swept = Some(Instant::now());
            let keep = Retention { dead: config.keep_dead, effects: config.keep_effects };
            if let Err(error) = in_time(&*backend, "sweep", REMOVE, backend.sweep(keep)).await {
                failure = Some(error);
            }
        }
        if let Some(error) = failure.as_ref().filter(|_| !failing) {
            tracing::warn!(jobs.backend = backend.name(), %error, "jobs cannot be counted or swept");
        }
        failing = failure.is_some();
        stop.unless(tokio::time::sleep(config.stats_period)).await;
    }
}

async fn in_time<T>(
    backend: &dyn Backend,
    action: &'static str,
    limit: Duration,
    answer: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    let late = |_| {
        let cause = format!("no answer within {limit:?}");
        Err(BackendError::Unavailable { backend: backend.name(), action, cause })
    };
    tokio::time::timeout(limit, answer).await.unwrap_or_else(late)
}

/// Work waits, and nobody does any of its kind.
fn stalled(stats: &[QueueStat], after: Duration) -> Option<String> {
    let runs = |name: &str| stats.iter().any(|stat| stat.name == name && stat.state == State::Running);
    let waits = stats.iter().filter(|stat| stat.state == State::Ready && stat.oldest >= after);
    let worst = waits.filter(|stat| !runs(&stat.name)).max_by_key(|stat| stat.oldest)?;
    let QueueStat { name, count, oldest, .. } = worst;
    let oldest = oldest.as_secs();
    Some(format!(
        "{count} jobs `{name}` wait, the oldest for {oldest} s, and nobody runs any: start a worker that knows them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(state: State, oldest: u64) -> QueueStat {
        QueueStat { name: "a".to_owned(), state, count: 3, oldest: Duration::from_secs(oldest) }
    }

    #[test]
    fn work_that_waits_while_nobody_consumes_is_a_problem_and_a_backlog_is_none() {
        let after = Duration::from_secs(60);
        assert!(stalled(&[stat(State::Ready, 61)], after).is_some_and(|words| words.contains("`a`")));
        assert_eq!(stalled(&[stat(State::Ready, 59)], after), None);
        assert_eq!(stalled(&[stat(State::Ready, 3600), stat(State::Running, 1)], after), None);
        assert_eq!(stalled(&[stat(State::Dead, 3600)], after), None);
    }
}
