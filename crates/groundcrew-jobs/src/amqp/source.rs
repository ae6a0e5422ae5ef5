use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use groundcrew_amqp::{Amqp, ConnectError, ConsumerOptions, Held, Subscription};
use parking_lot::Mutex;

use super::route::{Lane, Route};

/// How many messages are fetched ahead at most, from one queue.
const MOST: u16 = 256;

/// The consumers of one kind of job.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) route: Arc<Route>,
    /// In the order of [`Lane::ALL`].
    taps: [Mutex<Tap>; 4],
    /// When the job was enqueued that came last, in µs; how old what waits can be at most.
    latest: AtomicI64,
}

/// One consumer.
#[derive(Debug)]
struct Tap {
    subscription: Arc<Subscription>,
    prefetch: u16,
}

// === impl Source ===

impl Source {
    /// Consumes all queues of a kind, to have about so many at a time.
    pub(super) fn open(amqp: &Amqp, route: Arc<Route>, want: usize) -> Result<Self, ConnectError> {
        let prefetch = rounded(want);
        let ready = |lane| Tap::open(amqp, route.queue(lane), prefetch).map(Mutex::new);
        // One on trial at a time: innocent ones are not counted out together with the culprit.
        let trial = Mutex::new(Tap::open(amqp, route.queue(Lane::Trial), 1)?);
        let taps = [trial, ready(Lane::ALL[1])?, ready(Lane::ALL[2])?, ready(Lane::ALL[3])?];
        Ok(Self { route, taps, latest: AtomicI64::new(i64::MAX) })
    }

    /// The next message of a lane, if there is one.
    pub(super) fn take(&self, lane: usize) -> Option<Held> {
        self.taps[lane].lock().subscription.try_recv()
    }

    /// Fetches more ahead from a lane that gave all it had while more was wanted than it may fetch: where jobs are
    /// short. Where they are long, no more of this kind are wanted than run, and other workers get the rest.
    pub(super) fn widen(&self, amqp: &Amqp, lane: usize, want: usize) -> Result<(), ConnectError> {
        let mut tap = self.taps[lane].lock();
        let wider = rounded(want);
        if lane == 0 || wider <= tap.prefetch {
            return Ok(());
        }
        // At least four times as many, so that it happens a few times at most.
        let wider = wider.max(tap.prefetch.saturating_mul(4)).min(MOST);
        *tap = Tap::open(amqp, self.route.queue(Lane::ALL[lane]), wider)?;
        Ok(())
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = Arc<Subscription>> {
        self.taps.iter().map(|tap| tap.lock().subscription.clone())
    }

    /// How many have come and wait to be taken.
    pub(super) fn fetched(&self) -> u64 {
        self.subscriptions().map(|subscription| subscription.waiting() as u64).sum()
    }

    pub(super) fn came(&self, enqueued_at: jiff::Timestamp) {
        self.latest.store(enqueued_at.as_microsecond(), Ordering::Relaxed);
    }

    /// When the job was enqueued that came last, in µs; the distant future when none has come.
    pub(super) fn latest(&self) -> i64 {
        self.latest.load(Ordering::Relaxed)
    }
}

// === impl Tap ===

impl Tap {
    fn open(amqp: &Amqp, queue: &str, prefetch: u16) -> Result<Self, ConnectError> {
        let options = ConsumerOptions::default().prefetch(prefetch);
        Ok(Self { subscription: Arc::new(amqp.subscribe(queue, options)?), prefetch })
    }
}

fn rounded(want: usize) -> u16 {
    u16::try_from(want.next_power_of_two()).unwrap_or(MOST).clamp(1, MOST)
}
