use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::head_end::bytes_behind;
use crate::peer::Peer;
use crate::stream::Stream;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Open, and has not sent a byte.
    Silent = 0,
    /// Has begun to send a request.
    Head = 1,
    /// At least one request is being answered.
    Busy = 2,
    /// Between two requests.
    Idle = 3,
    /// Our side is closed; late bytes are counted.
    Closing = 4,
    /// Handed to whoever asked for the upgrade, a WebSocket for one, who closes it.
    Upgraded = 5,
}

/// Octets of a PING and of its answer: our own, which keep a connection alive, are no sign of a client that reads
/// (RFC 9113, section 6.7).
const HTTP2_PING: usize = 17;

/// What the listener tells a connection to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Command {
    None = 0,
    /// Close as soon as nothing is on the wire (HTTP/1) or say GOAWAY (HTTP/2).
    CloseWhenIdle = 1,
    /// Close at once.
    Abort = 2,
}

/// One connection as its listener sees it. All fields are atomics: the connection's task writes, the sweeper
/// reads, and a request pays for no lock and no timer.
#[derive(Debug)]
pub(crate) struct Connection {
    clock: Arc<Clock>,
    /// The client; unknown on a Unix socket.
    pub(crate) peer: Option<Peer>,
    phase: AtomicU8,
    since: AtomicU64,
    command: AtomicU8,
    in_flight: AtomicU32,
    /// Bytes received behind the head of the request that was begun last.
    behind_head: AtomicU64,
    /// Since when the client has taken nothing of what we write, plus one; 0 while it takes.
    stuck_since: AtomicU64,
    /// When an answer got further last over HTTP/2, where what has left its body may wait for the client's window.
    progress_at: AtomicU64,
    /// How many bodies wait over HTTP/2 for the client to take what they gave.
    held_back: AtomicU32,
    pub(crate) http2: AtomicBool,
    pub(crate) waker: AtomicWaker,
    /// The socket, handed back when hyper is done with it, so that its closing can linger.
    pub(crate) returned: Mutex<Option<Stream>>,
}

// === impl Connection ===

impl Connection {
    pub(crate) fn new(clock: Arc<Clock>, peer: Option<SocketAddr>) -> Self {
        Self {
            since: AtomicU64::new(clock.now_ms()),
            clock,
            peer: peer.map(Peer::new),
            phase: AtomicU8::new(Phase::Silent as u8),
            command: AtomicU8::new(Command::None as u8),
            in_flight: AtomicU32::new(0),
            behind_head: AtomicU64::new(0),
            stuck_since: AtomicU64::new(0),
            progress_at: AtomicU64::new(0),
            held_back: AtomicU32::new(0),
            http2: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            returned: Mutex::new(None),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Busy,
            3 => Phase::Idle,
            4 => Phase::Closing,
            _ => Phase::Upgraded,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.clock.now_ms(), Relaxed);
    }

    /// How long nothing has changed, in milliseconds: neither its phase nor, over HTTP/2, what the client has taken.
    /// Short by at most one tick of the clock.
    pub(crate) fn quiet_ms(&self) -> u64 {
        let changed = self.since.load(Relaxed).max(self.progress_at.load(Relaxed));
        self.clock.now_ms().saturating_sub(changed)
    }

    /// Takes note of bytes that came.
    pub(crate) fn received(&self, bytes: &[u8]) {
        if self.http2.load(Relaxed) {
            // Between two requests an HTTP/2 client sends pings and windows, which no request need follow.
            if self.phase() == Phase::Silent {
                self.enter(Phase::Idle);
            }
            return;
        }
        match self.phase() {
            Phase::Busy | Phase::Closing | Phase::Upgraded => {
                self.behind_head.fetch_add(bytes.len() as u64, Relaxed);
                return;
            }
            Phase::Silent | Phase::Idle => self.enter(Phase::Head),
            Phase::Head => {}
        }
        self.behind_head.store(bytes_behind(bytes) as u64, Relaxed);
    }

    /// Whether more has come than the present request with a body of this length: the client pipelines, and
    /// its next request is here already.
    pub(crate) fn has_more_than(&self, body_bytes: u64) -> bool {
        self.behind_head.load(Relaxed) > body_bytes
    }

    /// Whether a request is being answered, whatever phase a race may have left.
    pub(crate) fn is_answering(&self) -> bool {
        self.in_flight.load(Relaxed) > 0
    }

    /// A write went through, or is stuck from now on.
    pub(crate) fn stuck(&self, stuck: bool) {
        let since = if stuck { self.clock.now_ms().saturating_add(1) } else { 0 };
        self.stuck_since.store(since, Relaxed);
    }

    /// How long the client has taken nothing of what we write, in milliseconds.
    pub(crate) fn stuck_ms(&self) -> Option<u64> {
        let since = self.stuck_since.load(Relaxed).checked_sub(1)?;
        Some(self.clock.now_ms().saturating_sub(since))
    }

    /// This much was written to the socket.
    pub(crate) fn wrote(&self, bytes: usize) {
        if bytes > HTTP2_PING && self.http2.load(Relaxed) {
            self.gets_further();
        }
    }

    /// An answer got further over HTTP/2: onto the socket, or from its body to hyper, which asks for more only when the
    /// client has taken what was there.
    pub(crate) fn gets_further(&self) {
        self.progress_at.store(self.clock.now_ms(), Relaxed);
    }

    /// A body gave something, and has not been asked for more yet.
    pub(crate) fn hold_back(&self) {
        self.held_back.fetch_add(1, Relaxed);
    }

    /// What that body gave has been taken, or is wanted no more.
    pub(crate) fn let_go(&self) {
        self.held_back.fetch_sub(1, Relaxed);
    }

    /// How long the client has taken nothing of all the answers that are there for it, in milliseconds; `None` where
    /// one of them is still being made.
    pub(crate) fn held_back_ms(&self) -> Option<u64> {
        let all = self.in_flight.load(Relaxed);
        (all > 0 && self.held_back.load(Relaxed) == all).then(|| self.quiet_ms())
    }

    pub(crate) fn request_begins(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        self.phase.store(Phase::Busy as u8, Relaxed);
    }

    pub(crate) fn request_ends(&self) {
        if self.in_flight.fetch_sub(1, Relaxed) == 1 && self.phase() == Phase::Busy {
            self.enter(Phase::Idle);
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self.command.load(Relaxed) {
            0 => Command::None,
            1 => Command::CloseWhenIdle,
            _ => Command::Abort,
        }
    }

    /// Tells the connection what to do; a stronger command is never taken back.
    pub(crate) fn tell(&self, command: Command) {
        if self.command.fetch_max(command as u8, Relaxed) < command as u8 {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connection() -> Connection {
        Connection::new(Arc::new(Clock::default()), None)
    }

    #[test]
    fn a_connection_is_idle_only_when_its_last_request_has_ended() {
        let connection = connection();
        connection.received(b"GET / HTTP/1.1\r\n");
        assert_eq!(connection.phase(), Phase::Head);
        connection.request_begins();
        connection.request_begins();
        connection.request_ends();
        assert_eq!(connection.phase(), Phase::Busy);
        connection.request_ends();
        assert_eq!(connection.phase(), Phase::Idle);
    }

    #[test]
    fn a_connection_is_timed_after_fifty_days_of_uptime_as_on_the_first() {
        let connection = connection();
        let uptime = Duration::from_secs(50 * 24 * 3600);
        connection.clock.set(uptime);
        connection.enter(Phase::Idle);
        connection.stuck(true);
        connection.clock.set(uptime + Duration::from_secs(75));
        assert_eq!((connection.quiet_ms(), connection.stuck_ms()), (75_000, Some(75_000)));
    }

    #[test]
    fn a_body_is_not_taken_for_a_pipelined_request() {
        let connection = connection();
        connection.received(b"POST / HTTP/1.1\r\n\r\nab");
        connection.request_begins();
        connection.received(b"cd");
        assert!(!connection.has_more_than(4));
        assert!(connection.has_more_than(3));
    }

    #[test]
    fn a_stronger_command_is_never_taken_back() {
        let connection = connection();
        connection.tell(Command::Abort);
        connection.tell(Command::CloseWhenIdle);
        assert_eq!(connection.command(), Command::Abort);
    }
}
