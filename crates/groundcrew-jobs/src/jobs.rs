use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Crew;

use crate::metrics::JobMetrics;
use crate::worker::{Runner, Worker};
use crate::{Backend, ConnectError, DeadSet, Job, JobsConfig, Publisher, operation, watch};

/// Makes a runner out of the context that all jobs share.
type Make<C> = Box<dyn FnOnce(C) -> Runner + Send>;

/// Jobs of a service whose context is `C`: enqueued through [`publisher`](Self::publisher), run by
/// [`run`](Self::run).
///
/// A job with another context does not compile:
///
/// ```compile_fail,E0271
/// # use groundcrew_jobs::{Attempt, Job, JobError, Jobs};
/// # #[derive(serde::Serialize, serde::Deserialize)] struct Greet;
/// # impl Job for Greet {
/// #     const NAME: &'static str = "greet";
/// #     type Context = u8;
/// #     async fn run(self, _: u8, _: Attempt) -> Result<(), JobError> { Ok(()) }
/// # }
/// fn wrong(jobs: Jobs<String>) {
///     jobs.register::<Greet>(); // its context is a `u8`
/// }
/// ```
#[must_use = "jobs are enqueued but none is run until `run` is called"]
pub struct Jobs<C> {
    crew: Crew,
    config: JobsConfig,
    backend: Arc<dyn Backend>,
    metrics: Arc<JobMetrics>,
    publisher: Publisher,
    kinds: BTreeMap<&'static str, Make<C>>,
}

// === impl Jobs ===

impl<C: Clone + Send + Sync + 'static> Jobs<C> {
    /// Adds a kind of job that this process runs. Jobs of other kinds wait for a worker that knows them.
    ///
    /// # Panics
    ///
    /// When another kind has the same [`NAME`](Job::NAME): one of the two would never run. When the backend cannot
    /// keep what its policy promises, such as a global limit over RabbitMQ.
    pub fn register<J: Job<Context = C>>(mut self) -> Self {
        if let Err(error) = self.backend.admit(J::NAME, &J::policy()) {
            panic!("the job `{}` cannot run here: {error}", J::NAME);
        }
        let metrics = self.metrics.job(J::NAME);
        let make = move |context: C| Runner {
            name: J::NAME,
            version: J::VERSION,
            policy: J::policy(),
            metrics,
            start: Arc::new(move |payload, attempt| {
                let job: J = serde_json::from_str(payload)?;
                Ok(Box::pin(job.run(context.clone(), attempt)))
            }),
        };
        let before = self.kinds.insert(J::NAME, Box::new(make));
        assert!(before.is_none(), "two kinds of jobs are called `{}`: give one another NAME", J::NAME);
        self
    }

    /// Enqueues jobs; to be kept in the service's state.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Jobs that nobody will try again until a person says so.
    pub fn dead_set(&self) -> DeadSet {
        self.publisher.dead_set()
    }

    /// Runs jobs in the crew, with this context, until the service stops: then running jobs finish, and those that
    /// are not done at the end of the drain are handed back at the cost of no attempt.
    pub fn run(self, context: C) {
        let runners: Vec<Runner> = self.kinds.into_values().map(|make| make(context.clone())).collect();
        let names: Vec<&str> = runners.iter().map(|runner| runner.name).collect();
        tracing::info!(jobs.backend = self.backend.name(), jobs.kinds = names.join(", "), "jobs are run");
        Worker::start(&self.crew, self.config, self.backend, runners);
    }
}

impl<C> fmt::Debug for Jobs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.kinds.keys().collect();
        f.debug_struct("Jobs").field("backend", &self.backend).field("kinds", &kinds).finish_non_exhaustive()
    }
}

// === impl JobsConfig ===

impl JobsConfig {
    /// Jobs in any backend: [`Memory`](crate::Memory) in tests, one of your own.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, or when the service has jobs already.
    pub fn connect_with<C>(&self, crew: &Crew, backend: impl Backend) -> Result<Jobs<C>, ConnectError> {
        self.connect_shared(crew, Arc::new(backend))
    }

    /// As [`connect_with`](Self::connect_with), for a backend that is shared.
    pub fn connect_shared<C>(&self, crew: &Crew, backend: Arc<dyn Backend>) -> Result<Jobs<C>, ConnectError> {
        self.check()?;
        let metrics = Arc::new(JobMetrics::register(crew.metrics())?);
        let enqueued = metrics.enqueued.clone();
        let publisher = Publisher::start(crew, backend.clone(), self.enqueue_timeout, enqueued);
        watch::start(crew, self, &backend, &metrics);
        operation::offer(crew, &backend);
        let (crew, config, kinds) = (crew.clone(), self.clone(), BTreeMap::new());
        Ok(Jobs { crew, config, backend, metrics, publisher, kinds })
    }

    fn check(&self) -> Result<(), ConnectError> {
        let least = Duration::from_millis(10);
        for (setting, value) in
            [("lease", self.lease), ("poll_period", self.poll_period), ("stats_period", self.stats_period)]
        {
            if value < least {
                let (value, problem) = (format!("{value:?}"), "it must be at least 10ms");
                return Err(ConnectError::Config { setting, value, problem });
            }
        }
        Ok(())
    }
}
