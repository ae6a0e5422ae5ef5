//! A private RabbitMQ from the scripts on the machine, and a virtual host per test.
//!
//! It has its own node name, ports, cookie and data in a folder that goes away with it; it needs no epmd and leaves
//! none behind, so several can run at once, as root or not. It takes some seconds to start, so let many tests share
//! one: each gets a [`Vhost`] of its own from [`RabbitMq::vhost`]. It takes faults: kill, pause, restart with the same
//! data, all connections closed, a memory alarm that blocks publishers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::rabbitmq::RabbitMq;
//!
//! let rabbitmq = RabbitMq::start().await?;
//! let vhost = rabbitmq.vhost().await?;
//! assert!(vhost.url().starts_with("amqp://"));
//! assert!(vhost.queues().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! The script `rabbitmq-server` is looked for in the system under `RABBITMQ_ROOT` (another Debian, for another
//! version: it is started there by `chroot`, which needs root), then in `RABBITMQ_SERVER`, then under `/usr/lib/rabbitmq/lib` (the newest
//! version), then on `PATH`. With `TEST_RABBITMQ_URL` and `TEST_RABBITMQ_MANAGEMENT_URL` set, [`RabbitMq::start`] starts nothing and
//! uses that broker: everything works but the faults. To share one of ours among processes, give them the variables
//! of [`RabbitMq::environment`]. Should the test's process be killed, a watcher ends the broker and removes its
//! folder.
//!
//! Counts of messages and consumers are asked of the queues themselves. They are exact, unlike those of the
//! management API, which are up to five seconds old, and which are all there is of a broker that is not ours.

mod broker;
mod control;
mod erlang;
mod management;
mod queue;
mod scripts;
mod server;
mod setup;
mod vhost;

pub use crate::server::Error;
pub use queue::Queue;
pub use setup::Setup;
pub use vhost::Vhost;

use crate::server::{Family, given};
use broker::Broker;
use server::Server;
use std::fmt;

const TEST_RABBITMQ_URL: &str = "TEST_RABBITMQ_URL";

/// A running RabbitMQ; dropping it ends it and removes its data.
pub struct RabbitMq {
    url: String,
    broker: Broker,
    server: Option<Server>,
}

impl RabbitMq {
    /// Starts a broker, or takes the one that `TEST_RABBITMQ_URL` names. Some seconds.
    ///
    /// # Errors
    /// When the script is missing (the message says how to install it) or the broker does not start.
    pub async fn start() -> Result<Self, Error> {
        match given(TEST_RABBITMQ_URL) {
            Some(url) => Ok(Self { broker: Broker::given()?, url, server: None }),
            None => Self::private().await,
        }
    }

    /// Starts a broker of our own, whatever `TEST_RABBITMQ_URL` says: for tests that need its faults.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn private() -> Result<Self, Error> {
        Self::setup().start().await
    }

    /// A private broker with settings and plugins of your own.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// The URL of the default virtual host, as an administrator.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port on 127.0.0.1; `None` with `TEST_RABBITMQ_URL`.
    pub fn port(&self) -> Option<u16> {
        self.server.as_ref().map(Server::port)
    }

    /// The variables by which other processes share this broker; none with `TEST_RABBITMQ_URL`, which is there
    /// already.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let ours = |server: &Server| vec![(TEST_RABBITMQ_URL, self.url.clone()), server.environment()];
        self.server.as_ref().map(ours).unwrap_or_default()
    }

    /// Creates an empty virtual host with a user that may do everything in it and nothing elsewhere.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn vhost(&self) -> Result<Vhost, Error> {
        Vhost::create(self.broker.clone(), &self.url, self.server.is_none()).await
    }

    /// SIGKILL for every process of the broker: connections end at once, what was confirmed as durable stays. The
    /// list of quorum queues is written down first: RabbitMQ 3.10 loses those that are younger than about a second,
    /// whatever a client does.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_RABBITMQ_URL`.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.server()?.kill();
        Ok(())
    }

    /// SIGSTOP for every process of the broker: connections stay open and nothing answers.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_RABBITMQ_URL`, [`Error::NotRunning`] after a kill.
    pub fn pause(&mut self) -> Result<(), Error> {
        self.family()?.pause()
    }

    /// SIGCONT: goes on where it was paused.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn resume(&mut self) -> Result<(), Error> {
        self.family()?.resume()
    }

    /// Starts again with the same data on the same port, after an orderly stop where it still runs.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_RABBITMQ_URL`; or when it does not start.
    pub async fn restart(&mut self) -> Result<(), Error> {
        let server = self.server()?;
        server.stop().await;
        server.launch().await
    }

    /// Closes every client's connection as an administrator does (`CONNECTION_FORCED`), and returns how many there
    /// were. To cut without a word, put a proxy between; to close only one test's, see
    /// [`Vhost::close_connections`].
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_RABBITMQ_URL`; or when the broker does not answer.
    pub async fn close_all_connections(&self) -> Result<u64, Error> {
        self.ours()?;
        self.broker.ask(|broker| broker.close_connections(None)).await
    }

    /// Raises the memory alarm: the broker reads no more from connections that publish, and tells them that they
    /// are blocked, until [`Self::clear_memory_alarm`] or a restart.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_RABBITMQ_URL`; or when the broker does not answer.
    pub async fn memory_alarm(&self) -> Result<(), Error> {
        self.ours()?;
        self.broker.ask(|broker| broker.memory_alarm(true)).await
    }

    /// Ends the alarm, and publishers go on.
    ///
    /// # Errors
    /// As [`Self::memory_alarm`].
    pub async fn clear_memory_alarm(&self) -> Result<(), Error> {
        self.ours()?;
        self.broker.ask(|broker| broker.memory_alarm(false)).await
    }

    fn ours(&self) -> Result<&Server, Error> {
        self.server.as_ref().ok_or(Error::NotOurs)
    }

    fn server(&mut self) -> Result<&mut Server, Error> {
        self.server.as_mut().ok_or(Error::NotOurs)
    }

    fn family(&mut self) -> Result<Family, Error> {
        self.server()?.family().ok_or(Error::NotRunning)
    }
}

impl fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMq").field("server", &self.server).finish_non_exhaustive()
    }
}
