use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groundcrew_config::Environment;
use groundcrew_telemetry::Metrics;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::check::{self, CheckGuard, CheckPolicy};
use crate::health::{Health, Readiness};
use crate::hook::{Hook, HookGuard, PhaseScope};
use crate::operation::Operation;
use crate::task::{TaskReport, Tasks};
use crate::watchdog::{Liveness, Watchdog};
use crate::{CrewBuilder, Gate, Outcome, Phase, Reason, ShutdownConfig, Stop};

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
    pub(crate) service: String,
    pub(crate) environment: Environment,
    pub(crate) metrics: Metrics,
    pub(crate) in_kubernetes: bool,
    pub(crate) shutdown: ShutdownConfig,
    pub(crate) health: Arc<Health>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) watchdog: Watchdog,
    pub(crate) requested: CancellationToken,
    pub(crate) stop: CancellationToken,
    pub(crate) reason: Mutex<Option<Reason>>,
    pub(crate) hooks: Mutex<Vec<Hook>>,
    pub(crate) next_hook: AtomicU64,
    pub(crate) running: Mutex<Vec<Running>>,
    pub(crate) operations: Mutex<Vec<Operation>>,
}

/// Work that the drain waits for.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: String,
    /// Detached work that is over when the drain begins is no news for the receipt; a task always is.
    pub(crate) detached: bool,
    pub(crate) handle: JoinHandle<Outcome>,
}

// === impl Crew ===

impl Crew {
    /// Starts to build a crew for the service of this name and version.
    pub fn builder(service: impl Into<String>, version: impl Into<String>) -> CrewBuilder {
        CrewBuilder::new(service.into(), version.into())
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

    /// Every task with its state, restarts, last error and age.
    pub fn tasks(&self) -> Vec<TaskReport> {
        self.inner.tasks.reports()
    }

    /// Closes a gate: the service is not ready until it is opened.
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
        self.add_hook(phase, name.into(), hook);
    }

    /// As [`on_shutdown`](Self::on_shutdown), for as long as the guard is kept: for what comes and goes while the
    /// service runs.
    pub fn on_shutdown_while<F, Fut, O>(&self, phase: Phase, name: impl Into<String>, hook: F) -> HookGuard
    where
        F: FnOnce(PhaseScope) -> Fut + Send + 'static,
        Fut: Future<Output = O> + Send + 'static,
        O: Into<Outcome>,
    {
        let id = self.add_hook(phase, name.into(), hook);
        HookGuard { crew: self.clone(), id }
    }

    fn add_hook<F, Fut, O>(&self, phase: Phase, name: String, hook: F) -> u64
    where
        F: FnOnce(PhaseScope) -> Fut + Send + 'static,
        Fut: Future<Output = O> + Send + 'static,
        O: Into<Outcome>,
    {
        // The hook itself is called inside its future, so that a panic of either is its own.
        let run = Box::new(move |scope| {
            Box::pin(async move { hook(scope).await.into() }) as crate::hook::HookFuture
        });
        let id = self.inner.next_hook.fetch_add(1, Ordering::Relaxed);
        self.inner.hooks.lock().push(Hook { id, phase, name, run });
        id
    }
}
