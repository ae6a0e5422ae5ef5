//! Fetches jobs, runs them, and puts their ends on record.

mod desk;
mod fetch;
mod landing;
mod outcome;
mod pulse;
mod rate;
mod run;
mod settler;
pub(crate) mod slot;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use groundcrew_runtime::{Backoff, Crew, Phase, Restart};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::metrics::OneJob;
use crate::{Attempt, Backend, Ending, Envelope, JobError, JobsConfig, Policy, Settlement};
use desk::Desk;
use outcome::HAND_BACK_PAUSE;
use rate::Rate;
use slot::Slot;

/// How many ends wait for their record before jobs wait for that.
const UNSETTLED: usize = 1024;
/// So far off that it is never: what is added to the time beyond that may overflow.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Begins a job from its payload.
pub(crate) type Start = Arc<
    dyn Fn(&str, Attempt) -> Result<BoxFuture<'static, Result<(), JobError>>, serde_json::Error>
        + Send
        + Sync,
>;

/// A kind of job that this worker runs.
pub(crate) struct Runner {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) policy: Policy,
    pub(crate) metrics: OneJob,
    pub(crate) start: Start,
}

/// Everything that the parts of a worker share.
pub(crate) struct Worker {
    config: JobsConfig,
    crew: Crew,
    backend: Arc<dyn Backend>,
    runners: HashMap<&'static str, (Runner, Option<Rate>)>,
    desk: Desk,
    ends: mpsc::Sender<Settlement>,
    name: Arc<str>,
    finished: AtomicU64,
    handed_back: AtomicU64,
}

// === impl Worker ===

impl Worker {
    /// Runs the jobs of these kinds until the crew stops.
    pub(crate) fn start(crew: &Crew, config: JobsConfig, backend: Arc<dyn Backend>, runners: Vec<Runner>) {
        let (ends, ended) = mpsc::channel(UNSETTLED);
        let with_rate = |runner: Runner| {
            let rate = runner.policy.rate.map(|(jobs, within)| Rate::new(jobs, within));
            (runner.name, (runner, rate))
        };
        let worker = Arc::new(Self {
            desk: Desk::new(&config),
            config,
            crew: crew.clone(),
            backend,
            runners: runners.into_iter().map(with_rate).collect(),
            ends,
            name: format!("{}@{}:{}", crew.service(), host(), std::process::id()).into(),
            finished: AtomicU64::new(0),
            handed_back: AtomicU64::new(0),
        });
        // Both outlive the drain, since they serve what is drained; the flush ends them.
        let settling = tokio::spawn(settler::run(worker.clone(), ended)).abort_handle();
        let beating = tokio::spawn(pulse::run(worker.clone())).abort_handle();
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let fetching = worker.clone();
        crew.task("jobs", Restart::OnFailure(backoff), move |stop| fetch::run(fetching.clone(), stop));
        let draining = worker.clone();
        crew.on_shutdown(Phase::Drain, "jobs running", move |scope| async move {
            landing::drain(&draining, scope).await
        });
        crew.on_shutdown(Phase::Flush, "jobs outcomes", move |scope| async move {
            let outcome = landing::flush(&worker, scope).await;
            settling.abort();
            beating.abort();
            outcome
        });
    }

    /// Begins what may begin.
    fn fill(self: &Arc<Self>) {
        if self.crew.stop().is_requested() {
            return;
        }
        while let Some(slot) = self.desk.next() {
            // Boxed, since the end of one job begins another.
            let work: BoxFuture<'static, ()> = Box::pin(self.clone().work(slot));
            tokio::spawn(work);
        }
    }

    async fn work(self: Arc<Self>, slot: Arc<Slot>) {
        let started = Instant::now();
        let ending = match self.runners.get(slot.name()) {
            Some((runner, _)) => {
                let ending = run::deliver(&self, runner, &slot).await;
                runner.metrics.duration.observe(started.elapsed().as_secs_f64());
                ending
            }
            None => Some(Ending::HandedBack { after: self.config.poll_period }),
        };
        match ending {
            // Whoever goes on with it is another process.
            Some(Ending::HandedBack { .. }) if self.crew.stop().is_requested() => {
                self.settle(&slot, Ending::HandedBack { after: HAND_BACK_PAUSE }).await;
            }
            Some(ending) => self.settle(&slot, ending).await,
            None => self.forget(&slot),
        }
        let limited = self.runners.get(slot.name()).is_some_and(|(runner, _)| runner.is_limited_here());
        self.desk.ended(&slot, Some(started.elapsed()), limited);
        self.fill();
    }

    /// Hands an end over to be put on record; waits only where too many are waiting.
    async fn settle(&self, slot: &Slot, ending: Ending) {
        run::report(&slot.delivery.envelope, &ending);
        if let Some((runner, _)) = self.runners.get(slot.name()) {
            runner.metrics.ended(ending.name());
        }
        let tally =
            if matches!(ending, Ending::HandedBack { .. }) { &self.handed_back } else { &self.finished };
        tally.fetch_add(1, Ordering::Relaxed);
        self.record(slot, ending).await;
    }

    async fn record(&self, slot: &Slot, ending: Ending) {
        // The receiver ends with the flush, and then nobody is left to tell.
        let _over = self.ends.send(slot.settled_as(ending)).await;
    }

    async fn hand_back(&self, slots: Vec<Arc<Slot>>, after: Duration) {
        for slot in slots {
            self.settle(&slot, Ending::HandedBack { after }).await;
        }
    }

    fn forget(&self, slot: &Slot) {
        let envelope = &slot.delivery.envelope;
        self.desk.forget(envelope.id, slot.delivery.token, self.is_limited_everywhere(envelope));
    }

    /// Whether there may be room again for others once the end of this job is on record.
    fn is_limited_everywhere(&self, envelope: &Envelope) -> bool {
        let runner = self.runners.get(envelope.name.as_str());
        envelope.key.is_some() || runner.is_some_and(|(runner, _)| runner.policy.global_concurrency.is_some())
    }
}

/// Tells two machines apart for a person.
fn host() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned())
}

// === impl Runner ===

impl Runner {
    /// Whether there is room for others as soon as one has ended here.
    fn is_limited_here(&self) -> bool {
        self.policy.concurrency.is_some()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}
