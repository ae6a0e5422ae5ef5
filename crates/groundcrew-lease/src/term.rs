use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time from a lease won to the lease lost or given back, as everybody in this process sees it.
#[derive(Debug)]
pub(crate) struct Term {
    lease: Arc<str>,
    epoch: u64,
    origin: Instant,
    /// Until when it is certain that nobody else leads, in nanoseconds since the origin; 0 when it is over.
    valid_for: AtomicU64,
    lost: CancellationToken,
    ending: CancellationToken,
}

/// The leader's own view of its leadership, handed to its work. Clones share everything.
#[derive(Clone)]
pub struct Leadership {
    term: Arc<Term>,
}

// === impl Term ===

impl Term {
    /// A term that is certain from `origin` on, for so long; `None` for as long as the process lives.
    pub(crate) fn new(lease: Arc<str>, epoch: u64, origin: Instant, certain: Option<Duration>) -> Arc<Self> {
        let ending = CancellationToken::new();
        let valid_for = AtomicU64::new(certain.map_or(u64::MAX, nanoseconds));
        Arc::new(Self { lease, epoch, origin, valid_for, lost: CancellationToken::new(), ending })
    }

    /// Asks the clock, and not only a flag: after the process was stopped for a while, no task has run that could have
    /// set one.
    pub(crate) fn is_valid(&self) -> bool {
        nanoseconds(self.origin.elapsed()) < self.valid_for.load(Ordering::Acquire)
    }

    /// A heartbeat that was sent at `sent` was answered.
    pub(crate) fn confirmed(&self, sent: Instant, certain: Duration) {
        let until = nanoseconds(sent.saturating_duration_since(self.origin).saturating_add(certain));
        // A term that is over does not begin again.
        let still = |valid_for: u64| (valid_for != 0).then_some(until.max(valid_for));
        let _over = self.valid_for.fetch_update(Ordering::AcqRel, Ordering::Acquire, still);
    }

    /// The moment at which it is not certain any more.
    pub(crate) fn valid_until(&self) -> Option<Instant> {
        match self.valid_for.load(Ordering::Acquire) {
            u64::MAX => None,
            valid_for => Some(self.origin + Duration::from_nanos(valid_for)),
        }
    }

    /// It is over, wanted or not.
    pub(crate) fn end(&self) {
        self.valid_for.store(0, Ordering::Release);
        self.lost.cancel();
        self.ending.cancel();
    }

    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// The work should come to a good end.
    pub(crate) fn ask_to_end(&self) {
        self.ending.cancel();
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}

// === impl Leadership ===

impl Leadership {
    pub(crate) fn new(term: Arc<Term>) -> Self {
        Self { term }
    }

    /// The lease's name.
    pub fn lease(&self) -> &str {
        &self.term.lease
    }

    /// The number of this term, higher than that of every term before: the fence. What the leader writes elsewhere
    /// should carry it, so that a leader of an earlier term can be refused.
    pub fn epoch(&self) -> u64 {
        self.term.epoch
    }

    /// Whether it is certain, at this moment, that nobody else leads. To be asked before an effect that must not
    /// happen twice; what follows may still be delayed, and only a fence helps against that.
    pub fn is_valid(&self) -> bool {
        self.term.is_valid()
    }

    /// Resolves when the leadership is over. The work is dropped at that moment, so this is for what it has spawned.
    pub async fn lost(&self) {
        self.term.lost().await;
    }

    /// Resolves when the work should come to a good end: the service stops, or the leadership is lost.
    pub async fn ending(&self) {
        self.term.ending.cancelled().await;
    }

    /// The future's output, or `None` (with the future dropped) if the end comes first.
    pub async fn unless_ending<F: Future>(&self, future: F) -> Option<F::Output> {
        self.term.ending.run_until_cancelled(future).await
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("lease", &self.term.lease)
            .field("epoch", &self.term.epoch)
            .field("valid", &self.is_valid())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTAIN: Duration = Duration::from_secs(1);

    fn term() -> Arc<Term> {
        Term::new("sweep".into(), 7, Instant::now(), Some(CERTAIN))
    }

    #[tokio::test(start_paused = true)]
    async fn a_term_is_certain_no_longer_than_since_its_last_heartbeat_was_sent() {
        let term = term();
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(term.is_valid());
        term.confirmed(Instant::now() - Duration::from_millis(400), CERTAIN);
        tokio::time::advance(Duration::from_millis(599)).await;
        assert!(term.is_valid());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!term.is_valid(), "although no task has noticed");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_after_the_end_does_not_bring_the_term_back() {
        let term = term();
        term.end();
        term.confirmed(Instant::now(), CERTAIN);
        assert!(!term.is_valid());
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_heartbeat_does_not_shorten_a_term() {
        let term = term();
        let earlier = Instant::now();
        tokio::time::advance(Duration::from_millis(500)).await;
        term.confirmed(Instant::now(), CERTAIN);
        term.confirmed(earlier, CERTAIN);
        assert_eq!(term.valid_until(), Some(Instant::now() + CERTAIN));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_asked_to_end_still_leads() {
        let leadership = Leadership::new(term());
        leadership.term.ask_to_end();
        assert_eq!(leadership.unless_ending(std::future::pending::<()>()).await, None);
        assert!(leadership.is_valid());
    }
}
