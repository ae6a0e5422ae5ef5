use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::slot::{Halt, Slot};
use crate::{Delivery, JobId, JobsConfig};

/// As many jobs are fetched ahead as run within this time.
const AHEAD: Duration = Duration::from_millis(100);
/// What has waited here for so long is for others: the jobs before it are longer than was thought when it was fetched.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything that this process has in its hands.
#[derive(Debug)]
pub(crate) struct Desk {
    concurrency: usize,
    prefetch: usize,
    /// From so many crashes on a job may be what kills the process.
    suspect: u32,
    state: Mutex<State>,
    /// A job ended, was settled, or arrived.
    changed: Notify,
    /// A job ended whose name has a limit here, or the end of one is on record whose name or key has one everywhere.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// All, until their ends are on record.
    held: HashMap<JobId, Arc<Slot>>,
    /// Those that have not begun.
    waiting: VecDeque<Arc<Slot>>,
    running: HashMap<JobId, Arc<Slot>>,
    /// How many wait or run, by name.
    names: HashMap<String, u32>,
    /// How long a job takes, smoothed.
    typical: Option<Duration>,
}

// === impl Desk ===

impl Desk {
    pub(crate) fn new(config: &JobsConfig) -> Self {
        Self {
            concurrency: config.concurrency as usize,
            prefetch: config.prefetch as usize,
            suspect: (config.crash_limit / 2).max(1),
            state: Mutex::default(),
            changed: Notify::new(),
            freed: Notify::new(),
        }
    }

    /// How many more jobs to fetch; none while enough wait.
    pub(crate) fn room(&self) -> usize {
        let state = self.state.lock();
        let ahead = state.typical.map_or(0, |typical| {
            let at_once = AHEAD.as_secs_f64() / typical.as_secs_f64().max(1e-6);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bounded by prefetch"
            )]
            let ahead = (at_once * self.concurrency as f64).min(self.prefetch as f64) as usize;
            ahead
        });
        let free = self.concurrency.saturating_sub(state.running.len());
        if free == 0 && state.waiting.len() * 2 > ahead {
            return 0;
        }
        (free + ahead).saturating_sub(state.waiting.len())
    }

    /// How many of a name wait or run here.
    pub(crate) fn of_name(&self, name: &str) -> u32 {
        self.state.lock().names.get(name).copied().unwrap_or_default()
    }

    /// Takes deliveries in. Returns those that must go back: of jobs that may be what kills the process, only
    /// one is tried at a time, or innocent ones would be counted out together with the culprit.
    pub(crate) fn put(&self, deliveries: Vec<Delivery>) -> Vec<Arc<Slot>> {
        let mut state = self.state.lock();
        let mut back = Vec::new();
        for delivery in deliveries {
            let slot = Slot::new(delivery);
            let id = slot.delivery.envelope.id;
            let is_suspect = |slot: &Slot| slot.delivery.envelope.crashes >= self.suspect;
            let another = state.running.values().chain(&state.waiting).any(|other| is_suspect(other));
            if let Some(older) = state.held.insert(id, slot.clone()) {
                // Its lease has ended here, and it came back.
                older.halt(Halt::Lost);
            }
            if is_suspect(&slot) && another {
                back.push(slot);
                continue;
            }
            *state.names.entry(slot.name().to_owned()).or_default() += 1;
            state.waiting.push_back(slot);
        }
        back
    }

    /// The next job to begin, if one may.
    pub(crate) fn next(&self) -> Option<Arc<Slot>> {
        let mut state = self.state.lock();
        if state.running.len() >= self.concurrency {
            return None;
        }
        let slot = state.waiting.pop_front()?;
        state.running.insert(slot.delivery.envelope.id, slot.clone());
        Some(slot)
    }

    /// Takes back what has not begun.
    pub(crate) fn unbegun(&self) -> Vec<Arc<Slot>> {
        self.state.lock().take_back()
    }

    /// In how long what waits here for a place has waited too long; `None` where nothing waits.
    pub(crate) fn overdue_in(&self) -> Option<Duration> {
        self.state.lock().overdue_in(self.concurrency)
    }

    /// Takes back what waits here for a place, if that takes too long, and fetches no more ahead until jobs have proved
    /// short again.
    pub(crate) fn overdue(&self) -> Vec<Arc<Slot>> {
        let mut state = self.state.lock();
        if state.overdue_in(self.concurrency) != Some(Duration::ZERO) {
            return Vec::new();
        }
        let long =
            AHEAD.saturating_mul(u32::try_from(self.concurrency + 1).unwrap_or(u32::MAX)).max(PATIENCE);
        state.typical = state.typical.max(Some(long));
        state.take_back()
    }

    /// A job has ended, and its place is free. Its end may be on record already.
    pub(crate) fn ended(&self, slot: &Arc<Slot>, took: Option<Duration>, limited: bool) {
        let mut state = self.state.lock();
        let id = slot.delivery.envelope.id;
        if state.running.get(&id).is_some_and(|running| Arc::ptr_eq(running, slot)) {
            state.running.remove(&id);
        }
        state.leaves(slot.name());
        if let Some(took) = took {
            state.typical =
                Some(state.typical.map_or(took, |typical| typical.mul_f64(0.8) + took.mul_f64(0.2)));
        }
        drop(state);
        if limited {
            self.freed.notify_one();
        }
        self.rouse();
    }

    /// The end of a job is on record, or no business of ours.
    pub(crate) fn forget(&self, id: JobId, token: u64, limited: bool) {
        let mut state = self.state.lock();
        if state.held.get(&id).is_some_and(|slot| slot.delivery.token == token) {
            state.held.remove(&id);
        }
        drop(state);
        if limited {
            self.freed.notify_one();
        }
        self.rouse();
    }

    /// Resolves at the next change. Call it before looking.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Resolves when a limit may have room again.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    pub(crate) fn running(&self) -> usize {
        self.state.lock().running.len()
    }

    pub(crate) fn held(&self) -> Vec<Arc<Slot>> {
        self.state.lock().held.values().cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().held.is_empty()
    }

    /// Tells everything that runs to end here.
    pub(crate) fn cut(&self) {
        self.state.lock().running.values().for_each(|slot| slot.halt(Halt::Cut));
    }

    /// Wakes the one that fetches even where it only comes to wait, and all that watch.
    fn rouse(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }
}

// === impl State ===

impl State {
    fn leaves(&mut self, name: &str) {
        if let Some(count) = self.names.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }

    fn overdue_in(&self, concurrency: usize) -> Option<Duration> {
        let oldest = self.waiting.front().filter(|_| self.running.len() >= concurrency)?;
        Some(PATIENCE.saturating_sub(oldest.came.elapsed()))
    }

    fn take_back(&mut self) -> Vec<Arc<Slot>> {
        let back: Vec<_> = self.waiting.drain(..).collect();
        for slot in &back {
            self.leaves(slot.name());
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use jiff::Timestamp;

    use super::*;
    use crate::{Envelope, Priority};

    fn delivery(crashes: u32) -> Delivery {
        let envelope = Envelope {
            id: JobId::random(),
            name: "a".to_owned(),
            version: 1,
            payload: "null".to_owned(),
            priority: Priority::Normal,
            key: None,
            unique: None,
            enqueued_at: Timestamp::now(),
            attempts: 0,
            max_attempts: 1,
            crashes,
            history: Vec::new(),
            trace: None,
            checkpoint: None,
        };
        Delivery { envelope, token: 1, due_at: Timestamp::UNIX_EPOCH }
    }

    fn desk() -> Desk {
        Desk::new(&JobsConfig { concurrency: 2, prefetch: 10, ..JobsConfig::default() })
    }

    #[test]
    fn of_jobs_that_may_kill_the_process_one_is_tried_at_a_time() {
        let desk = desk();
        let below = desk.put(vec![delivery(4), delivery(4)]);
        assert!(below.is_empty(), "below half of the limit nobody waits");
        let back = desk.put(vec![delivery(5), delivery(9), delivery(0)]);
        let crashes: Vec<_> = back.iter().map(|slot| slot.delivery.envelope.crashes).collect();
        assert_eq!(crashes, [9]);
        while let Some(slot) = desk.next() {
            desk.ended(&slot, None, false);
        }
        assert!(desk.put(vec![delivery(9)]).is_empty(), "the one before has ended");
    }

    #[test]
    fn nothing_is_fetched_ahead_of_long_jobs_and_much_ahead_of_short_ones() {
        let desk = desk();
        assert_eq!(desk.room(), 2, "nothing is known yet");
        let slots: Vec<_> = (0..2).map(|_| Slot::new(delivery(0))).collect();
        desk.ended(&slots[0], Some(Duration::from_micros(100)), false);
        assert_eq!(desk.room(), 2 + 10);
        for _ in 0..50 {
            desk.ended(&slots[1], Some(Duration::from_secs(60)), false);
        }
        assert_eq!(desk.room(), 2);
    }

    /// Two run, the rest waits, and nothing says yet that they are long.
    fn crowded(desk: &Desk) -> Vec<JobId> {
        desk.ended(&Slot::new(delivery(0)), Some(Duration::from_micros(100)), false);
        let deliveries: Vec<_> = (0..5).map(|_| delivery(0)).collect();
        let waiting = deliveries[2..].iter().map(|delivery| delivery.envelope.id).collect();
        desk.put(deliveries);
        while desk.next().is_some() {}
        waiting
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_place_for_too_long_goes_back_and_is_not_fetched_again_before_one_is_free() {
        let desk = desk();
        let waiting = crowded(&desk);
        assert!(desk.overdue().is_empty(), "its turn may come in a moment");
        tokio::time::sleep(desk.overdue_in().expect("they wait")).await;
        let back: Vec<_> = desk.overdue().iter().map(|slot| slot.delivery.envelope.id).collect();
        assert_eq!(back, waiting);
        assert_eq!((desk.room(), desk.of_name("a")), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn where_many_run_at_once_nothing_that_went_back_is_fetched_again_either() {
        let desk = Desk::new(&JobsConfig { concurrency: 100, prefetch: 100, ..JobsConfig::default() });
        desk.put((0..150).map(|_| delivery(0)).collect());
        while desk.next().is_some() {}
        tokio::time::sleep(PATIENCE).await;
        assert_eq!((desk.overdue().len(), desk.room()), (50, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_while_places_are_free_is_not_overdue() {
        let desk = desk();
        desk.put(vec![delivery(0)]);
        tokio::time::sleep(PATIENCE).await;
        assert!(desk.overdue().is_empty());
    }

    /// Whoever asked between the two was told that there is no place.
    #[test]
    fn a_place_under_a_limit_is_told_when_it_is_free_also_if_the_end_was_on_record_before() {
        let desk = desk();
        desk.put(vec![delivery(0)]);
        let slot = desk.next().expect("it may begin");
        desk.forget(slot.delivery.envelope.id, slot.delivery.token, true);
        assert!(desk.freed().now_or_never().is_some());
        assert_eq!(desk.of_name("a"), 1, "its place is not free yet");
        desk.ended(&slot, None, true);
        assert!(desk.freed().now_or_never().is_some(), "now it is");
        assert_eq!(desk.of_name("a"), 0);
    }

    #[test]
    fn no_more_run_at_once_than_may() {
        let desk = desk();
        desk.put(vec![delivery(0), delivery(0), delivery(0)]);
        let running: Vec<_> = std::iter::from_fn(|| desk.next()).collect();
        assert_eq!((running.len(), desk.running(), desk.unbegun().len()), (2, 2, 1));
    }
}
