//! Jobs over RabbitMQ: quorum queues for each kind, and nothing acknowledged before what follows from it is confirmed.

mod add;
mod connect;
mod dead;
mod generation;
mod hands;
mod ladder;
mod letter;
mod reserve;
mod route;
mod settle;
mod source;
mod stats;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use groundcrew_amqp::{Amqp, PublishError, Publisher, TopologyError};
use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::{
    Ask, Backend, BackendError, Beat, DeadJob, DeadQuery, Delivery, Enqueued, Envelope, JobId, NewJob,
    Policy, QueueStat, Retention, Selection, Settlement, Unsettled,
};
use hands::Hands;
use route::{Names, Route};
use source::Source;

const NAME: &str = "RabbitMQ";
/// RabbitMQ closes the channel of who keeps a message for longer.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Jobs in the queues of a broker.
#[derive(Debug)]
pub(crate) struct AmqpJobs {
    inner: Arc<Inner>,
}

struct Inner {
    amqp: Amqp,
    publisher: Publisher,
    names: Names,
    /// From so many crashes on a job may be what kills the process.
    suspect: u32,
    /// Of the kinds whose queues are declared.
    routes: RwLock<HashMap<String, Arc<Route>>>,
    /// Of the kinds that are consumed.
    sources: RwLock<Arc<HashMap<&'static str, Arc<Source>>>>,
    /// Of those that cannot be consumed, when that was tried last.
    unopened: Mutex<HashMap<&'static str, Instant>>,
    /// The kinds of which the worker took none when it asked last: their messages wait for it, not it for them.
    full: Mutex<Vec<&'static str>>,
    turn: AtomicUsize,
    hands: Hands,
    waiting: Mutex<stats::Waiting>,
    /// One at a time reads the dead set, or each would miss what another holds.
    reading: tokio::sync::Mutex<()>,
}

// === impl AmqpJobs ===

impl AmqpJobs {
    fn new(amqp: &Amqp, namespace: &str, crash_limit: u32) -> Self {
        let inner = Inner {
            publisher: amqp.new_publisher(),
            amqp: amqp.clone(),
            names: Names::new(namespace),
            suspect: (crash_limit / 2).max(1),
            routes: RwLock::default(),
            sources: RwLock::default(),
            unopened: Mutex::default(),
            full: Mutex::default(),
            turn: AtomicUsize::new(0),
            hands: Hands::default(),
            waiting: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    async fn until_ready(&self) {
        let sources = self.inner.sources.read().clone();
        let ready = |subscription: Arc<groundcrew_amqp::Subscription>| {
            async move {
                if !subscription.ready().await {
                    // Nothing comes any more.
                    std::future::pending::<()>().await;
                }
            }
            .boxed()
        };
        let full = self.inner.full.lock().clone();
        let open = sources.iter().filter(|(name, _)| !full.contains(name));
        let all: Vec<_> = open.flat_map(|(_, source)| source.subscriptions()).map(ready).collect();
        if all.is_empty() {
            return std::future::pending().await;
        }
        select_all(all).await;
    }
}

fn unavailable(action: &'static str, error: &dyn fmt::Display) -> BackendError {
    BackendError::Unavailable { backend: NAME, action, cause: error.to_string() }
}

fn publish_failed(action: &'static str, error: &PublishError) -> BackendError {
    match error {
        PublishError::TooLong { .. } => BackendError::Refused { backend: NAME, cause: error.to_string() },
        _ => unavailable(action, error),
    }
}

// === impl Inner ===

impl Inner {
    /// The queues of a kind of job, which are declared when it is first seen.
    async fn route(&self, name: &str) -> Result<Arc<Route>, BackendError> {
        if let Some(route) = self.routes.read().get(name) {
            return Ok(route.clone());
        }
        let route = Arc::new(self.names.route(name));
        let declared = self.amqp.declare(self.names.own(&route)).await;
        declared.map_err(|error| match error {
            TopologyError::Interrupted { .. } => unavailable("declare the queues of jobs", &error),
            _ => BackendError::Refused { backend: NAME, cause: error.to_string() },
        })?;
        Ok(self.routes.write().entry(name.to_owned()).or_insert(route).clone())
    }

    /// Declares all queues again: somebody has deleted one, and nothing else would make it before the next connection.
    async fn mend(&self) {
        let routes: Vec<Arc<Route>> = self.routes.read().values().cloned().collect();
        let own = routes.iter().map(|route| self.names.own(route));
        for topology in std::iter::once(self.names.shared()).chain(own) {
            if let Err(error) = self.amqp.declare(topology).await {
                tracing::warn!(%error, "the queues of jobs cannot be declared again");
            }
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("amqp", &self.amqp).field("names", &self.names).finish_non_exhaustive()
    }
}

// === impl Backend for AmqpJobs ===

impl Backend for AmqpJobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn admit(&self, _name: &'static str, policy: &Policy) -> Result<(), BackendError> {
        let action = if policy.global_concurrency.is_some() {
            "limit how many jobs run over all processes (`Policy::global_concurrency`): keep such jobs in SQL"
        } else if policy.global_rate.is_some() || policy.key_rate.is_some() {
            "limit how many jobs begin over all processes (`Policy::global_rate`, `Policy::key_rate`): keep such jobs in \
             SQL, or use `Policy::rate`, which holds for a process"
        } else if policy.timeout >= CONSUMER_TIMEOUT {
            "wait for a job as long as its `Policy::timeout` allows: stay below 30 min, the broker's own limit"
        } else {
            return Ok(());
        };
        Err(BackendError::Unsupported { backend: NAME, action })
    }

    fn accepts(&self, job: &Envelope) -> Result<(), BackendError> {
        add::supported(job)
    }

    fn enqueue<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Vec<Result<Enqueued, BackendError>>> {
        self.add(jobs).boxed()
    }

    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>> {
        self.take(ask).boxed()
    }

    fn wait(&self, at_most: Duration) -> BoxFuture<'_, ()> {
        async move {
            let _either = tokio::time::timeout(at_most, self.until_ready()).await;
        }
        .boxed()
    }

    /// A quorum queue counts each time, and gives up what came back too often.
    fn takes_back_at_no_cost(&self) -> bool {
        false
    }

    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>> {
        self.put(batch).boxed()
    }

    fn heartbeat(
        &self,
        beats: Vec<Beat>,
        _lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<JobId>, BackendError>> {
        std::future::ready(Ok(self.inner.hands.lost(&beats))).boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>> {
        self.count().boxed()
    }

    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>> {
        async move { self.list(&query).await }.boxed()
    }

    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move { self.take_out(&which, true).await }.boxed()
    }

    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        async move { self.take_out(&which, false).await }.boxed()
    }

    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>> {
        let keep = SignedDuration::try_from(keep.dead).ok();
        let oldest = keep.and_then(|keep| Timestamp::now().checked_sub(keep).ok());
        let which = Selection { before: Some(oldest.unwrap_or(Timestamp::MIN)), ..Selection::default() };
        async move { self.take_out(&which, false).await.map(drop) }.boxed()
    }
}
