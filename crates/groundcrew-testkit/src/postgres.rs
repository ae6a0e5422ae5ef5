//! A private PostgreSQL from the binaries on the machine.
//!
//! It has its own data, port and socket in a folder that goes away with it, it does not write to disk more than it
//! must, and it takes faults: [`Postgres::kill`], [`Postgres::pause`], [`Postgres::restart`]. Isolate tests from each
//! other with [`Postgres::database`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::postgres::Postgres;
//!
//! let postgres = Postgres::start().await?;
//! let database = postgres.database().await?;
//! assert!(database.url().starts_with("postgres://"));
//! # Ok(())
//! # }
//! ```
//!
//! The binaries are looked for in `PG_BIN`, then under `/usr/lib/postgresql` (the newest version), then on `PATH`.
//! As root, which PostgreSQL refuses, it runs as the user `postgres` or `nobody`. With `TEST_DATABASE_URL` set,
//! nothing is started and that server is used: everything works but the faults ([`Postgres::private`] does not look at
//! that variable). Should the test's process be
//! killed, a watcher ends the server and removes the folder.
//!
//! It speaks no SQL of its own: bring the client that you test.

mod binaries;
mod database;
mod server;
mod setup;

pub use crate::server::Error;
pub use database::Database;
pub use setup::Setup;

#[cfg(feature = "pgbouncer")]
pub(crate) use {binaries::User, server::lets_us_in};

use crate::server::{Family, given, unique_name};
use binaries::Binaries;
use server::Server;
use std::fmt;
use std::sync::Arc;

/// A running PostgreSQL; dropping it ends it and removes its data.
pub struct Postgres {
    binaries: Arc<Binaries>,
    url: String,
    server: Option<Server>,
}

impl Postgres {
    /// Starts a server, or takes the one that `TEST_DATABASE_URL` names. About a second.
    ///
    /// # Errors
    /// When the binaries are missing (the message says how to install them) or the server does not start.
    pub async fn start() -> Result<Self, Error> {
        match given("TEST_DATABASE_URL") {
            Some(url) => Ok(Self { binaries: Arc::new(Binaries::find()?), url, server: None }),
            None => Self::private().await,
        }
    }

    /// Starts a server of our own, whatever `TEST_DATABASE_URL` says: for tests that need its faults.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn private() -> Result<Self, Error> {
        Self::setup().start().await
    }

    /// A private server with a password or with settings of your own, or one that does not run yet.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// The URL of the maintenance database, as its superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port on 127.0.0.1; `None` with `TEST_DATABASE_URL`.
    pub fn port(&self) -> Option<u16> {
        self.server.as_ref().map(Server::port)
    }

    /// Creates an empty database that nobody else uses.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn database(&self) -> Result<Database, Error> {
        let borrowed = self.server.is_none();
        Database::create(Arc::clone(&self.binaries), &self.url, unique_name(), borrowed).await
    }

    /// SIGKILL for every process of the server: connections end at once, what was committed stays.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_DATABASE_URL`.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.server()?.kill();
        Ok(())
    }

    /// SIGSTOP for every process of the server: connections stay open and nothing answers.
    ///
    /// # Errors
    /// [`Error::NotOurs`] with `TEST_DATABASE_URL`, [`Error::NotRunning`] after a kill.
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
    /// [`Error::NotOurs`] with `TEST_DATABASE_URL`; or when it does not start.
    pub async fn restart(&mut self) -> Result<(), Error> {
        let server = self.server()?;
        server.stop().await;
        server.launch().await
    }

    fn server(&mut self) -> Result<&mut Server, Error> {
        self.server.as_mut().ok_or(Error::NotOurs)
    }

    fn family(&mut self) -> Result<Family, Error> {
        self.server()?.family().ok_or(Error::NotRunning)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("server", &self.server).finish_non_exhaustive()
    }
}
