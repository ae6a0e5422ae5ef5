//! From the queues into the worker's hands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use groundcrew_amqp::{Held, Message, PublishError};
use tokio::time::{Instant, sleep_until};

use super::generation::Generation;
use super::letter::{self, Wait};
use super::route::Lane;
use super::source::Source;
use super::{AmqpJobs, Inner, publish_failed, unavailable};
use crate::{Ask, BackendError, Delivery, Envelope, Known};

/// How long a payload of a newer version waits before a worker looks at it again.
const PARKED: Duration = Duration::from_secs(5);
/// A job that cannot be moved goes back into its queue after this, so that nothing spins; later the more often it did,
/// since the broker gives it up after a number of times.
const UNMOVED: Duration = Duration::from_secs(1);
const UNMOVED_LATER: Duration = Duration::from_secs(30);
/// How long a kind is left alone whose queues cannot be consumed, where there are others.
const UNOPENED: Duration = Duration::from_secs(5);

/// What goes to another queue, and the message that is acknowledged once it is there.
type Moves = Vec<(Message, Held)>;

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn take(&self, ask: &Ask) -> Result<Vec<Delivery>, BackendError> {
        self.open(ask).await?;
        let full = ask.known.iter().filter(|known| known.free == Some(0)).map(|known| known.name);
        *self.inner.full.lock() = full.collect();
        let sources = self.inner.sources.read().clone();
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let mut free: Vec<u32> = ask.known.iter().map(|known| known.free.unwrap_or(u32::MAX)).collect();
        let (mut got, mut moves) = (Vec::with_capacity(ask.max), Moves::new());
        for lane in 0..Lane::ALL.len() {
            // Not always the same kind first.
            for at in (0..ask.known.len()).map(|at| (at + turn) % ask.known.len()) {
                let known = &ask.known[at];
                let Some(source) = sources.get(known.name) else { continue };
                let (before, mut is_empty) = (got.len(), false);
                while got.len() < ask.max && free[at] > 0 {
                    let Some(held) = source.take(lane) else {
                        is_empty = true;
                        break;
                    };
                    if let Some(delivery) = self.inner.arrived(source, known, lane, held, &mut moves) {
                        free[at] -= 1;
                        got.push(delivery);
                    }
                }
                if is_empty && got.len() > before {
                    // What was got is not to be lost because no more can be fetched ahead.
                    if let Err(error) = source.widen(&self.inner.amqp, lane, wanted(ask, known)) {
                        tracing::debug!(job.name = known.name, %error, "no more is fetched ahead");
                    }
                }
            }
        }
        if !moves.is_empty() {
            tokio::spawn(move_on(self.inner.clone(), moves));
        }
        Ok(got)
    }

    /// Consumes kinds that were not asked for before. One that cannot be consumed holds up no other.
    async fn open(&self, ask: &Ask) -> Result<(), BackendError> {
        let mut failure = None;
        for known in ask.known.iter().filter(|known| self.inner.is_to_be_opened(known.name)) {
            let opened = self.open_one(ask, known).await;
            self.inner.note(known.name, opened.as_ref().err());
            failure = failure.or(opened.err());
        }
        match failure {
            Some(error) if self.inner.sources.read().is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    async fn open_one(&self, ask: &Ask, known: &Known) -> Result<(), BackendError> {
        let route = self.inner.route(known.name).await?;
        let mut sources = self.inner.sources.write();
        if !sources.contains_key(known.name) {
            let opened = Source::open(&self.inner.amqp, route, wanted(ask, known));
            let source = Arc::new(opened.map_err(|error| unavailable("consume jobs", &error))?);
            Arc::make_mut(&mut sources).insert(known.name, source);
        }
        Ok(())
    }
}

/// How many of a kind this worker could take.
fn wanted(ask: &Ask, known: &Known) -> usize {
    ask.max.min(known.free.map_or(usize::MAX, |free| free.max(1) as usize))
}

// === impl Inner ===

impl Inner {
    /// Not where it is consumed already, nor where it could not be a moment ago while others can.
    fn is_to_be_opened(&self, name: &str) -> bool {
        let sources = self.sources.read();
        if sources.contains_key(name) {
            return false;
        }
        let is_due = |tried: &Instant| tried.elapsed() >= UNOPENED;
        sources.is_empty() || self.unopened.lock().get(name).is_none_or(is_due)
    }

    /// Says when a kind cannot be consumed, and when it can again; each once.
    fn note(&self, name: &'static str, failure: Option<&BackendError>) {
        let mut unopened = self.unopened.lock();
        match failure {
            Some(error) => {
                if unopened.insert(name, Instant::now()).is_none() {
                    tracing::error!(job.name = name, %error, "jobs of this kind cannot be consumed");
                }
            }
            None => {
                if unopened.remove(name).is_some() {
                    tracing::info!(job.name = name, "jobs of this kind are consumed after all");
                }
            }
        }
    }

    /// The delivery, if it is one for the worker; what belongs elsewhere is added to `moves`.
    fn arrived(
        &self,
        source: &Source,
        known: &Known,
        lane: usize,
        held: Held,
        moves: &mut Moves,
    ) -> Option<Delivery> {
        let mut envelope = match letter::read(&held) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(job.name = known.name, %error, "a message is no job; it goes to the dead ones");
                held.reject();
                return None;
            }
        };
        let wait = self.look(&mut envelope, known, lane, &held);
        let (route, generation) = (&source.route, Generation::of(&held));
        if let Some(wait) = wait {
            let message = letter::waiting(&self.names, route, &envelope, generation, self.suspect, wait);
            moves.push((message, held));
            return None;
        }
        source.came(envelope.enqueued_at);
        let token = self.hands.put(envelope.id, held, route.clone(), generation)?;
        let due_at = envelope.enqueued_at;
        Some(Delivery { envelope, token, due_at })
    }

    /// Counts crashes, and says where the job is to wait if it is not to run here and now.
    fn look(&self, envelope: &mut Envelope, known: &Known, lane: usize, held: &Held) -> Option<Wait> {
        if let Some(due) = letter::not_before(held).filter(|due| letter::left(*due).is_some()) {
            return Some(Wait::Until(due));
        }
        if envelope.version > known.version {
            return Some(Wait::Step(PARKED));
        }
        let deliveries = u32::try_from(held.delivery_count()).unwrap_or(u32::MAX);
        let crashes = envelope.crashes.saturating_add(deliveries.max(u32::from(held.is_redelivered())));
        if Lane::ALL[lane] == Lane::Trial {
            // Alone in its process each time: these were its own.
            envelope.crashes = crashes;
            return None;
        }
        if crashes < self.suspect {
            return None;
        }
        // Many of these may have been somebody else's crashes, so no more of them count than make it suspect.
        envelope.crashes = self.suspect;
        Some(Wait::No)
    }
}

/// Confirmed there first, then acknowledged here.
async fn move_on(inner: Arc<Inner>, moves: Moves) {
    let (messages, held): (Vec<_>, Vec<_>) = moves.into_iter().unzip();
    let outcomes = inner.publisher.publish_all(messages).await;
    let mut unmoved = Vec::new();
    let (mut failure, mut is_gone) = (None, false);
    for (held, outcome) in held.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => held.ack(),
            Err(error) => {
                is_gone |= matches!(error, PublishError::Unroutable { .. });
                failure = Some(error);
                unmoved.push(held);
            }
        }
    }
    if let Some(error) = failure {
        let error = publish_failed("move jobs", &error);
        tracing::warn!(jobs.count = unmoved.len(), %error, "jobs cannot be moved; they stay where they are");
    }
    if is_gone {
        inner.mend().await;
    }
    let_go(unmoved).await;
}

/// Each goes back into its queue when it is dropped.
async fn let_go(mut unmoved: Vec<Held>) {
    let began = Instant::now();
    unmoved.sort_by_key(|held| held.delivery_count());
    for held in unmoved {
        sleep_until(began + pause(held.delivery_count())).await;
        drop(held);
    }
}

/// For how long a job is kept that could not be moved, after so many deliveries.
fn pause(deliveries: u64) -> Duration {
    let doublings = u32::try_from(deliveries).unwrap_or(u32::MAX).min(5);
    UNMOVED.saturating_mul(1 << doublings).min(UNMOVED_LATER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_cannot_be_moved_for_hours_stays_far_from_the_limit_of_deliveries() {
        let pauses = [0, 1, 2, 3, 4, 5, u64::MAX].map(|deliveries| pause(deliveries).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }
}
