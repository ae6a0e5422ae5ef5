//! A private PgBouncer in front of a PostgreSQL.
//!
//! It pools by transaction, as it is mostly run, and ignores `extra_float_digits`, as its users set it; with
//! [`PgBouncer::setup`] it is what you want it to be. It has its own port and folder, lets in who the server lets in,
//! and takes the same faults.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::pgbouncer::PgBouncer;
//! use groundcrew_testkit::postgres::Postgres;
//!
//! let postgres = Postgres::start().await?;
//! let bouncer = PgBouncer::in_front_of(&postgres).await?;
//! let database = postgres.database().await?;
//! assert!(bouncer.url_to(database.url()).ends_with(database.name()));
//! # Ok(())
//! # }
//! ```
//!
//! The binary is looked for in `PGBOUNCER`, then on `PATH` and in `/usr/sbin`. Tests that read PgBouncer's own tables
//! connect to the database `pgbouncer`.

mod server;
mod setup;

pub use crate::server::Error;
pub use setup::Setup;

use crate::postgres::Postgres;
use crate::server::Family;
use server::Server;
use std::net::Ipv4Addr;

/// A running PgBouncer; dropping it ends it.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
}

impl PgBouncer {
    /// Starts one that pools by transaction.
    ///
    /// # Errors
    /// When the binary is missing (the message says how to install it) or it does not start.
    pub async fn in_front_of(postgres: &Postgres) -> Result<Self, Error> {
        Self::setup().in_front_of(postgres).await
    }

    /// One with settings of your own.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// The same URL, through this: user, password, database and parameters stay.
    pub fn url_to(&self, url: &str) -> String {
        crate::through::through(url, (Ipv4Addr::LOCALHOST, self.port()).into())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// SIGKILL: connections end at once on both sides.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// SIGSTOP: connections stay open and nothing passes.
    ///
    /// # Errors
    /// [`Error::NotRunning`] after a kill.
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

    /// Starts again on the same port, after a stop where it still runs.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.server.stop().await;
        self.server.launch().await
    }

    fn family(&self) -> Result<Family, Error> {
        self.server.family().ok_or(Error::NotRunning)
    }
}
