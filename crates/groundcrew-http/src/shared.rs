use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use groundcrew_runtime::Crew;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::connection::{Command, Connection, Phase};
use crate::http_metrics::HttpMetrics;
use crate::probes::Probes;
use crate::routes::Routes;
use crate::{BindError, HttpConfig};

/// How far a listener's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Serves.
    Open = 0,
    /// Serves, and asks every client to come back on a new connection.
    LameDuck = 1,
    /// Takes no new connections, answers what comes on the old ones.
    Draining = 2,
    /// Answers 503 to whatever is still unanswered.
    Cutting = 3,
}

/// What the accept loop, the connections and the drain of one listener share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) section: &'static str,
    pub(crate) crew: Crew,
    pub(crate) config: HttpConfig,
    pub(crate) clock: Arc<Clock>,
    pub(crate) metrics: Arc<HttpMetrics>,
    pub(crate) probes: Probes,
    pub(crate) routes: OnceLock<Routes>,
    /// Whether the listening socket was there before us, and its clients with it.
    pub(crate) handed_over: bool,
    /// Fires when there are routes.
    pub(crate) serving: CancellationToken,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::Acceptor>,
    /// Fires when the last connection of the backlog has been accepted and the listener is gone.
    pub(crate) door_shut: CancellationToken,
    /// Fires when unanswered requests are to be answered 503.
    pub(crate) cutting: CancellationToken,
    stage: AtomicU8,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next_id: AtomicU64,
    pub(crate) closed: Notify,
    pub(crate) tally: Tally,
}

/// What the receipt says.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered_while_draining: AtomicU64,
    pub(crate) answered_503: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) late_bytes: AtomicU64,
}

/// A connection's place in the registry; given back on drop, which is when its socket is closed.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Arc<Connection>,
    id: u64,
}

// === impl Shared ===

impl Shared {
    #[cfg_attr(not(feature = "tls"), expect(clippy::unnecessary_wraps, reason = "certificates can be wrong"))]
    pub(crate) fn try_new(
        section: &'static str,
        crew: &Crew,
        config: HttpConfig,
        probes: Probes,
        handed_over: bool,
    ) -> Result<Arc<Self>, BindError> {
        Ok(Arc::new(Self {
            #[cfg(feature = "tls")]
            tls: config.tls.as_ref().map(crate::tls::Acceptor::try_new).transpose()?,
            section,
            crew: crew.clone(),
            config,
            clock: Arc::new(Clock::default()),
            metrics: HttpMetrics::for_listener(section, crew.metrics()),
            probes,
            routes: OnceLock::new(),
            handed_over,
            serving: CancellationToken::new(),
            door_shut: CancellationToken::new(),
            cutting: CancellationToken::new(),
            stage: AtomicU8::new(Stage::Open as u8),
            connections: Mutex::new(HashMap::new()),
            next_id: AtomicU64::new(0),
            closed: Notify::new(),
            tally: Tally::default(),
        }))
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Open,
            1 => Stage::LameDuck,
            2 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }

    /// Moves on; never back.
    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Relaxed);
    }

    pub(crate) fn register(self: &Arc<Self>, peer: Option<SocketAddr>) -> Registered {
        self.clock.tick();
        let connection = Arc::new(Connection::new(self.clock.clone(), peer));
        let id = self.next_id.fetch_add(1, Relaxed);
        self.connections.lock().insert(id, connection.clone());
        self.metrics.connections.inc();
        Registered { shared: self.clone(), connection, id }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.lock().len()
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Connection)) {
        for connection in self.connections.lock().values() {
            visit(connection);
        }
    }

    /// Makes one connection leave: the oldest that has not sent a byte, or else the one that has been idle for
    /// longest, which loses nothing by it.
    pub(crate) fn evict_one(&self) {
        let connections = self.connections.lock();
        let told_nothing = |connection: &&Arc<Connection>| connection.command() == Command::None;
        let in_phase = |phase| {
            let there = connections.values().filter(told_nothing);
            there.filter(move |connection| connection.phase() == phase).max_by_key(|found| found.quiet_ms())
        };
        if let Some(oldest) = in_phase(Phase::Silent) {
            oldest.tell(Command::Abort);
            self.metrics.connection_closed("evicted");
        } else if let Some(idle) = in_phase(Phase::Idle) {
            idle.tell(Command::CloseWhenIdle);
            self.metrics.connection_closed("evicted");
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.connections.lock().remove(&self.id);
        self.shared.metrics.connections.dec();
        self.shared.closed.notify_waiters();
    }
}
