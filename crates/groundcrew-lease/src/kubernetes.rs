//! A Lease object in Kubernetes, by the rules of client-go's leader election.

mod api;
mod config;
mod record;
mod seen;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::candidate::{Asking, Candidate, Held, Won};
use crate::error::Trouble;
use api::{Api, Written};
pub use config::KubernetesLeaseConfig;
use record::Record;
use seen::Seen;

/// How often it is tried to give the lease back, before the next leader has to wait until it runs out.
const TRIES: u32 = 3;

/// Runs for a lease that is an object of the cluster.
struct Runner {
    api: Api,
    holder: String,
    duration: Duration,
    retry: Duration,
    seen: Option<Seen>,
}

/// The object, as we wrote it last.
struct Holding {
    api: Api,
    holder: String,
    record: Record,
    pause: Duration,
    doubt: Option<Trouble>,
}

// === impl Runner ===

impl Runner {
    async fn try_win(&mut self) -> Result<Option<Won>, Trouble> {
        let Some(record) = self.api.read().await? else {
            // Somebody removed it under a leader that does not know yet.
            if self.seen.as_ref().is_some_and(Seen::is_believed) {
                return Ok(None);
            }
            let asked = Instant::now();
            let first = self.api.first(&self.holder, self.duration);
            return Ok(self.api.create(&first).await?.map(|record| self.won(record, asked)));
        };
        // What an earlier term of ours has left behind: its work is gone.
        let ours = record.holder() == Some(&*self.holder);
        if !ours && !Seen::look(&mut self.seen, &record, self.duration) {
            return Ok(None);
        }
        let asked = Instant::now();
        match take(self.api.clone(), record.taken(&self.holder, self.duration)).await? {
            Written::Done(record) => Ok(Some(self.won(record, asked))),
            Written::Conflict | Written::Gone => Ok(None),
        }
    }

    fn won(&mut self, record: Record, asked: Instant) -> Won {
        self.seen = None;
        let (api, holder, epoch) = (self.api.clone(), self.holder.clone(), record.transitions());
        let held = Box::new(Holding { api, holder, record, pause: self.retry / 2, doubt: None });
        Won { held, epoch, asked, grace: Duration::ZERO }
    }
}

impl Candidate for Runner {
    fn ask(&mut self) -> Asking<'_, Option<Won>> {
        Box::pin(self.try_win())
    }
}

/// In a task of its own: who stops while the answer is under way gives back what nobody will use.
async fn take(api: Api, record: Record) -> Result<Written, Trouble> {
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        if let Err(Ok(Written::Done(record))) = answer.send(api.replace(&record).await) {
            // Nobody is left to be told that it failed; then it runs out.
            let _written = api.replace(&record.released()).await;
        }
    });
    answered.await.map_err(Trouble::new)?
}

// === impl Holding ===

impl Holding {
    /// Whether the object still says what we wrote; somebody may have changed something else in it.
    async fn look_again(&mut self) -> Result<(), Trouble> {
        match self.api.read().await {
            Ok(Some(record)) if record.is_term_of(&self.holder, self.record.transitions()) => {
                self.record = record;
                Ok(())
            }
            Ok(Some(record)) => Err(Trouble(format!(
                "the Lease is held by {}, and was taken from us",
                record.holder().unwrap_or("nobody")
            ))),
            Ok(None) => Err(Trouble::new("somebody deleted the Lease")),
            Err(trouble) => {
                self.doubt = Some(trouble);
                sleep(self.pause).await;
                Ok(())
            }
        }
    }
}

impl Held for Holding {
    fn can_be_lost(&self) -> bool {
        true
    }

    /// Tries until it is written or certainly not ours any more: one failure of the API server ends no term.
    fn beat(&mut self) -> Asking<'_, Instant> {
        Box::pin(async move {
            loop {
                let sent = Instant::now();
                match self.api.replace(&self.record.renewed()).await {
                    Ok(Written::Done(record)) => {
                        self.record = record;
                        self.doubt = None;
                        return Ok(sent);
                    }
                    Ok(Written::Conflict) => self.look_again().await?,
                    Ok(Written::Gone) => return Err(Trouble::new("somebody deleted the Lease")),
                    Err(trouble) => {
                        self.doubt = Some(trouble);
                        sleep(self.pause).await;
                    }
                }
            }
        })
    }

    fn doubt(&self) -> Option<Trouble> {
        self.doubt.clone()
    }

    fn release(mut self: Box<Self>) -> Asking<'static, ()> {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                match self.api.replace(&self.record.released()).await {
                    Ok(Written::Done(_) | Written::Gone) => return Ok(()),
                    Ok(Written::Conflict) => self.look_again().await?,
                    Err(trouble) if tries == TRIES => return Err(trouble),
                    Err(_) => sleep(self.pause).await,
                }
            }
        })
    }
}
