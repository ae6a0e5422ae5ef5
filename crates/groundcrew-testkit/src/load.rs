//! A load client that counts every request sent and every answer.
//!
//! It is made to judge restarts: did a server that stopped leave requests unanswered that it could have answered?
//! Each connection sends one request at a time, waits for the whole response, honours `Connection: close`, and
//! reconnects when it is refused. Every request ends in exactly one of three ways:
//!
//! - **answered**: a complete response came, of whatever status;
//! - **lost**: it was written on an established connection before the peer's FIN had reached us, and no complete
//!   response came (see [`Lost`] for how it ended instead);
//! - **after FIN**: the peer had closed first, and our bytes crossed its FIN. No server can answer those.
//!
//! What tells the last two apart: the socket is asked for the peer's FIN by a system call right before the write
//! (closed already: nothing is sent, we reconnect). A peer that answers our bytes with a reset *after* its FIN had
//! closed before they came, which Linux reports as a broken pipe: after FIN. So is a FIN that is there within ten
//! microseconds of the check that did not see it: too soon for a peer to wake up, read and close. Anything else is
//! lost, a reset without a FIN above all: the peer threw away what it had received.
//!
//! The client runs on a thread of its own, so that it takes at most one core and never waits for the test. It is
//! bounded: 60 seconds and 10 million requests unless you say otherwise.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let addr = listener.local_addr()?;
//! # let mut server = tokio::task::JoinSet::new();
//! # server.spawn(async move {
//! #     let mut peers = tokio::task::JoinSet::new();
//! #     while let Ok((mut peer, _)) = listener.accept().await {
//! #         peers.spawn(async move {
//! #             while peer.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {
//! #                 let _ = peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
//! #             }
//! #         });
//! #     }
//! # });
//! use groundcrew_testkit::load::{Load, Pace};
//!
//! let report = Load::new(addr).connections(4).pace(Pace::Saturated).path("/hello").at_most(100).run().await;
//! assert_eq!((report.answered, report.lost.total()), (100, 0), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! Not here: TLS, HTTP/2, pipelining, several targets.

mod connection;
mod latency;
mod report;
mod running;

pub use latency::Latency;
pub use report::{Lost, Report};
pub use running::Running;

use std::net::SocketAddr;
use std::time::Duration;

/// When a connection sends its next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// As soon as the answer is there.
    Saturated,
    /// At most once per interval and connection; the connections are spread over the interval. A late answer
    /// delays the next request, it is not made up for.
    Every(Duration),
}

/// What to send, where, how fast and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    target: SocketAddr,
    connections: usize,
    pace: Pace,
    request: Vec<u8>,
    timeout: Duration,
    duration: Duration,
    requests: u64,
}

impl Load {
    /// `GET /` on one saturated connection; timeout 30 s per request, for at most 60 s and 10 million requests.
    pub fn new(target: SocketAddr) -> Self {
        let load = Self {
            target,
            connections: 1,
            pace: Pace::Saturated,
            request: Vec::new(),
            timeout: Duration::from_secs(30),
            duration: Duration::from_mins(1),
            requests: 10_000_000,
        };
        load.path("/")
    }

    /// How many connections are kept open; at least one.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// When each connection sends its next request; [`Pace::Saturated`] by default.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Sends `GET path`.
    pub fn path(self, path: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.target);
        self.request(request)
    }

    /// Sends exactly these bytes, which must be one complete request.
    pub fn request(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.request = bytes.into();
        self
    }

    /// How long a request may wait for its complete answer before it counts as lost; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Stops by itself after this time; 60 s by default.
    pub fn for_at_most(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Stops by itself after this many requests; 10 million by default.
    pub fn at_most(mut self, requests: u64) -> Self {
        self.requests = requests;
        self
    }

    /// Starts, and goes on until it is stopped or a bound is reached.
    pub fn start(self) -> Running {
        Running::start(self)
    }

    /// Runs until a bound is reached.
    pub async fn run(self) -> Report {
        self.start().finished().await
    }
}
