use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use groundcrew_runtime::{CheckPolicy, Crew, Outcome, Phase, PhaseScope};
use parking_lot::Mutex;

use crate::consumer::Problem;
use crate::line::{Line, Role, Settings};
use crate::metrics::AmqpMetrics;
use crate::publisher::{self, Publisher};
use crate::target::{self, Target};
use crate::{AmqpConfig, AmqpImpact, ConnectError, Topology, TopologyError};

/// A RabbitMQ broker: connections that come back, publishers and consumers. Clones share everything.
#[derive(Clone)]
pub struct Amqp {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Arc<Settings>,
    pub(crate) config: AmqpConfig,
    pub(crate) crew: Crew,
    publish: Line,
    /// Made when the first consumer wants it.
    consume: OnceLock<Line>,
    publisher: Publisher,
    publishers: Mutex<Vec<Weak<publisher::Shared>>>,
    consumers: Mutex<Vec<(String, Weak<Problem>)>>,
}

/// How often `/ready` looks at the state, which stands in memory.
const CHECK: Duration = Duration::from_secs(1);

// === impl Amqp ===

impl Amqp {
    /// Declares exchanges and queues, now and with every later connection, before anything is published or consumed
    /// on that.
    ///
    /// Without a connection it is remembered, and declared with the next one. So it is when the connection is lost
    /// meanwhile, or the broker gives no answer within `connect_timeout`, which ends the connection.
    ///
    /// # Errors
    ///
    /// When the broker refuses: a service that starts should not go on then. What was refused is not remembered.
    pub async fn declare(&self, topology: Topology) -> Result<(), TopologyError> {
        let line = &self.inner.publish;
        let mut declared = None;
        while let Some(link) = line.remember(&topology, declared.as_ref()) {
            match topology.declare(&link).await {
                Ok(()) => declared = Some(link),
                Err(TopologyError::Interrupted { .. }) => {
                    // Only a connection that is made anew declares what is missing.
                    link.kill();
                    line.lost(&link).await;
                }
                Err(refused) => return Err(refused),
            }
        }
        Ok(())
    }

    /// The publisher that everybody shares.
    pub fn publisher(&self) -> &Publisher {
        &self.inner.publisher
    }

    /// A publisher with a channel and a window of its own, so that one stream of messages does not hold up another.
    pub fn new_publisher(&self) -> Publisher {
        let made =
            Publisher::start(self.inner.publish.clone(), self.inner.settings.clone(), &self.inner.config);
        let mut publishers = self.inner.publishers.lock();
        publishers.retain(|publisher| publisher.strong_count() > 0);
        publishers.push(made.downgrade());
        made
    }

    /// A channel of the library's own on the connection that consumes, for what this crate has no words for: without
    /// confirms, without coming back. Close it when it is done with.
    ///
    /// # Errors
    ///
    /// When there is no connection, or the broker gives no answer.
    pub async fn channel(&self) -> Result<lapin::Channel, lapin::Error> {
        let link = self.inner.consume().link();
        let link = tokio::time::timeout(self.inner.config.connect_timeout, link).await.ok().flatten();
        let link = link.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected))?;
        link.channel().await
    }

    /// The name in health, metrics and the shutdown.
    pub fn name(&self) -> &str {
        &self.inner.settings.name
    }

    /// What keeps the broker from being used at present, in words; what `/ready` says.
    pub fn problem(&self) -> Option<String> {
        let consume = self.inner.consume.get().and_then(Line::problem);
        self.inner.publish.problem().or(consume).or_else(|| self.inner.consumer_problem())
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    async fn first_connection(&self) -> Result<(), ConnectError> {
        let mut state = self.inner.publish.state();
        let decided = state
            .wait_for(|state| state.link.is_some() || state.down.as_ref().is_some_and(|down| down.refused));
        let Ok(Ok(state)) = tokio::time::timeout(self.inner.config.connect_retry, decided).await else {
            // The line has said why, and goes on trying.
            return Ok(());
        };
        match &state.down {
            Some(down) if down.refused => {
                // The handle goes; what would go on knocking goes with it.
                self.inner.publish.abandon();
                let target = self.inner.settings.target.shown.clone();
                Err(ConnectError::Refused { target, cause: down.error.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn watch(&self) {
        let policy = match self.inner.config.impact {
            AmqpImpact::Required => CheckPolicy::required(),
            AmqpImpact::Degraded => CheckPolicy::degraded(),
        };
        let probed = self.clone();
        let probe = move || std::future::ready(probed.problem().map_or(Ok(()), Err));
        self.inner.crew.check(self.name(), policy.period(CHECK).fail_after(2), probe).keep();
    }

    fn take_part_in_the_shutdown(&self) {
        let flushing = self.clone();
        self.inner
            .crew
            .on_shutdown(Phase::Flush, self.name(), move |scope| async move { flushing.flush(&scope).await });
        let closing = self.clone();
        self.inner
            .crew
            .on_shutdown(Phase::Close, self.name(), move |scope| async move { closing.close(&scope).await });
    }

    async fn flush(&self, scope: &PhaseScope) -> Outcome {
        let mut all: Vec<_> = self.inner.publishers.lock().iter().filter_map(Publisher::upgrade).collect();
        all.push(self.inner.publisher.clone());
        let before: usize = all.iter().map(Publisher::unconfirmed).sum();
        let flushed = async {
            for publisher in &all {
                publisher.flush().await;
            }
        };
        tokio::select! {
            () = flushed => Outcome::finished(format!("{before} messages confirmed")),
            () = scope.cut() => {
                let left: usize = all.iter().map(Publisher::unconfirmed).sum();
                Outcome::cut(format!("{left} messages unconfirmed"))
            }
        }
    }

    async fn close(&self, scope: &PhaseScope) -> Outcome {
        let publish = self.inner.publish.close(scope).await;
        let consume = match self.inner.consume.get() {
            Some(line) => line.close(scope).await,
            None => Outcome::finished(""),
        };
        if publish.is_cut() { publish } else { consume }
    }
}

impl fmt::Debug for Amqp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Amqp").field(&self.name()).field(&self.inner.settings.target.shown).finish()
    }
}

// === impl Inner ===

impl Inner {
    pub(crate) fn consume(&self) -> &Line {
        self.consume.get_or_init(|| Line::start(self.settings.clone(), Role::Consume))
    }

    /// From now on what is wrong with it is wrong with the broker.
    pub(crate) fn watch_consumer(&self, queue: &str, problem: &Arc<Problem>) {
        let mut consumers = self.consumers.lock();
        consumers.retain(|(_, problem)| problem.strong_count() > 0);
        consumers.push((queue.to_owned(), Arc::downgrade(problem)));
    }

    fn consumer_problem(&self) -> Option<String> {
        self.consumers.lock().iter().find_map(|(queue, problem)| {
            let problem = problem.upgrade()?.get()?;
            Some(format!("the consumer of `{queue}` gets nothing: {problem}"))
        })
    }
}

// === impl AmqpConfig ===

impl AmqpConfig {
    /// Connects to the broker that is configured, named `amqp` in health, metrics and the shutdown.
    ///
    /// Waits for it for `connect_retry`; if it is not there by then, the service starts without it, and the handle
    /// connects as soon as that is possible.
    ///
    /// # Errors
    ///
    /// When none is configured, when the configuration is wrong, and when the broker knows us and refuses.
    pub async fn connect(&self, crew: &Crew) -> Result<Amqp, ConnectError> {
        self.connect_as("amqp", crew).await
    }

    /// As [`connect`](Self::connect), for a service with several brokers.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and when the name is taken.
    pub async fn connect_as(&self, name: &str, crew: &Crew) -> Result<Amqp, ConnectError> {
        let target = target::resolve(self)?;
        let amqp = self.build(name, target, crew)?;
        amqp.first_connection().await?;
        amqp.watch();
        amqp.take_part_in_the_shutdown();
        Ok(amqp)
    }

    /// As [`connect`](Self::connect), or nothing where no broker is configured: for a service that runs without one.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), but for the broker that is not configured.
    pub async fn connect_if_configured(&self, crew: &Crew) -> Result<Option<Amqp>, ConnectError> {
        match &self.url {
            Some(_) => self.connect(crew).await.map(Some),
            None => Ok(None),
        }
    }

    fn build(&self, name: &str, target: Target, crew: &Crew) -> Result<Amqp, ConnectError> {
        let metrics = AmqpMetrics::register(crew.metrics(), name)
            .map_err(|source| ConnectError::Metrics { name: name.to_owned(), source })?;
        let settings = Arc::new(Settings {
            name: name.to_owned(),
            service: crew.service().to_owned(),
            target,
            connect_timeout: self.connect_timeout,
            retry_max: self.retry_max,
            metrics: Arc::new(metrics),
            topology: Mutex::default(),
        });
        let publish = Line::start(settings.clone(), Role::Publish);
        let publisher = Publisher::start(publish.clone(), settings.clone(), self);
        let inner = Inner {
            settings,
            config: self.clone(),
            crew: crew.clone(),
            publish,
            consume: OnceLock::new(),
            publisher,
            publishers: Mutex::default(),
            consumers: Mutex::default(),
        };
        Ok(Amqp { inner: Arc::new(inner) })
    }
}
