use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Backoff, Stop, panic_message};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::candidate::{Candidate, Won};
use crate::error::Trouble;
use crate::keeper::Keeper;
use crate::lease::Standing;
use crate::metrics::LeaseMetrics;
use crate::term::Term;
use crate::{Leadership, LeaseConfig};

/// The work of a leader; what it returns is its failure in words, if it was one.
pub(crate) type Work =
    Arc<dyn Fn(Leadership) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// Running for a lease, leading, and handing over.
pub(crate) struct Campaign {
    pub(crate) name: Arc<str>,
    pub(crate) config: LeaseConfig,
    pub(crate) standing: Arc<Standing>,
    pub(crate) metrics: LeaseMetrics,
    pub(crate) work: Work,
}

/// How a term ended.
enum End {
    /// By the work itself, which may have failed.
    Work(Option<String>),
    /// The service stops.
    Stopped,
    /// Against our will.
    Lost,
}

/// A task that ends with this value.
struct Running(JoinHandle<Option<String>>);

/// Ends the term before what is held goes, also when the campaign itself is dropped.
struct OverOnDrop(Arc<Term>);

/// This process is known to lead while this lives.
struct Leading<'a>(&'a Standing);

// === impl Campaign ===

impl Campaign {
    /// Until the service stops or the work ends.
    pub(crate) async fn run(&self, candidate: &mut dyn Candidate, stop: &Stop) -> Result<(), String> {
        loop {
            let Some(won) = stop.unless(self.win(candidate)).await else { return Ok(()) };
            match self.lead(won, stop).await {
                End::Work(None) | End::Stopped => return Ok(()),
                End::Work(Some(failure)) => return Err(failure),
                End::Lost => {}
            }
        }
    }

    /// Asks until the lease is ours.
    async fn win(&self, candidate: &mut dyn Candidate) -> Won {
        let backoff = Backoff::new(self.config.retry, Duration::from_secs(2));
        let mut failures = 0;
        loop {
            match candidate.ask().await {
                Ok(answer) => {
                    failures = 0;
                    if self.standing.is_well() {
                        tracing::info!(lease.name = &*self.name, "the lease can be asked for again");
                    }
                    if let Some(won) = answer {
                        return won;
                    }
                    sleep(self.config.retry).await;
                }
                Err(Trouble(error)) => {
                    if self.standing.troubled(error.clone()) {
                        tracing::warn!(lease.name = &*self.name, error, "the lease cannot be asked for");
                    }
                    sleep(backoff.delay(failures)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// One term, from the lease won to the lease gone.
    async fn lead(&self, won: Won, stop: &Stop) -> End {
        let Won { held, epoch, asked, grace } = won;
        let certain = held.can_be_lost().then_some(self.config.deadline);
        let term = Term::new(self.name.clone(), epoch, asked, certain);
        let keeper = Keeper::start(held, term.clone(), &self.config);
        let _over = OverOnDrop(term.clone());
        tokio::select! {
            () = sleep(grace), if !grace.is_zero() => {}
            () = until_lost(&term) => {}
            () = stop.requested() => {}
            () = std::future::ready(()), if grace.is_zero() => {}
        }
        if stop.is_requested() {
            // Otherwise not given back: the leader before us may still believe, and whoever comes after us has to wait.
            if grace.is_zero() {
                // If that fails it runs out.
                let _released = keeper.release().await;
            }
            return End::Stopped;
        }
        if !term.is_valid() {
            return End::Lost;
        }
        tracing::info!(lease.name = &*self.name, lease.epoch = epoch, "this process leads");
        self.metrics.gained.inc();
        let leading = Leading::begin(&self.standing, &term);
        let end = self.work_on(&term, stop).await;
        drop(leading);
        self.hand_over(&term, keeper, &end).await;
        end
    }

    /// Returns when the work is gone.
    async fn work_on(&self, term: &Arc<Term>, stop: &Stop) -> End {
        let mut work = Running(tokio::spawn((self.work)(Leadership::new(term.clone()))));
        // The deadline itself, beside the keeper's word: that one may be late.
        let end = tokio::select! {
            biased;
            () = until_lost(term) => End::Lost,
            failure = work.ended() => End::Work(failure),
            () = stop.requested() => {
                term.ask_to_end();
                tokio::select! {
                    biased;
                    () = until_lost(term) => End::Lost,
                    _ended = timeout(self.config.handover, work.ended()) => End::Stopped,
                }
            }
        };
        if matches!(end, End::Lost) {
            term.end();
        }
        work.gone().await;
        end
    }

    async fn hand_over(&self, term: &Term, keeper: Keeper, end: &End) {
        let (name, epoch) = (&*self.name, term.epoch());
        let released = keeper.release().await;
        match (end, released) {
            (End::Lost, released) => {
                self.metrics.lost.inc();
                let error = released
                    .err()
                    .map_or_else(|| "it was not certain any more".to_owned(), |trouble| trouble.0);
                tracing::warn!(lease.name = name, lease.epoch = epoch, error, "the leadership is lost");
            }
            (_, Ok(())) => {
                self.metrics.released.inc();
                tracing::info!(lease.name = name, lease.epoch = epoch, "the lease is given back");
            }
            (_, Err(Trouble(error))) => {
                self.metrics.lost.inc();
                tracing::warn!(
                    lease.name = name,
                    lease.epoch = epoch,
                    error,
                    "the lease could not be given back"
                );
            }
        }
    }
}

/// Resolves when the term is over, by word or by the clock.
async fn until_lost(term: &Term) {
    while let Some(until) = term.valid_until() {
        tokio::select! {
            () = term.lost() => return,
            () = tokio::time::sleep_until(until) => if !term.is_valid() { return },
        }
    }
    term.lost().await;
}

// === impl Running ===

impl Running {
    async fn ended(&mut self) -> Option<String> {
        match (&mut self.0).await {
            Ok(failure) => failure,
            Err(error) if error.is_panic() => {
                Some(format!("panicked: {}", panic_message(error.into_panic().as_ref())))
            }
            Err(_) => Some("was aborted".to_owned()),
        }
    }

    /// Work that blocks its thread cannot be dropped before it is back; until then nothing else is begun here.
    async fn gone(&mut self) {
        if !self.0.is_finished() {
            self.0.abort();
            let _ended = self.ended().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl OverOnDrop ===

impl Drop for OverOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

// === impl Leading ===

impl<'a> Leading<'a> {
    fn begin(standing: &'a Standing, term: &Arc<Term>) -> Self {
        standing.leads(Some(term.clone()));
        Self(standing)
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.0.leads(None);
    }
}
