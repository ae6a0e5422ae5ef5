//! A TCP proxy that breaks the network on purpose, and mends it again.
//!
//! It listens on a free loopback port and forwards to one target. [`FaultProxy::set`] changes what it does to the
//! connections that exist and to those that come, and returns when the change is in force.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let target = database.local_addr()?;
//! use groundcrew_testkit::proxy::{FaultProxy, Mode};
//! use tokio::net::TcpStream;
//!
//! let proxy = FaultProxy::to(target).await?;
//! proxy.set(Mode::Refuse).await;
//! assert!(TcpStream::connect(proxy.addr()).await.is_err());
//! proxy.heal().await;
//! assert!(TcpStream::connect(proxy.addr()).await.is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! It works on streams of bytes: it knows no protocol, and it cannot lose single packets. The machine it runs on
//! acknowledges what it receives, so a black hole shows as silence, not as retransmissions.

mod accept;
mod flow;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Forwards everything at once.
    #[default]
    Pass,
    /// Resets every connection that exists, and every new one as soon as it is accepted.
    Cut,
    /// Refuses new connections as if nobody listened; those that exist go on. The port stays ours.
    Refuse,
    /// Forwards slowly, in each direction of each connection. Bytes under way keep their delay after healing.
    Slow {
        /// Throughput; zero counts as one.
        bytes_per_second: u64,
        /// Added to the way of every byte.
        latency: Duration,
    },
    /// Forwards without delay, but not more than so much: a full pipe, where large answers take long and small ones
    /// do not.
    Limit {
        /// Throughput, in each direction of each connection; zero counts as one.
        bytes_per_second: u64,
    },
    /// Accepts, swallows whatever comes and never answers. A connection that was opened in this mode or has lost
    /// bytes to it stays silent for good, also after healing, as after a failover that nobody told the client of.
    BlackHole,
    /// Stops forwarding in one direction. What was held back is delivered after healing.
    HalfOpen(Direction),
}

/// One of the two directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the target.
    ToTarget,
    /// From the target to the client.
    ToClient,
}

/// A running proxy; dropping it cuts everything.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    modes: watch::Sender<Order>,
    applied: watch::Receiver<u64>,
    counters: Arc<Counters>,
    _tasks: JoinSet<()>,
}

/// A mode, and the how-manieth it is.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    number: u64,
    mode: Mode,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    open: watch::Sender<u64>,
    to_target: Bytes,
    to_client: Bytes,
}

/// What came in one direction.
#[derive(Debug, Default)]
struct Bytes {
    delivered: AtomicU64,
    swallowed: AtomicU64,
}

impl FaultProxy {
    /// Starts on a free loopback port, forwarding to `target`. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When no port can be bound. The target is not tried.
    pub async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (modes, orders) = watch::channel(Order::default());
        let (done, applied) = watch::channel(0);
        let counters = Arc::new(Counters::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept::run(listener, target, orders, done, Arc::clone(&counters)));
        Ok(Self { addr, modes, applied, counters, _tasks: tasks })
    }

    /// Where to connect instead of the target.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same URL, through this proxy: only its address is another.
    pub fn url_to(&self, url: &str) -> String {
        crate::through::through(url, self.addr)
    }

    /// Changes the mode, and returns when it is in force: after [`Mode::Cut`], when every connection is gone;
    /// after [`Mode::Refuse`], when nobody listens any more.
    pub async fn set(&self, mode: Mode) {
        let mut number = 0;
        self.modes.send_modify(|order| {
            number = order.number + 1;
            *order = Order { number, mode };
        });
        let mut applied = self.applied.clone();
        let _ = applied.wait_for(|applied| *applied >= number).await;
        if mode == Mode::Cut {
            let _ = self.counters.open.subscribe().wait_for(|open| *open == 0).await;
        }
    }

    /// Back to [`Mode::Pass`].
    pub async fn heal(&self) {
        self.set(Mode::Pass).await;
    }

    /// Resets every connection that exists, and passes those that come after.
    pub async fn cut_once(&self) {
        self.set(Mode::Cut).await;
        self.heal().await;
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.counters.accepted.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub fn open(&self) -> u64 {
        *self.counters.open.borrow()
    }

    /// Bytes delivered so far in that direction.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.counters.bytes(direction).delivered.load(Ordering::Relaxed)
    }

    /// Bytes that fell into a black hole so far in that direction: whoever sent them hears nothing, whatever comes.
    pub fn swallowed(&self, direction: Direction) -> u64 {
        self.counters.bytes(direction).swallowed.load(Ordering::Relaxed)
    }
}

impl Counters {
    fn bytes(&self, direction: Direction) -> &Bytes {
        match direction {
            Direction::ToTarget => &self.to_target,
            Direction::ToClient => &self.to_client,
        }
    }
}
