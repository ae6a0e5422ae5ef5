use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Backoff, Outcome, Phase, PhaseScope, Restart};
use tokio::sync::watch;

use super::held::Held;
use super::inbox::Inbox;
use super::options::ConsumerOptions;
use super::session::Drained;
use super::supervisor::{Problem, Supervisor};
use super::workers::Workers;
use crate::metrics::ConsumerMetrics;
use crate::{Amqp, ConnectError, Delivery, Verdict};

/// The messages of a queue, one after the other, to be settled by hand. Dropping it ends the consumer: what nobody has
/// taken goes back into the queue, and nothing of the consumer stays behind.
///
/// ```no_run
/// # async fn example(amqp: groundcrew_amqp::Amqp) -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_amqp::{ConsumerOptions, Message};
///
/// let orders = amqp.subscribe("orders.v1", ConsumerOptions::default())?;
/// while let Some(order) = orders.recv().await {
///     // What follows from a message is confirmed before the message is acknowledged.
///     amqp.publisher().publish(Message::new("shop", "order.checked", order.payload().clone())).await?;
///     order.ack();
/// }
/// # Ok(()) }
/// ```
pub struct Subscription {
    inbox: Arc<Inbox>,
    stop: watch::Sender<bool>,
    problem: Arc<Problem>,
}

/// What is needed to run a consumer.
struct Plan {
    supervisor: Supervisor,
    drained: watch::Receiver<Option<Drained>>,
}

// === impl Amqp ===

impl Amqp {
    /// Handles the messages of a queue, as a task of the service's crew that comes back from whatever ends it.
    ///
    /// The handler's context is that of the message's trace. A handler that panics settles its message by
    /// [`ConsumerOptions::on_panic`] and harms no other. When the service stops, the handlers that run are waited for,
    /// and what was not begun goes back into the queue.
    ///
    /// ```no_run
    /// # fn example(amqp: groundcrew_amqp::Amqp) -> Result<(), groundcrew_amqp::ConnectError> {
    /// use groundcrew_amqp::{ConsumerOptions, Verdict};
    ///
    /// amqp.consume("orders.v1", ConsumerOptions::default().concurrency(8), |order| async move {
    ///     match std::str::from_utf8(order.payload()) {
    ///         Ok(_order) => Verdict::Ack,
    ///         Err(_) => Verdict::Reject,
    ///     }
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the queue's metrics cannot be registered.
    pub fn consume<F, Fut, V>(
        &self,
        queue: &str,
        options: ConsumerOptions,
        handler: F,
    ) -> Result<(), ConnectError>
    where
        F: Fn(Delivery) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = V> + Send + 'static,
        V: Into<Verdict>,
    {
        let (stop, stopped) = watch::channel(false);
        let Plan { supervisor, drained } = self.plan(queue, options, stopped)?;
        let workers = Workers {
            inbox: supervisor.inbox.clone(),
            queue: queue.to_owned(),
            metrics: supervisor.metrics.clone(),
            options,
            handler,
        };
        let (supervisor, workers) = (Arc::new(supervisor), Arc::new(workers));
        let name = format!("{}:{queue}", self.name());
        self.inner().crew.task(name, restart(), move |service| {
            let (supervisor, workers) = (supervisor.clone(), workers.clone());
            // Nobody else has a handle to stop it by.
            let _kept = &stop;
            async move {
                let working = workers.start();
                supervisor.run(service).await;
                working.join_all().await;
            }
        });
        let report = move |scope| report(drained, scope);
        self.inner().crew.on_shutdown(Phase::Drain, self.name_in_receipts(queue), report);
        Ok(())
    }

    /// Takes the messages of a queue one by one, to be settled by hand: for what a handler's verdict cannot say.
    ///
    /// # Errors
    ///
    /// When the queue's metrics cannot be registered.
    pub fn subscribe(&self, queue: &str, options: ConsumerOptions) -> Result<Subscription, ConnectError> {
        let (stop, stopped) = watch::channel(false);
        let Plan { supervisor, drained } = self.plan(queue, options, stopped)?;
        let (inbox, problem) = (supervisor.inbox.clone(), supervisor.problem.clone());
        let supervisor = Arc::new(supervisor);
        let (crew, name) = (&self.inner().crew, format!("{}:{queue}", self.name()));
        let report = move |scope| report(drained, scope);
        let in_receipts = crew.on_shutdown_while(Phase::Drain, self.name_in_receipts(queue), report);
        crew.passing_task(name, restart(), move |service| {
            let supervisor = supervisor.clone();
            // It goes with the task, and the task with the subscription.
            let _kept = &in_receipts;
            async move { supervisor.run(service).await }
        });
        Ok(Subscription { inbox, stop, problem })
    }

    fn plan(
        &self,
        queue: &str,
        options: ConsumerOptions,
        stopped: watch::Receiver<bool>,
    ) -> Result<Plan, ConnectError> {
        let inner = self.inner();
        let settings = inner.settings.clone();
        let metrics: Arc<ConsumerMetrics> = settings
            .metrics
            .consumer(queue)
            .map_err(|source| ConnectError::Metrics { name: settings.name.clone(), source })?;
        let (inbox, problem) = (Arc::default(), Arc::<Problem>::default());
        let (drained, report) = watch::channel(None);
        inner.watch_consumer(queue, &problem);
        let supervisor = Supervisor {
            line: inner.consume().clone(),
            settings,
            queue: queue.to_owned(),
            prefetch: options.prefetch.unwrap_or(inner.config.prefetch).max(options.concurrency),
            inbox,
            metrics,
            problem,
            stopped,
            drained,
        };
        Ok(Plan { supervisor, drained: report })
    }

    fn name_in_receipts(&self, queue: &str) -> String {
        format!("{}:{queue} messages", self.name())
    }
}

// === impl Subscription ===

impl Subscription {
    /// The next message; `None` once the service stops. Several tasks may wait at a time, each gets its own. Dropping
    /// the future loses nothing.
    pub async fn recv(&self) -> Option<Held> {
        self.inbox.take().await
    }

    /// The next message, if one is there now.
    pub fn try_recv(&self) -> Option<Held> {
        self.inbox.try_take()
    }

    /// Resolves when [`try_recv`](Self::try_recv) may give a message (true), or once the service stops (false). It
    /// takes none, so dropping the future loses nothing.
    pub async fn ready(&self) -> bool {
        self.inbox.ready().await
    }

    /// How many messages have come and nobody has taken.
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }

    /// Why nothing comes at present, if that is so.
    pub fn problem(&self) -> Option<String> {
        self.problem.get()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("problem", &self.problem()).finish_non_exhaustive()
    }
}

/// Says in the receipt what became of the messages that were held.
async fn report(mut drained: watch::Receiver<Option<Drained>>, scope: PhaseScope) -> Outcome {
    tokio::select! {
        drained = drained.wait_for(Option::is_some) => match drained.ok().and_then(|drained| *drained) {
            Some(Drained { finished, handed_back }) => {
                Outcome::finished(format!("{finished} finished, {handed_back} handed back"))
            }
            None => Outcome::finished(""),
        },
        () = scope.cut() => Outcome::cut("what is held goes back into the queue with the connection"),
    }
}

/// A supervisor that panics is a bug of ours; it comes back all the same.
fn restart() -> Restart {
    Restart::OnFailure(Backoff::new(Duration::from_millis(100), Duration::from_secs(5)))
}
