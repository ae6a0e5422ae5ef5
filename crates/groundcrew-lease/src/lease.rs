use std::fmt;
use std::sync::Arc;

use groundcrew_runtime::{Backoff, CheckPolicy, Crew, Restart, Stop, TaskResult};
use parking_lot::Mutex;

use crate::campaign::{Campaign, Work};
use crate::candidate::Candidate;
use crate::metrics::LeaseMetrics;
use crate::term::Term;
use crate::{LeaseConfig, LeaseError};

/// A place that one process at a time may have: what [`run`](Self::run) is given happens in one of them.
#[must_use = "a lease nobody runs for leads nowhere"]
pub struct Lease {
    name: Arc<str>,
    crew: Crew,
    config: LeaseConfig,
    candidate: Box<dyn Candidate>,
    standing: Arc<Standing>,
    metrics: LeaseMetrics,
}

/// Whether this process leads, for whoever is not the leader's work: a handler, a gauge. Clones share everything.
#[derive(Debug, Clone)]
pub struct LeaseStatus {
    name: Arc<str>,
    standing: Arc<Standing>,
}

/// Where this process stands.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    term: Mutex<Option<Arc<Term>>>,
    trouble: Mutex<Option<String>>,
}

// === impl LeaseConfig ===

impl LeaseConfig {
    /// A lease for a service of which there is only one process: it leads at once, and until it stops. Its epochs count
    /// the terms of this process, and fence nothing beyond it.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, and when this process has a lease of that name already.
    pub fn alone(&self, name: &str, crew: &Crew) -> Result<Lease, LeaseError> {
        Lease::build(self, name, crew, Box::new(crate::alone::Alone::default()))
    }
}

// === impl Lease ===

impl Lease {
    pub(crate) fn build(
        config: &LeaseConfig,
        name: &str,
        crew: &Crew,
        candidate: Box<dyn Candidate>,
    ) -> Result<Self, LeaseError> {
        config.validate()?;
        let standing = Arc::new(Standing::default());
        let metrics = LeaseMetrics::register(crew.metrics(), name, &standing)
            .map_err(|source| LeaseError::Metrics { lease: name.to_owned(), source })?;
        Ok(Self {
            name: name.into(),
            crew: crew.clone(),
            config: config.clone(),
            candidate,
            standing,
            metrics,
        })
    }

    /// Does this work wherever the lease is held: here, when it is won, again after it was lost and won again.
    ///
    /// It is the task `lease <name>` of the crew. When the leadership is lost, the work is dropped at its next `await`.
    /// When the service stops, [`Leadership::ending`](crate::Leadership::ending) tells it to come to a good end, for
    /// which it has `lease.handover`; then the lease is given back, and another replica leads at once. Work that
    /// returns, fails or panics gives the lease back too, and this process runs for it again after a pause.
    pub fn run<F, Fut>(self, work: F) -> LeaseStatus
    where
        F: Fn(crate::Leadership) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        let Self { name, crew, config, candidate, standing, metrics } = self;
        let status = LeaseStatus { name: name.clone(), standing: standing.clone() };
        let task = format!("lease {name}");
        let asked = standing.clone();
        let trouble = move || std::future::ready(asked.trouble.lock().clone().map_or(Ok(()), Err));
        crew.check(&*task, CheckPolicy::degraded(), trouble).keep();
        let work: Work = Arc::new(move |leadership| {
            let work = work(leadership);
            Box::pin(async move { work.await.failure() })
        });
        let campaign = Campaign { name, config, standing, metrics, work };
        // One run of the task at a time has it; the next waits until the one before is over.
        let campaign = Arc::new(tokio::sync::Mutex::new((campaign, candidate)));
        crew.task(task, Restart::Always(Backoff::default()), move |stop: Stop| {
            let campaign = campaign.clone();
            async move {
                let (campaign, candidate) = &mut *campaign.lock().await;
                campaign.run(candidate.as_mut(), &stop).await
            }
        });
        status
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl LeaseStatus ===

impl LeaseStatus {
    /// The lease's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this process leads, and it is certain at this moment that no other does.
    pub fn is_leader(&self) -> bool {
        self.standing.is_leader()
    }

    /// The epoch of the present term, while this process leads.
    pub fn epoch(&self) -> Option<u64> {
        let term = self.standing.term.lock();
        term.as_ref().filter(|term| term.is_valid()).map(|term| term.epoch())
    }
}

// === impl Standing ===

impl Standing {
    pub(crate) fn is_leader(&self) -> bool {
        self.term.lock().as_ref().is_some_and(|term| term.is_valid())
    }

    pub(crate) fn leads(&self, term: Option<Arc<Term>>) {
        *self.term.lock() = term;
    }

    /// Returns whether it is news.
    pub(crate) fn troubled(&self, words: String) -> bool {
        self.trouble.lock().replace(words).is_none()
    }

    /// Returns whether it is news.
    pub(crate) fn is_well(&self) -> bool {
        self.trouble.lock().take().is_some()
    }
}
