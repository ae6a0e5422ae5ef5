use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use groundcrew_config::Environment;
use groundcrew_telemetry::Metrics;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::crew::Inner;
use crate::health::Health;
use crate::task::Tasks;
use crate::watchdog::Watchdog;
use crate::{Crew, ShutdownConfig, metrics};

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
    pub(crate) fn new(service: String, version: String) -> Self {
        Self {
            service,
            version,
            metrics: None,
            environment: Environment::Development,
            shutdown: ShutdownConfig::default(),
            in_kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

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
                next_hook: AtomicU64::new(0),
                running: Mutex::new(Vec::new()),
                operations: Mutex::new(Vec::new()),
            }),
        }
    }
}
