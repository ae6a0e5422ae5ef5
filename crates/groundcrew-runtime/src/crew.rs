use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use groundcrew_config::Environment;
use groundcrew_telemetry::Metrics;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::check::{self, CheckGuard, CheckPolicy};
use crate::health::{Health, Readiness};
use crate::hook::{Hook, PhaseScope};
use crate::task::{self, Restart, TaskReport, TaskResult, TaskState, Tasks};
use crate::watchdog::{Liveness, Watchdog};
use crate::{Gate, Outcome, Phase, Reason, ShutdownConfig, Stop, metrics};

/// What a service is made of while it runs: its tasks, its health, its way down.
///
/// Owned and cheap to clone; every part of a service that runs gets one. See the crate's documentation for a
/// whole example.
#[derive(Debug, Clone)]
pub struct Crew {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    service: String,
    environment: Environment,
    metrics: Metrics,
    in_kubernetes: bool,
    pub(crate) shutdown: ShutdownConfig,
    pub(crate) health: Arc<Health>,
    pub(crate) tasks: Arc<Tasks>,
    watchdog: Watchdog,
    pub(crate) requested: CancellationToken,
    pub(crate) stop: CancellationToken,
    reason: Mutex<Option<Reason>>,
    pub(crate) hooks: Mutex<Vec<Hook>>,
    pub(crate) running: Mutex<Vec<Running>>,
}

/// Work that the drain waits for.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: String,
    /// Detached work that is over when the drain begins is no news for the receipt; a task always is.
    pub(crate) detached: bool,
    pub(crate) handle: JoinHandle<Outcome>,
}

/// Builds a [`Crew`] by hand, for whoever owns `main`.
#[derive(Debug)]
pub struct CrewBuilder {
    service: String,
    metrics: Option<Metrics>,
    version: String,
    environment: Environment,
    shutdown: ShutdownConfig,
    in_kubernetes: bool,
}

// === impl CrewBuilder ===

impl CrewBuilder {
    /// The metrics registry of the service; a new one by default.
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The environment; development by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// How the service goes down.
    pub fn shutdown(mut self, config: ShutdownConfig) -> Self {
        self.shutdown = config;
        self
    }

    /// Whether this is a pod, which turns the lame-duck delay on; by default read from
    /// KUBERNETES_SERVICE_HOST.
    pub fn in_kubernetes(mut self, yes: bool) -> Self {
        self.in_kubernetes = yes;
        self
    }

    /// The crew. Needs a Tokio runtime; starts the stall watchdog on it.
    pub fn build(self) -> Crew {
        let metrics = self.metrics.unwrap_or_else(|| Metrics::new(&self.service, &self.version));
        let health = Arc::new(Health::default());
        let tasks = Arc::new(Tasks::default());
        let watchdog = Watchdog::start();
        metrics::register(&metrics, &tasks, &health, &watchdog);
        Crew {
            inner: Arc::new(Inner {
                service: self.service,
                environment: self.environment,
                metrics,
                in_kubernetes: self.in_kubernetes,
                shutdown: self.shutdown,
                health,
                tasks,
                watchdog,
                requested: CancellationToken::new(),
                stop: CancellationToken::new(),
                reason: Mutex::new(None),
                hooks: Mutex::new(Vec::new()),
                running: Mutex::new(Vec::new()),
            }),
        }
    }
}

// === impl Crew ===

impl Crew {
    /// Starts to build a crew for the service of this name and version.
    pub fn builder(service: impl Into<String>, version: impl Into<String>) -> CrewBuilder {
        CrewBuilder {
            service: service.into(),
            version: version.into(),
            metrics: None,
            environment: Environment::Development,
            shutdown: ShutdownConfig::default(),
            in_kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// The service's name, as it stands in metrics and logs.
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// The environment that the service runs in.
    pub fn environment(&self) -> Environment {
        self.inner.environment
    }

    /// The service's metrics registry.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The shutdown configuration in force.
    pub fn shutdown_config(&self) -> &ShutdownConfig {
        &self.inner.shutdown
    }

    /// How long the service goes on serving while unready.
    pub fn lame_duck(&self) -> std::time::Duration {
        self.inner.shutdown.lame_duck(self.inner.in_kubernetes)
    }

    /// Runs a task whose end is the end of the service: when it returns, fails or panics before the
    /// shutdown, an orderly shutdown with a non-zero exit begins.
    pub fn critical<F, Fut>(&self, name: impl Into<String>, task: F)
    where
        F: FnOnce(Stop) -> Fut,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        let name = name.into();
        let id = self.inner.tasks.add(&name, true);
        let future = task(self.stop());
        let crew = self.clone();
        self.track(name.clone(), false, async move {
            let error = task::attempt(future).await;
            let state = if error.is_some() { TaskState::Failed } else { TaskState::Finished };
            crew.inner.tasks.ended(id, state, error.as_deref());
            if !crew.inner.stop.is_cancelled() || error.is_some() {
                crew.request_shutdown(Reason::TaskEnded { task: name, error: error.clone() });
            }
            Outcome::of_task(error)
        });
    }

    /// Runs a background task, started again by the policy when it ends before the shutdown.
    pub fn task<F, Fut>(&self, name: impl Into<String>, restart: Restart, task: F)
    where
        F: Fn(Stop) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        let name = name.into();
        let id = self.inner.tasks.add(&name, false);
        let crew = self.clone();
        self.track(name.clone(), false, async move {
            Outcome::of_task(crew.restart_loop(id, &name, restart, task).await)
        });
    }

    /// Returns the error of the last run, if that was how it ended.
    async fn restart_loop<F, Fut>(
        &self,
        id: usize,
        name: &str,
        restart: Restart,
        mut task: F,
    ) -> Option<String>
    where
        F: Fn(Stop) -> Fut,
        Fut: Future<Output: TaskResult>,
    {
        let mut failures_in_a_row = 0;
        loop {
            let started = tokio::time::Instant::now();
            let (run, stop) = (&mut task, self.stop());
            // Called inside, so that a panic before the first await is an end like any other.
            let error = task::attempt(async move { run(stop).await }).await;
            let again = match restart {
                Restart::Always(backoff) => Some(backoff),
                Restart::OnFailure(backoff) if error.is_some() => Some(backoff),
                Restart::OnFailure(_) | Restart::Never => None,
            };
            let again = again.filter(|_| !self.inner.stop.is_cancelled());
            let state = match (&again, &error) {
                (Some(_), _) => TaskState::BackingOff,
                (None, Some(_)) => TaskState::Failed,
                (None, None) => TaskState::Finished,
            };
            self.inner.tasks.ended(id, state, error.as_deref());
            let Some(backoff) = again else {
                if let Some(error) = &error {
                    tracing::error!(task.name = name, error, "task failed and is not started again");
                }
                return error;
            };
            // A run that lasted was a good one: the next failure starts from the short delay again.
            if started.elapsed() > std::time::Duration::from_secs(60) {
                failures_in_a_row = 0;
            }
            let delay = backoff.delay(failures_in_a_row);
            failures_in_a_row += 1;
            tracing::warn!(task.name = name, error, restart_in = ?delay, "task ended and is started again");
            self.stop().unless(tokio::time::sleep(delay)).await?;
            self.inner.tasks.restarted(id);
        }
    }

    /// Runs work that must be finished although its caller may go away: the client that hung up, a timeout.
    /// The drain waits for it.
    pub fn detach<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::sync::oneshot::Receiver<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.track(name.into(), true, async move {
            // Nobody may be listening any more: that is what this method is for.
            let _gone = sender.send(work.await);
            Outcome::finished("")
        });
        receiver
    }

    fn track(&self, name: String, detached: bool, future: impl Future<Output = Outcome> + Send + 'static) {
        let handle = tokio::spawn(future);
        let mut running = self.inner.running.lock();
        running.retain(|work| !work.handle.is_finished());
        running.push(Running { name, detached, handle });
    }

    /// Every task with its state, restarts, last error and age.
    pub fn tasks(&self) -> Vec<TaskReport> {
        self.inner.tasks.reports()
    }

    /// Closes a gate: the service is not ready until it is opened or dropped.
    pub fn gate(&self, name: impl Into<String>) -> Gate {
        Gate::close(self.inner.health.clone(), name.into())
    }

    /// Runs a health check in the background by its policy.
    ///
    /// The probe may be as slow as its timeout: `/ready` answers from the last result.
    pub fn check<F, Fut, E>(&self, name: impl Into<String>, policy: CheckPolicy, probe: F) -> CheckGuard
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send,
        E: Display + Send,
    {
        check::run(self.inner.health.clone(), name.into(), policy, probe)
    }

    /// Whether traffic should come, from memory.
    pub fn readiness(&self) -> Readiness {
        self.inner.health.readiness()
    }

    /// Whether the runtime still turns. Never asks a dependency.
    pub fn liveness(&self) -> Liveness {
        self.inner.watchdog.liveness()
    }

    /// The token that fires when the service stops taking work.
    pub fn stop(&self) -> Stop {
        Stop::new(self.inner.stop.clone())
    }

    /// Resolves as soon as a shutdown is requested, while the service still serves as a lame duck.
    pub async fn shutdown_requested(&self) {
        self.inner.requested.cancelled().await;
    }

    /// Begins an orderly shutdown. The first reason stands.
    pub fn request_shutdown(&self, reason: Reason) {
        {
            let mut first = self.inner.reason.lock();
            if first.is_some() {
                return;
            }
            if reason.is_failure() {
                tracing::error!(%reason, "shutdown begins");
            } else {
                tracing::info!(%reason, "shutdown begins");
            }
            *first = Some(reason);
        }
        self.inner.health.stopping();
        self.inner.requested.cancel();
    }

    /// Why the service goes down, once it does.
    pub fn reason(&self) -> Option<Reason> {
        self.inner.reason.lock().clone()
    }

    /// Takes part in a phase of the shutdown. The hook returns when it is done, or soon after its scope says
    /// that the phase is cut.
    pub fn on_shutdown<F, Fut, O>(&self, phase: Phase, name: impl Into<String>, hook: F)
    where
        F: FnOnce(PhaseScope) -> Fut + Send + 'static,
        Fut: Future<Output = O> + Send + 'static,
        O: Into<Outcome>,
    {
        // The hook itself is called inside its future, so that a panic of either is its own.
        let run = Box::new(move |scope| {
            Box::pin(async move { hook(scope).await.into() }) as crate::hook::HookFuture
        });
        self.inner.hooks.lock().push(Hook { phase, name: name.into(), run });
    }
}
