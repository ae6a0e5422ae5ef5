use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use groundcrew_runtime::{Backoff, Outcome, PhaseScope};
use lapin::Event;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::Topology;
use crate::error::{code, words};
use crate::link::Link;
use crate::metrics::{AmqpMetrics, LineMetrics};
use crate::target::Target;

/// A connection that lived so long was a good one: the next failure starts from the short pause again.
const GOOD_CONNECTION: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How often the library's own state is looked at, beside its events.
const LOOK: Duration = Duration::from_millis(250);
const GOOD_BYE: Duration = Duration::from_secs(2);

/// What all connections to one broker have in common.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) target: Target,
    pub(crate) connect_timeout: Duration,
    pub(crate) retry_max: Duration,
    pub(crate) metrics: Arc<AmqpMetrics>,
    pub(crate) topology: Mutex<Topology>,
}

/// What a connection is for. They are two, since a broker that is short of memory stops reading from those that
/// publish: acknowledgements on the same connection would wait too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Publish,
    Consume,
}

/// A connection that is made again whenever it ends. Clones share it.
#[derive(Clone)]
pub(crate) struct Line {
    settings: Arc<Settings>,
    role: Role,
    state: watch::Sender<LineState>,
    closing: watch::Sender<bool>,
}

/// Where a line stands.
#[derive(Clone)]
pub(crate) struct LineState {
    /// The connection, declared topology included.
    pub(crate) link: Option<Arc<Link>>,
    /// Why the broker takes no messages, while it does not.
    pub(crate) blocked: Option<Arc<str>>,
    /// Since when there is no connection, and why.
    pub(crate) down: Option<Down>,
    /// The line is closed for good.
    pub(crate) closed: bool,
}

#[derive(Clone)]
pub(crate) struct Down {
    pub(crate) since: Instant,
    pub(crate) error: Arc<str>,
    /// The broker knows who asks and says no.
    pub(crate) refused: bool,
}

// === impl Line ===

impl Line {
    /// Begins to connect, in the background.
    pub(crate) fn start(settings: Arc<Settings>, role: Role) -> Self {
        let down = Down { since: Instant::now(), error: "not connected yet".into(), refused: false };
        let state = LineState { link: None, blocked: None, down: Some(down), closed: false };
        let line =
            Self { settings, role, state: watch::Sender::new(state), closing: watch::Sender::new(false) };
        tokio::spawn(line.clone().run());
        line
    }

    pub(crate) fn state(&self) -> watch::Receiver<LineState> {
        self.state.subscribe()
    }

    /// The connection, as soon as there is one; `None` once there will be none any more.
    pub(crate) async fn link(&self) -> Option<Arc<Link>> {
        let mut state = self.state();
        let decided = state.wait_for(|state| state.link.is_some() || state.closed).await.ok()?;
        decided.link.clone()
    }

    /// Resolves once that connection is no longer the one. What is asked of a connection that dies meanwhile is not
    /// always answered by the library.
    pub(crate) async fn lost(&self, link: &Arc<Link>) {
        let is_another = |now: &LineState| now.link.as_ref().is_none_or(|now| !Arc::ptr_eq(now, link));
        let mut state = self.state();
        // The sender is ours.
        let _lost = state.wait_for(is_another).await;
    }

    /// Keeps this for the connections to come, unless there is one on which it is not declared yet: that one.
    pub(crate) fn remember(&self, topology: &Topology, declared: Option<&Arc<Link>>) -> Option<Arc<Link>> {
        // Held meanwhile: a connection that is being made is not the one yet, and looks once more before it is.
        let mut known = self.settings.topology.lock();
        let link = self.state.borrow().link.clone();
        let lacking = link.filter(|link| declared.is_none_or(|declared| !Arc::ptr_eq(declared, link)));
        if lacking.is_none() {
            known.join(topology.clone());
        }
        lacking
    }

    /// Why the line cannot be used, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        let state = self.state.borrow();
        if let Some(down) = &state.down {
            let seconds = down.since.elapsed().as_secs();
            return Some(format!("the {} connection is down since {seconds} s: {}", self.role, down.error));
        }
        let blocked = state.blocked.as_ref();
        blocked.map(|reason| format!("the broker blocks the {} connection: {reason}", self.role))
    }

    /// Connects no more.
    pub(crate) fn abandon(&self) {
        self.closing.send_replace(true);
    }

    /// Ends the connection in order; nothing is connected again.
    pub(crate) async fn close(&self, scope: &PhaseScope) -> Outcome {
        self.abandon();
        let mut state = self.state();
        let ended = state.wait_for(|state| state.closed);
        tokio::select! {
            _ = ended => Outcome::finished(""),
            () = scope.cut() => Outcome::cut("the broker did not answer"),
        }
    }

    pub(crate) fn metrics(&self) -> &LineMetrics {
        match self.role {
            Role::Publish => &self.settings.metrics.publish,
            Role::Consume => &self.settings.metrics.consume,
        }
    }

    async fn run(self) {
        let mut closing = self.closing.subscribe();
        let backoff = Backoff::new(FIRST_PAUSE, self.settings.retry_max);
        let mut failures = 0;
        loop {
            let attempt = async {
                let began = Instant::now();
                match self.connect().await {
                    Ok(link) => {
                        let error = self.watch(&link).await;
                        self.down(&error, false);
                        link.kill();
                        if began.elapsed() >= GOOD_CONNECTION {
                            failures = 0;
                        }
                    }
                    Err((error, refused)) => self.down(&error, refused),
                }
                tokio::time::sleep(backoff.delay(failures)).await;
                failures += 1;
            };
            let closed = tokio::select! {
                _ = closing.wait_for(|closing| *closing) => true,
                () = attempt => false,
            };
            if closed {
                return self.shut().await;
            }
        }
    }

    /// Makes a connection, and makes it the one once all is declared on it.
    async fn connect(&self) -> Result<Arc<Link>, (String, bool)> {
        let Settings { service, target, connect_timeout, .. } = &*self.settings;
        let connected = Link::connect(target, &format!("{service} ({})", self.role), *connect_timeout).await;
        let link = connected.map_err(|error| (words(&error), matches!(code(&error), Some(403 | 530))))?;
        self.metrics().connects.inc();
        let link = Arc::new(link);
        loop {
            let topology = self.settings.topology.lock().clone();
            tokio::select! {
                declared = topology.declare(&link) => declared.map_err(|error| (error.to_string(), false))?,
                error = self.watch(&link) => return Err((error, false)),
            }
            // Somebody may have added to it meanwhile.
            if self.up(&link, &topology) {
                return Ok(link);
            }
        }
    }

    /// Returns what ended the connection.
    async fn watch(&self, link: &Link) -> String {
        let mut events = pin!(link.connection().events_listener());
        let mut last = None;
        loop {
            match tokio::time::timeout(LOOK, events.next()).await {
                Ok(Some(Event::ConnectionBlocked(reason))) => self.blocked(Some(&reason)),
                Ok(Some(Event::ConnectionUnblocked)) => self.blocked(None),
                Ok(Some(Event::Error(error))) => last = Some(words(&error)),
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => return "it was closed".to_owned(),
            }
            let status = link.connection().status();
            if !status.connected() {
                // The reason may be the next event.
                while let Some(Some(event)) = events.next().now_or_never() {
                    if let Event::Error(error) = event {
                        last = Some(words(&error));
                    }
                }
                return last.unwrap_or_else(|| "it was closed".to_owned());
            }
            // An event from before we listened.
            if status.blocked() && self.state.borrow().blocked.is_none() {
                self.blocked(Some("for a reason that it gave too early"));
            }
        }
    }

    /// Makes this connection the one; false where there is more to declare than was declared on it.
    fn up(&self, link: &Arc<Link>, declared: &Topology) -> bool {
        let mut was_down = None;
        {
            // Held until it is the one: what comes later is declared by whoever brings it.
            let known = self.settings.topology.lock();
            if *known != *declared {
                return false;
            }
            self.metrics().connections.set(1);
            self.state.send_modify(|state| {
                was_down = state.down.take();
                state.link = Some(link.clone());
            });
        }
        tracing::info!(
            broker.name = self.settings.name,
            broker.target = self.settings.target.shown,
            connection = %self.role,
            down_for = ?was_down.map(|down| down.since.elapsed()),
            "RabbitMQ is connected"
        );
        true
    }

    fn down(&self, error: &str, refused: bool) {
        self.metrics().connections.set(0);
        self.blocked(None);
        let mut is_news = false;
        self.state.send_modify(|state| {
            state.link = None;
            let since = state.down.as_ref().map_or_else(Instant::now, |down| down.since);
            is_news = state.down.as_ref().is_none_or(|down| *down.error != *error);
            state.down = Some(Down { since, error: error.into(), refused });
        });
        // Not each attempt: only what is new.
        if is_news {
            tracing::warn!(
                broker.name = self.settings.name,
                broker.target = self.settings.target.shown,
                connection = %self.role,
                error,
                "RabbitMQ is not connected; trying again until it is"
            );
        }
    }

    fn blocked(&self, reason: Option<&str>) {
        if self.role == Role::Publish {
            self.settings.metrics.blocked.set(i64::from(reason.is_some()));
        }
        let changed = self.state.send_if_modified(|state| {
            let changed = state.blocked.as_deref() != reason;
            state.blocked = reason.map(Arc::from);
            changed
        });
        if !changed {
            return;
        }
        let (name, role) = (&self.settings.name, self.role);
        match reason {
            Some(reason) => {
                tracing::warn!(broker.name = name, connection = %role, reason, "RabbitMQ takes no messages");
            }
            None => tracing::info!(broker.name = name, connection = %role, "RabbitMQ takes messages again"),
        }
    }

    async fn shut(&self) {
        let link = self.state.borrow().link.clone();
        if let Some(link) = link {
            link.close(GOOD_BYE).await;
        }
        self.metrics().connections.set(0);
        self.state.send_modify(|state| {
            let error = "the service shuts down".into();
            state.link = None;
            state.down = Some(Down { since: Instant::now(), error, refused: false });
            state.closed = true;
        });
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(&self.role).finish()
    }
}

// === impl Role ===

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        })
    }
}
