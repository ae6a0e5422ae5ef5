use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lapin::Channel;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use tokio::sync::{mpsc, oneshot, watch};

use super::Shared;
use super::in_flight::InFlight;
use crate::PublishError;
use crate::error::words;
use crate::line::{Line, LineState, Settings};
use crate::link::Link;
use crate::message::Message;

pub(super) type Reply = oneshot::Sender<Result<(), Failure>>;

/// Why a message that was admitted was not confirmed.
pub(super) enum Failure {
    Told(PublishError),
    /// It was never sent, and here it is again.
    Unsent(Box<Message>),
}

/// A message that was admitted, and where its outcome goes.
pub(super) struct Command {
    pub(super) message: Message,
    pub(super) reply: Reply,
}

/// Whether messages are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// The broker takes none, and why.
    Blocked(Arc<str>),
    /// There is no connection, and why.
    Down(Arc<str>),
    /// There will be none any more.
    Closed,
}

/// Owns a publisher's channel: writes what it is given, and tells each message's outcome.
pub(super) struct Driver {
    pub(super) line: Line,
    pub(super) settings: Arc<Settings>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) gate: watch::Sender<Gate>,
    pub(super) shared: Weak<Shared>,
}

const AT_ONCE: usize = 64;
/// Between two channels on one connection, when the first was ended by an error.
const PAUSE: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(500);

// === impl Driver ===

impl Driver {
    pub(super) async fn run(mut self) {
        let mut state = self.line.state();
        let mut last = Weak::new();
        loop {
            let Some(link) = self.next_link(&mut state).await else { return };
            if std::ptr::eq(last.as_ptr(), Arc::as_ptr(&link)) {
                tokio::time::sleep(PAUSE).await;
                // Somebody may have deleted what the channel died of.
                let topology = self.settings.topology.lock().clone();
                if let Err(error) = topology.declare(&link).await {
                    tracing::warn!(broker.name = self.settings.name, %error, "the topology cannot be declared");
                }
            }
            last = Arc::downgrade(&link);
            let opened = tokio::select! {
                opened = open(&link) => opened,
                () = self.line.lost(&link) => continue,
            };
            let channel = match opened {
                Ok(channel) => channel,
                Err(error) => {
                    self.gate.send_replace(Gate::Down(words(&error).into()));
                    link.kill();
                    self.line.lost(&link).await;
                    continue;
                }
            };
            drop(link);
            self.line.metrics().channels.inc();
            let ended = self.serve(&channel, &mut state).await;
            self.line.metrics().channels.dec();
            let Some(reason) = ended else {
                // Every publisher is gone.
                let _closed = tokio::time::timeout(LOOK, channel.close(200, "done".into())).await;
                return;
            };
            tracing::debug!(broker.name = self.settings.name, reason, "a publisher's channel ended");
        }
    }

    /// Waits for a connection; `None` once there will be none, or nobody wants one.
    async fn next_link(&mut self, state: &mut watch::Receiver<LineState>) -> Option<Arc<Link>> {
        loop {
            let now = state.borrow_and_update().clone();
            if now.closed {
                self.gate.send_replace(Gate::Closed);
                self.commands.close();
                self.give_back_queued();
                return None;
            }
            if let Some(link) = now.link {
                return Some(link);
            }
            let reason = now.down.map_or_else(|| "not connected".into(), |down| down.error);
            self.gate.send_replace(Gate::Down(reason));
            self.give_back_queued();
            tokio::select! {
                changed = state.changed() => changed.ok()?,
                command = self.commands.recv() => match command {
                    // Admitted in the moment in which the connection was lost.
                    Some(command) => self.give_back(command),
                    None => return None,
                },
            }
        }
    }

    /// Publishes until the channel ends, and says why; `None` when nobody publishes any more.
    async fn serve(&mut self, channel: &Channel, state: &mut watch::Receiver<LineState>) -> Option<String> {
        let mut in_flight = InFlight::new();
        let mut commands = Vec::with_capacity(AT_ONCE);
        self.open_gate(&state.borrow_and_update());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut nobody_publishes = false;
        let reason = loop {
            if nobody_publishes && in_flight.len() == 0 {
                return None;
            }
            tokio::select! {
                biased;
                settled = poll_fn(|cx| in_flight.poll_settle(cx)) => {
                    self.settled(settled.count);
                    self.settings.metrics.returned.inc_by(settled.returned);
                    if let Some(reason) = settled.broken {
                        break reason;
                    }
                }
                count = self.commands.recv_many(&mut commands, AT_ONCE), if !nobody_publishes => {
                    nobody_publishes = count == 0;
                    if !channel.status().connected() {
                        self.gate.send_replace(Gate::Down("the channel was closed".into()));
                        commands.drain(..).for_each(|command| self.give_back(command));
                        break "the channel was closed".to_owned();
                    }
                    for command in commands.drain(..) {
                        publish(channel, &mut in_flight, command);
                    }
                    self.settings.metrics.unconfirmed.add(i64::try_from(count).unwrap_or_default());
                }
                changed = state.changed() => {
                    let now = state.borrow_and_update();
                    if changed.is_err() || now.link.is_none() {
                        let error = now.down.as_ref().map(|down| down.error.to_string());
                        break error.unwrap_or_else(|| "the connection was lost".to_owned());
                    }
                    self.open_gate(&now);
                }
                _ = look.tick() => if !channel.status().connected() {
                    break "the channel was closed".to_owned();
                }
            }
        };
        self.gate.send_replace(Gate::Down(reason.as_str().into()));
        let lost = in_flight.lose(&reason);
        self.settled(lost);
        Some(reason)
    }

    fn open_gate(&self, state: &LineState) {
        let gate = state.blocked.clone().map_or(Gate::Open, Gate::Blocked);
        self.gate.send_if_modified(|now| {
            let changed = *now != gate;
            *now = gate;
            changed
        });
    }

    /// Makes room for as many others.
    fn settled(&self, count: usize) {
        self.settings.metrics.unconfirmed.sub(i64::try_from(count).unwrap_or_default());
        self.release(count);
    }

    fn release(&self, count: usize) {
        if let Some(shared) = self.shared.upgrade() {
            shared.window.add_permits(count);
        }
    }

    fn give_back_queued(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            self.give_back(command);
        }
    }

    fn give_back(&self, Command { message, reply }: Command) {
        self.release(1);
        let _gone = reply.send(Err(Failure::Unsent(Box::new(message))));
    }
}

async fn open(link: &Link) -> Result<Channel, lapin::Error> {
    let channel = link.channel().await?;
    link.bounded(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

fn publish(channel: &Channel, in_flight: &mut InFlight, command: Command) {
    let Command { message, reply } = command;
    let parts = message.into_parts();
    let (id, exchange) = (parts.id, parts.exchange.clone());
    let channel = channel.clone();
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    in_flight.add(id, exchange, reply, async move {
        channel
            .basic_publish(parts.exchange, parts.key, options, &parts.payload, parts.properties)
            .await?
            .await
    });
}
