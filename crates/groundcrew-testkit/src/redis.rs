//! A private Redis from the binary on the machine.
//!
//! It has its own port and keeps nothing on disk: after [`Redis::kill`] or [`Redis::restart`] it is empty, as a cache
//! may be. It takes faults: kill, pause, restart, and all connections closed. Isolate tests from each other by
//! [`Redis::namespace`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::redis::{Redis, Reply};
//!
//! let mut redis = Redis::private().await?;
//! let key = format!("{}greeting", redis.namespace());
//! redis.command(&["SET", &key, "hello"]).await?;
//! assert_eq!(redis.command(&["GET", &key]).await?, Reply::Text("hello".to_owned()));
//! redis.restart().await?;
//! assert_eq!(redis.command(&["GET", &key]).await?, Reply::Nil);
//! # Ok(())
//! # }
//! ```
//!
//! The binary is looked for in `REDIS_SERVER`, then as `redis-server` or `valkey-server` on `PATH`. With
//! `TEST_REDIS_URL` set, [`Redis::start`] starts nothing and uses that server: everything works but the faults.
//! Should the test's process be killed, a watcher ends the server. [`Redis::command`] speaks no TLS; for the tests
//! themselves bring the client that you use.

mod resp;
mod server;

pub use crate::server::Error;
pub use resp::Reply;

use crate::server::{Family, given, unique_name};
use resp::{Address, Connection};
use server::Server;
use std::fmt;

const TEST_REDIS_URL: &str = "TEST_REDIS_URL";

/// A running Redis; dropping it ends it.
pub struct Redis {
    url: String,
    address: Address,
    server: Option<Server>,
}

impl Redis {
    /// Starts a server, or takes the one that `TEST_REDIS_URL` names.
    ///
    /// # Errors
    /// When the binary is missing (the message says how to install it) or the server does not start.
    pub async fn start() -> Result<Self, Error> {
        match given(TEST_REDIS_URL) {
            Some(url) => Ok(Self { address: Address::of(&url, TEST_REDIS_URL)?, url, server: None }),
            None => Self::private().await,
        }
    }

    /// Starts a server of our own, whatever `TEST_REDIS_URL` says: for tests that need its faults.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn private() -> Result<Self, Error> {
        let server = Server::start().await?;
        Ok(Self { url: server.url(), address: Address::local(server.port()), server: Some(server) })
    }

    /// The URL to connect to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port on 127.0.0.1; `None` with `TEST_REDIS_URL`.
    pub fn port(&self) -> Option<u16> {
        self.server.as_ref().map(Server::port)
    }

    /// A prefix for keys that nobody else uses, another one with each call, with a colon at its end. What is
    /// written under it stays until it expires or the server ends.
    pub fn namespace(&self) -> String {
        format!("{}:", unique_name())
    }

    /// Sends one command on a connection of its own, to look at the server from outside.
    ///
    /// # Errors
    /// When the server does not answer within ten seconds, and [`Error::Refused`] when it answers with an error.
    pub async fn command(&self, words: &[&str]) -> Result<Reply, Error> {
        let mut connection = Connection::open(&self.address).await?;
        connection.command(words).await
    }

    /// SIGKILL: connections end at once, and everything is lost.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_REDIS_URL`.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.server()?.kill();
        Ok(())
    }

    /// SIGSTOP: connections stay open, new ones are accepted by the kernel, and nothing answers.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_REDIS_URL`, [`Error::NotRunning`] after a kill.
    pub fn pause(&mut self) -> Result<(), Error> {
        self.family()?.pause()
    }

    /// SIGCONT: goes on where it was paused, and answers what has come meanwhile.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn resume(&mut self) -> Result<(), Error> {
        self.family()?.resume()
    }

    /// Starts again on the same port, empty, after an orderly stop where it still runs.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_REDIS_URL`; or when it does not start.
    pub async fn restart(&mut self) -> Result<(), Error> {
        let server = self.server()?;
        server.stop().await;
        server.launch().await
    }

    /// Closes every client's connection, subscribers' too, and returns how many there were. The data stays.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_REDIS_URL`; or when the server does not answer.
    pub async fn close_all_connections(&self) -> Result<u64, Error> {
        if self.server.is_none() {
            return Err(Error::NotOurs);
        }
        let mut connection = Connection::open(&self.address).await?;
        let mut closed = 0;
        for kind in ["normal", "pubsub"] {
            let killed = connection.command(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await?;
            if let Reply::Integer(count) = killed {
                closed += u64::try_from(count).unwrap_or_default();
            }
        }
        Ok(closed)
    }

    fn server(&mut self) -> Result<&mut Server, Error> {
        self.server.as_mut().ok_or(Error::NotOurs)
    }

    fn family(&mut self) -> Result<Family, Error> {
        self.server()?.family().ok_or(Error::NotRunning)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("address", &self.address).finish_non_exhaustive()
    }
}
