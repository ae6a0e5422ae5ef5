//! A service in the test's own process: started as `main` starts it, asked whether it is ready, stopped, judged.
//!
//! [`Harness::start`] takes what the service gives to `Service::run`: its configuration and its
//! `start(config, crew)`. There are no signals and no process to end; all else is as in production, so a test sees
//! the checks that `/ready` asks, and the receipt of the shutdown.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_runtime::{Backoff, Crew, Outcome, Phase, Restart};
//! use groundcrew_testkit::harness::Harness;
//!
//! struct Config {
//!     parcels: u32,
//! }
//!
//! async fn start(config: Config, crew: Crew) -> Result<(), std::io::Error> {
//!     crew.task("parcels", Restart::Always(Backoff::default()), |stop| async move {
//!         stop.requested().await;
//!         Ok::<(), std::io::Error>(())
//!     });
//!     let Config { parcels } = config;
//!     crew.on_shutdown(Phase::Flush, "ledger", move |_| async move {
//!         Outcome::finished(format!("{parcels} parcels written"))
//!     });
//!     Ok(())
//! }
//!
//! let service = Harness::start(Config { parcels: 2 }, start).await?;
//! service.ready().await?;
//! let stopped = service.stop().await;
//! assert!(stopped.is_clean(), "{stopped}");
//! assert!(stopped.finished(Phase::Flush, "ledger"), "{stopped}");
//! # Ok(())
//! # }
//! ```
//!
//! What only a process can show (signals, exit codes, output, a kill) is for [`process`](crate::process).

mod error;
mod stopped;

pub use error::{Error, Last};
pub use stopped::Stopped;

use groundcrew_runtime::{Crew, Readiness, Reason};
use std::fmt;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long [`Harness::ready`] waits.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often readiness is looked at; it is answered from memory.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A service that runs in this process, and what its `start` returned: an address, perhaps. When it is dropped
/// without [`Harness::stop`], the service stops without anybody to judge it.
#[derive(Debug)]
pub struct Harness<T = ()> {
    crew: Crew,
    started: T,
}

// === impl Harness ===

impl<T> Harness<T> {
    /// Starts it in a crew of its own, named `test`, outside Kubernetes, with the usual budgets.
    ///
    /// # Errors
    /// [`Error::Start`] when `start` fails; what it had built is stopped before this returns. [`Error::WentDown`]
    /// when the crew goes down before `start` returns.
    pub async fn start<C, F, E>(config: C, start: impl FnOnce(C, Crew) -> F) -> Result<Self, Error>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        let crew = Crew::builder("test", "0.0.0").in_kubernetes(false).build();
        Self::start_in(crew, config, start).await
    }

    /// Starts it in a crew that you have built.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_in<C, F, E>(
        crew: Crew,
        config: C,
        start: impl FnOnce(C, Crew) -> F,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        let gate = crew.gate("start");
        let started = tokio::select! {
            biased;
            () = crew.shutdown_requested() => Err(Error::WentDown(reason(&crew))),
            // Alternate, so that causes are named as the service's own log names them.
            started = start(config, crew.clone()) => started.map_err(|error| Error::Start(format!("{error:#}"))),
        };
        match started {
            Ok(started) => {
                gate.open();
                Ok(Self { crew, started })
            }
            Err(error) => {
                crew.land().await;
                Err(error)
            }
        }
    }

    /// The crew, for its tasks, metrics and readiness.
    pub fn crew(&self) -> &Crew {
        &self.crew
    }

    /// What `start` returned.
    pub fn started(&self) -> &T {
        &self.started
    }

    /// Waits until the service is ready, 30 seconds at most.
    ///
    /// # Errors
    /// [`Error::NotReady`] with the reasons, or [`Error::WentDown`].
    pub async fn ready(&self) -> Result<(), Error> {
        self.until(PATIENCE, |readiness| readiness.ready).await.map(drop)
    }

    /// Waits until the readiness is as you want it: unready after a fault, degraded, ready again; and returns it.
    ///
    /// # Errors
    /// As [`Self::ready`].
    pub async fn until(
        &self,
        within: Duration,
        mut holds: impl FnMut(&Readiness) -> bool,
    ) -> Result<Readiness, Error> {
        let deadline = Instant::now() + within;
        loop {
            let readiness = self.crew.readiness();
            if holds(&readiness) {
                return Ok(readiness);
            }
            if self.crew.reason().is_some() {
                return Err(Error::WentDown(reason(&self.crew)));
            }
            if Instant::now() >= deadline {
                return Err(Error::NotReady { within, readiness: readiness.into() });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Stops it in order and says how that went.
    pub async fn stop(self) -> Stopped {
        let receipt = self.crew.land().await;
        Stopped::new(reason(&self.crew), receipt)
    }

    /// Waits until the service goes down by itself, and says how that went.
    ///
    /// # Errors
    /// [`Error::StillUp`] when it has not begun to in this time; it is stopped then.
    pub async fn goes_down(self, within: Duration) -> Result<Stopped, Error> {
        let began = tokio::time::timeout(within, self.crew.shutdown_requested()).await;
        let stopped = self.stop().await;
        began.map(|()| stopped).map_err(|_| Error::StillUp { within })
    }
}

impl<T> Drop for Harness<T> {
    /// Nothing new where it was stopped: the first reason stands.
    fn drop(&mut self) {
        self.crew.request_shutdown(Reason::Requested("the test is over".to_owned()));
    }
}

fn reason(crew: &Crew) -> Reason {
    crew.reason().unwrap_or_else(|| Reason::Requested("the test".to_owned()))
}
