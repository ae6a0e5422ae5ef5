mod call;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groundcrew_runtime::{Crew, Outcome, Phase};
use groundcrew_telemetry::CounterFamily;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::{Backend, DeadSet, Enqueue, EnqueueError, Enqueued, Job, JobId, NewJob, enqueue};
use call::{Call, Results, enqueue_all};

/// How many jobs go to the backend together at most.
const BATCH: usize = 256;
/// How many batches are under way at once.
const IN_FLIGHT: usize = 4;
/// How many calls wait for their turn before further ones wait outside.
const QUEUE: usize = 1024;

/// Enqueues jobs. Clones share everything.
///
/// Calls that come at the same time share a commit (or a window of confirms). A call may be dropped: its job is
/// enqueued all the same once it was handed over.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    backend: Arc<dyn Backend>,
    calls: mpsc::Sender<Call>,
    timeout: Duration,
    enqueued: CounterFamily<1>,
    under_way: Arc<UnderWay>,
    /// A job was written to the outbox, in a transaction that may commit soon.
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "SQL tells"))]
    posted: Notify,
    /// Where the jobs are, or what lies beside their broker.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    database: std::sync::OnceLock<groundcrew_sql::Database>,
}

/// How many jobs were handed over and not answered, whether or not somebody still waits for the answer.
#[derive(Debug, Default)]
struct UnderWay {
    jobs: AtomicUsize,
    fewer: Notify,
}

// === impl Publisher ===

impl Publisher {
    pub(crate) fn start(
        crew: &Crew,
        backend: Arc<dyn Backend>,
        timeout: Duration,
        enqueued: CounterFamily<1>,
    ) -> Self {
        let (calls, waiting) = mpsc::channel(QUEUE);
        let (under_way, posted) = (Arc::default(), Notify::new());
        let shared = Arc::new(Shared {
            backend,
            calls,
            timeout,
            enqueued,
            under_way,
            posted,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            database: std::sync::OnceLock::new(),
        });
        tokio::spawn(feed(shared.backend.clone(), waiting));
        let publisher = Self { shared };
        let flushed = publisher.clone();
        crew.on_shutdown(Phase::Flush, "jobs publisher", move |scope| async move {
            tokio::select! {
                () = flushed.flush() => Outcome::finished(""),
                () = scope.cut() => {
                    let left = flushed.shared.under_way.jobs.load(Ordering::Relaxed);
                    Outcome::cut(format!("{left} jobs may be enqueued or not"))
                }
            }
        });
        publisher
    }

    /// Enqueues a job: awaiting it gives the id, once the job is durable. Options come before.
    pub fn enqueue<J: Job>(&self, job: &J) -> Enqueue {
        Enqueue::new(self.clone(), job)
    }

    /// Enqueues many jobs, in few round trips. After an error some may be there and others not.
    ///
    /// # Errors
    ///
    /// The first one.
    pub async fn enqueue_many<'a, J: Job>(
        &self,
        jobs: impl IntoIterator<Item = &'a J>,
    ) -> Result<Vec<JobId>, EnqueueError> {
        let jobs = jobs.into_iter().map(enqueue::new_job).collect::<Result<Vec<_>, _>>()?;
        Ok(self.submit(jobs).await?.into_iter().map(Enqueued::id).collect())
    }

    /// Jobs that nobody will try again until a person says so.
    pub fn dead_set(&self) -> DeadSet {
        DeadSet::new(self.shared.backend.clone())
    }

    /// Where jobs are kept.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.shared.backend
    }

    /// Enqueues jobs as they are: what schedules and relays do.
    ///
    /// # Errors
    ///
    /// The first one; some may be there and others not.
    pub async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, EnqueueError> {
        let left = groundcrew_telemetry::with_current(|context| {
            context.and_then(groundcrew_telemetry::Context::remaining)
        });
        let within = left.map_or(self.shared.timeout, |left| left.min(self.shared.timeout));
        let names: Vec<String> = jobs.iter().map(|job| job.envelope.name.clone()).collect();
        let answered = tokio::time::timeout(within, self.hand_over(jobs, Instant::now() + within / 2)).await;
        let results = answered.map_err(|_| EnqueueError::Unknown { within })??;
        for (name, result) in names.iter().zip(&results) {
            if let Ok(enqueued) = result {
                self.count(name, *enqueued);
            }
        }
        Ok(results.into_iter().collect::<Result<Vec<_>, _>>()?)
    }

    /// Counts a job if it is a new one.
    pub(crate) fn count(&self, name: &str, enqueued: Enqueued) {
        if matches!(enqueued, Enqueued::New(_)) {
            self.shared.enqueued.handle([name]).inc();
        }
    }

    async fn hand_over(&self, mut jobs: Vec<NewJob>, until: Instant) -> Result<Results, EnqueueError> {
        let mut answers = Vec::new();
        while !jobs.is_empty() {
            let rest = jobs.split_off(jobs.len().min(BATCH));
            let pending = Pending::of(&self.shared.under_way, jobs.len());
            let (answer, answered) = oneshot::channel();
            let call = Call { jobs: std::mem::replace(&mut jobs, rest), until, pending, answer };
            self.shared.calls.send(call).await.map_err(|_| EnqueueError::Closed)?;
            answers.push(answered);
        }
        let mut results = Vec::new();
        for answered in answers {
            results.extend(answered.await.map_err(|_| EnqueueError::Closed)?);
        }
        Ok(results)
    }

    /// Says in which database the jobs are, or which one is beside their broker.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn stands_on(&self, database: groundcrew_sql::Database) {
        self.shared.database.get_or_init(|| database);
    }

    /// The database that the jobs are in, or that is beside their broker.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn database(&self) -> Option<&groundcrew_sql::Database> {
        self.shared.database.get()
    }

    /// Tells the relay that there may be something in the outbox soon.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn posted(&self) {
        self.shared.posted.notify_one();
    }

    /// Resolves when a job was written to the outbox.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) async fn until_posted(&self) {
        self.shared.posted.notified().await;
    }

    /// Waits until nothing is under way.
    async fn flush(&self) {
        loop {
            let fewer = self.shared.under_way.fewer.notified();
            if self.shared.under_way.jobs.load(Ordering::Acquire) == 0 {
                return;
            }
            fewer.await;
        }
    }
}

/// Jobs of one call, until they are answered.
#[derive(Debug)]
struct Pending(Arc<UnderWay>, usize);

impl Pending {
    fn of(under_way: &Arc<UnderWay>, jobs: usize) -> Self {
        under_way.jobs.fetch_add(jobs, Ordering::AcqRel);
        Self(under_way.clone(), jobs)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.jobs.fetch_sub(self.1, Ordering::AcqRel);
        self.0.fewer.notify_waiters();
    }
}

/// Takes what waits to the backend in batches, until the last publisher is gone.
async fn feed(backend: Arc<dyn Backend>, mut waiting: mpsc::Receiver<Call>) {
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut next = None;
    loop {
        // The semaphore is never closed.
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        // What comes while all are under way goes together.
        let Some(first) = (match next.take() {
            Some(call) => Some(call),
            None => waiting.recv().await,
        }) else {
            return;
        };
        let mut size = first.jobs.len();
        let mut calls = vec![first];
        while let Ok(call) = waiting.try_recv() {
            if size + call.jobs.len() > BATCH {
                next = Some(call);
                break;
            }
            size += call.jobs.len();
            calls.push(call);
        }
        let backend = backend.clone();
        tokio::spawn(async move {
            enqueue_all(&backend, calls).await;
            drop(permit);
        });
    }
}
