mod driver;
mod in_flight;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use groundcrew_telemetry::{Context, with_current};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::line::{Line, Settings};
use crate::message::Message;
use crate::metrics::AmqpMetrics;
use crate::{AmqpConfig, PublishError};
use driver::{Command, Driver, Failure, Gate};

/// Publishes messages, and tells the truth about each. Clones share one channel and one window.
///
/// ```no_run
/// # async fn example(amqp: groundcrew_amqp::Amqp) -> Result<(), groundcrew_amqp::PublishError> {
/// use groundcrew_amqp::Message;
///
/// // One, and whether it is in a queue.
/// amqp.publisher().publish(Message::new("shop", "order.placed", "7")).await?;
///
/// // Many: all are under way at once, as far as the window goes.
/// let messages = (0..10_000).map(|n| Message::to_queue("orders.v1", n.to_string()));
/// for outcome in amqp.publisher().publish_all(messages).await {
///     outcome?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    commands: mpsc::UnboundedSender<Command>,
    window: Semaphore,
    window_size: u32,
    gate: watch::Receiver<Gate>,
    timeout: Duration,
    metrics: Arc<AmqpMetrics>,
}

/// A message that is on its way. Dropping it does not call the message back.
#[must_use = "only `confirmed` says whether the message arrived"]
pub struct Pending {
    reply: oneshot::Receiver<Result<(), Failure>>,
    deadline: Instant,
    shared: Arc<Shared>,
}

// === impl Publisher ===

impl Publisher {
    pub(crate) fn start(line: Line, settings: Arc<Settings>, config: &AmqpConfig) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (gate_sender, gate) = watch::channel(Gate::Down("not connected yet".into()));
        let shared = Arc::new(Shared {
            commands,
            window: Semaphore::new(config.confirm_window as usize),
            window_size: config.confirm_window,
            gate,
            timeout: config.publish_timeout,
            metrics: settings.metrics.clone(),
        });
        let weak = Arc::downgrade(&shared);
        let driver = Driver { line, settings, commands: receiver, gate: gate_sender, shared: weak };
        tokio::spawn(driver.run());
        Self { shared }
    }

    /// Publishes a message; `Ok` means that the broker has it in a queue, on disk where the queue keeps it there.
    ///
    /// Waits for a connection and for room in the window, at most until `publish_timeout` or the deadline of the
    /// request that is current, whichever is earlier. Dropping the future calls nothing back: if it had been sent,
    /// the message may arrive.
    ///
    /// # Errors
    ///
    /// Every other outcome; [`PublishError::is_unsent`] tells those that are certain.
    pub async fn publish(&self, message: Message) -> Result<(), PublishError> {
        self.send(message).await?.confirmed().await
    }

    /// Publishes many messages, as many at a time as the window allows, and returns their outcomes in order.
    ///
    /// The deadline counts for each message from the moment at which it is its turn. Once one was not sent because the
    /// broker takes none or there is no connection, the rest is told the same at once: it would only wait as long
    /// again. Should messages be taken after all by then, they are sent.
    pub async fn publish_all(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Vec<Result<(), PublishError>> {
        // Collected first: an iterator that is kept across an await makes many callers' futures not `Send`.
        let messages: Vec<Message> = messages.into_iter().collect();
        let mut sent = Vec::with_capacity(messages.len());
        let mut shut = None;
        for message in messages {
            let outcome = match &shut {
                Some(error) if !self.shared.is_open() => Err(self.turn_away(&message, error)),
                _ => self.send(message).await,
            };
            shut = match &outcome {
                Err(error @ (PublishError::Blocked { .. } | PublishError::Unavailable { .. })) => {
                    Some(error.clone())
                }
                // Such a one never waits.
                Err(PublishError::TooLong { .. }) => shut,
                _ => None,
            };
            sent.push(outcome);
        }
        let mut outcomes = Vec::with_capacity(sent.len());
        for sent in sent {
            outcomes.push(match sent {
                Ok(pending) => pending.confirmed().await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// Hands a message over and returns before it is confirmed: one half of [`publish`](Self::publish), for whoever
    /// keeps several under way.
    ///
    /// # Errors
    ///
    /// Those that are certain: the message was not sent.
    pub async fn send(&self, message: Message) -> Result<Pending, PublishError> {
        let shared = &self.shared;
        let deadline = shared.deadline();
        let admitted = match message.check() {
            Ok(()) => shared.admit(deadline).await,
            too_long => too_long,
        };
        if admitted.is_err() {
            shared.metrics.published(&admitted);
        }
        admitted?;
        Ok(Pending { reply: shared.hand_over(message.with_trace()), deadline, shared: shared.clone() })
    }

    /// Waits until there is a connection to publish on, at most so long. It does not wait where the broker says that it
    /// takes no messages, since that may last: for whoever has something else to do meanwhile.
    ///
    /// # Errors
    ///
    /// Why no messages are taken: [`PublishError::Blocked`] or [`PublishError::Unavailable`].
    pub async fn opened(&self, patience: Duration) -> Result<(), PublishError> {
        let (shared, began) = (&self.shared, Instant::now());
        let mut gate = shared.gate.clone();
        let connected = gate.wait_for(|gate| !matches!(gate, Gate::Down(_)));
        let _in_time = timeout_at(began + patience, connected).await.is_ok();
        let now = gate.borrow();
        shut(&now, began).map_or(Ok(()), Err)
    }

    /// Waits until nothing is unconfirmed.
    pub async fn flush(&self) {
        // The semaphore is never closed.
        let _all = self.shared.window.acquire_many(self.shared.window_size).await;
    }

    /// How many messages are unconfirmed now.
    pub fn unconfirmed(&self) -> usize {
        (self.shared.window_size as usize).saturating_sub(self.shared.window.available_permits())
    }

    /// As [`send`](Self::send) where it is known that the message cannot be sent, and why.
    fn turn_away(&self, message: &Message, error: &PublishError) -> PublishError {
        let error = message.check().err().unwrap_or_else(|| error.clone());
        self.shared.metrics.published(&Err(error.clone()));
        error
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    pub(crate) fn upgrade(shared: &Weak<Shared>) -> Option<Self> {
        shared.upgrade().map(|shared| Self { shared })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("unconfirmed", &self.unconfirmed()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    /// The earlier of ours and the request's.
    fn deadline(&self) -> Instant {
        let request = with_current(|context| context.and_then(Context::remaining));
        Instant::now() + request.map_or(self.timeout, |remaining| remaining.min(self.timeout))
    }

    /// Waits for an open gate and a place in the window, and takes the place.
    async fn admit(&self, deadline: Instant) -> Result<(), PublishError> {
        let began = Instant::now();
        if began >= deadline {
            let reason = "the deadline of the request had passed already".to_owned();
            return Err(PublishError::Unavailable { reason });
        }
        loop {
            if !self.is_open() {
                let mut gate = self.gate.clone();
                let opens = gate.wait_for(|gate| matches!(gate, Gate::Open | Gate::Closed));
                if timeout_at(deadline, opens).await.is_err() {
                    return Err(self.why_shut(began));
                }
                if *self.gate.borrow() == Gate::Closed {
                    return Err(self.why_shut(began));
                }
            }
            if let Ok(place) = self.window.try_acquire() {
                place.forget();
                return Ok(());
            }
            match timeout_at(deadline, self.window.acquire()).await {
                // It may have been a while: the gate is looked at once more.
                Ok(Ok(place)) if self.is_open() => {
                    place.forget();
                    return Ok(());
                }
                Ok(_) => {}
                Err(_) => return Err(self.why_shut(began)),
            }
        }
    }

    /// Gives the driver a message that was admitted.
    fn hand_over(&self, message: Message) -> oneshot::Receiver<Result<(), Failure>> {
        let (sender, reply) = oneshot::channel();
        if let Err(unsent) = self.commands.send(Command { message, reply: sender }) {
            let reason = "the service shuts down".to_owned();
            let _told = unsent.0.reply.send(Err(Failure::Told(PublishError::Unavailable { reason })));
        }
        reply
    }

    fn is_open(&self) -> bool {
        *self.gate.borrow() == Gate::Open
    }

    fn why_shut(&self, began: Instant) -> PublishError {
        let full = PublishError::Backpressure { window: self.window_size, waited_ms: millis_since(began) };
        shut(&self.gate.borrow(), began).unwrap_or(full)
    }
}

/// What a gate that is shut means for a message.
fn shut(gate: &Gate, began: Instant) -> Option<PublishError> {
    let reason = match gate {
        Gate::Open => return None,
        Gate::Blocked(reason) => {
            let (reason, waited_ms) = (reason.to_string(), millis_since(began));
            return Some(PublishError::Blocked { reason, waited_ms });
        }
        Gate::Down(reason) => reason.to_string(),
        Gate::Closed => "the service shuts down".to_owned(),
    };
    Some(PublishError::Unavailable { reason })
}

fn millis_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

// === impl Pending ===

impl Pending {
    /// Waits for the outcome, at most until the deadline that counted when the message was sent.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`]; [`PublishError::Unknown`] at the deadline.
    pub async fn confirmed(mut self) -> Result<(), PublishError> {
        let outcome = self.outcome().await;
        self.shared.metrics.published(&outcome);
        outcome
    }

    async fn outcome(&mut self) -> Result<(), PublishError> {
        let unknown = |reason| Err(PublishError::Unknown { reason });
        loop {
            let message = match timeout_at(self.deadline, &mut self.reply).await {
                Ok(Ok(Ok(()))) => return Ok(()),
                Ok(Ok(Err(Failure::Told(error)))) => return Err(error),
                // The connection was lost in the moment in which it was handed over.
                Ok(Ok(Err(Failure::Unsent(message)))) => *message,
                // The driver ended, which it does in order only with nothing in flight.
                Ok(Err(_)) => return unknown("the publisher ended".to_owned()),
                Err(_) => {
                    return unknown(match &*self.shared.gate.borrow() {
                        Gate::Blocked(reason) => format!("the broker takes no messages ({reason})"),
                        _ => "it was not confirmed in time".to_owned(),
                    });
                }
            };
            self.shared.admit(self.deadline).await?;
            self.reply = self.shared.hand_over(message);
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
