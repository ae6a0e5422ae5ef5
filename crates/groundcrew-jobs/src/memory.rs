mod holders;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::choose::Chooser;
use crate::dead::{DeadJob, DeadQuery, Selection};
use crate::debts::Debts;
use crate::{
    Ask, Backend, BackendError, Beat, Delivery, Enqueued, Envelope, Fate, JobId, NewJob, QueueStat,
    Retention, Settlement, State, Unsettled, When,
};
use holders::Holders;

/// Jobs in this process's memory, for tests: gone with it, and on tokio's clock, which a test can pause.
///
/// Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    began: (Timestamp, Instant),
    changed: Notify,
    settled: Notify,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<JobId, Row>,
    /// All but the dead, in the order in which they run. A running one is due when its lease ends.
    due: BTreeSet<(Reverse<i16>, Timestamp, JobId)>,
    running: HashSet<JobId>,
    unique: Holders,
    debts: Debts,
}

#[derive(Debug)]
struct Row {
    envelope: Envelope,
    state: RowState,
    due: Timestamp,
    /// When it was due before it was delivered.
    since: Timestamp,
    token: u64,
    progress: Option<(u8, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    Waiting,
    Running,
    Dead,
}

// === impl Memory ===

impl Memory {
    /// Without jobs.
    pub fn new() -> Self {
        Self::default()
    }

    /// The job as it is now; `None` once it is over.
    pub fn job(&self, id: JobId) -> Option<Envelope> {
        self.inner.table.lock().rows.get(&id).map(|row| row.envelope.clone())
    }

    /// How far a running job said that it is at its last heartbeat: percent and words.
    pub fn progress(&self, id: JobId) -> Option<(u8, String)> {
        self.inner.table.lock().rows.get(&id).and_then(|row| row.progress.clone())
    }

    /// Resolves when every job is over or dead.
    pub async fn idle(&self) {
        loop {
            let settled = self.inner.settled.notified();
            if self.inner.table.lock().due.is_empty() {
                return;
            }
            settled.await;
        }
    }

    /// Wakes a worker that waits, and the next one that comes to wait.
    fn rouse(&self) {
        self.inner.changed.notify_waiters();
        self.inner.changed.notify_one();
    }

    fn now(&self) -> Timestamp {
        let (began, instant) = self.inner.began;
        began + SignedDuration::try_from(instant.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    fn next_due(&self) -> Option<Timestamp> {
        let table = self.inner.table.lock();
        table.rows.values().filter(|row| row.state != RowState::Dead).map(|row| row.due).min()
    }
}

impl Default for Inner {
    fn default() -> Self {
        let began = (Timestamp::now(), Instant::now());
        Self { began, changed: Notify::new(), settled: Notify::new(), table: Mutex::default() }
    }
}

pub(crate) fn after(now: Timestamp, delay: Duration) -> Timestamp {
    SignedDuration::try_from(delay)
        .ok()
        .and_then(|delay| now.checked_add(delay).ok())
        .unwrap_or(Timestamp::MAX)
}

// === impl Table ===

impl Table {
    fn place(&self, id: JobId) -> Option<(Reverse<i16>, Timestamp, JobId)> {
        self.rows.get(&id).map(|row| (Reverse(row.envelope.priority.number()), row.due, id))
    }

    /// Changes a row, and keeps the order true.
    fn change(&mut self, id: JobId, change: impl FnOnce(&mut Row)) {
        if let Some(place) = self.place(id) {
            self.due.remove(&place);
        }
        let Some(row) = self.rows.get_mut(&id) else { return };
        change(row);
        let state = row.state;
        if state == RowState::Running {
            self.running.insert(id);
        } else {
            self.running.remove(&id);
        }
        if state != RowState::Dead {
            self.due.extend(self.place(id));
        }
    }

    fn remove(&mut self, id: JobId) {
        self.change(id, |row| row.state = RowState::Dead);
        self.rows.remove(&id);
    }

    fn insert(&mut self, job: &NewJob, now: Timestamp) -> Enqueued {
        let NewJob { envelope, when } = job;
        let id = envelope.id;
        if self.rows.contains_key(&id) {
            return Enqueued::New(id);
        }
        if let Err(holder) = self.claim(envelope, now) {
            return Enqueued::Duplicate(holder);
        }
        let due = match *when {
            When::Now => now,
            When::In(delay) => after(now, delay),
            When::At(at) => at,
        };
        let envelope = envelope.clone();
        let row = Row { envelope, state: RowState::Waiting, due, since: due, token: 0, progress: None };
        self.rows.insert(id, row);
        self.due.extend(self.place(id));
        Enqueued::New(id)
    }

    /// Takes the unique key of this job for it, unless another one has it: then which.
    fn claim(&mut self, envelope: &Envelope, now: Timestamp) -> Result<(), JobId> {
        let Self { rows, unique, .. } = self;
        unique.claim(envelope, now, |id| rows.get(id).is_some_and(|row| row.state != RowState::Dead))
    }

    /// Lets a dead job run again, unless another one has its unique key by now.
    fn requeue(&mut self, id: JobId, now: Timestamp) -> bool {
        let mut envelope = self.rows[&id].envelope.clone();
        // What is left of its window is on record with the key; it does not begin anew.
        if let Some(unique) = &mut envelope.unique {
            unique.window = None;
        }
        if self.claim(&envelope, now).is_err_and(|holder| holder != id) {
            return false;
        }
        self.change(id, |row| {
            (row.state, row.due) = (RowState::Waiting, now);
            (row.envelope.attempts, row.envelope.crashes) = (0, 0);
        });
        true
    }

    fn reserve(&mut self, ask: &Ask, now: Timestamp) -> Vec<Delivery> {
        let mut chooser = Chooser::new(ask, now.as_microsecond(), std::mem::take(&mut self.debts));
        for id in &self.running {
            let row = &self.rows[id];
            if row.due > now {
                chooser.runs(&row.envelope.name, row.envelope.key.as_deref(), 1);
            }
        }
        let mut chosen = Vec::new();
        for (_, due, id) in &self.due {
            if chooser.is_full() {
                break;
            }
            let envelope = &self.rows[id].envelope;
            if *due <= now && chooser.take(&envelope.name, envelope.version, envelope.key.as_deref()) {
                chosen.push(*id);
            }
        }
        self.debts = chooser.into_debts();
        for id in &chosen {
            self.change(*id, |row| {
                // Its lease ended without an outcome.
                row.envelope.crashes += u32::from(row.state == RowState::Running);
                row.state = RowState::Running;
                row.since = row.due;
                row.due = after(now, ask.lease);
                row.token += 1;
            });
        }
        let delivery = |id| {
            let row = &self.rows[id];
            Delivery { envelope: row.envelope.clone(), token: row.token, due_at: row.since }
        };
        chosen.iter().map(delivery).collect()
    }

    fn is_current(&self, id: JobId, token: u64) -> bool {
        self.rows.get(&id).is_some_and(|row| row.state == RowState::Running && row.token == token)
    }

    fn settle(&mut self, settlement: &Settlement, now: Timestamp) {
        let id = settlement.delivery.envelope.id;
        if !self.is_current(id, settlement.delivery.token) {
            return;
        }
        match settlement.fate() {
            Fate::Over => self.remove(id),
            Fate::Waits { envelope, after: delay } => self.change(id, |row| {
                let due = settlement.since().map_or_else(|| after(now, delay), |since| since.min(now));
                (row.envelope, row.state, row.due) = (envelope, RowState::Waiting, due);
            }),
            Fate::Dead { envelope } => self.change(id, |row| {
                (row.envelope, row.state, row.due) = (envelope, RowState::Dead, now);
            }),
        }
    }

    fn stats(&self, now: Timestamp) -> Vec<QueueStat> {
        let mut counts: HashMap<(&str, State), (u64, Timestamp)> = HashMap::new();
        for row in self.rows.values() {
            let state = match row.state {
                RowState::Dead => State::Dead,
                RowState::Running if row.due > now => State::Running,
                RowState::Waiting if row.due > now => State::Scheduled,
                RowState::Running | RowState::Waiting => State::Ready,
            };
            let (count, oldest) = counts.entry((&row.envelope.name, state)).or_insert((0, row.due));
            *count += 1;
            *oldest = row.due.min(*oldest);
        }
        let stat = |((name, state), (count, oldest)): ((&str, State), (u64, Timestamp))| QueueStat {
            name: name.to_owned(),
            state,
            count,
            oldest: Duration::try_from(now.duration_since(oldest)).unwrap_or_default(),
        };
        counts.into_iter().map(stat).collect()
    }

    fn selected(&self, which: &Selection) -> Vec<JobId> {
        let dead = self.rows.values().filter(|row| row.state == RowState::Dead);
        dead.filter(|row| which.holds(row.envelope.id, &row.envelope.name, row.due))
            .map(|row| row.envelope.id)
            .collect()
    }
}

// === impl Backend for Memory ===

impl Backend for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn enqueue<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Vec<Result<Enqueued, BackendError>>> {
        let now = self.now();
        let mut table = self.inner.table.lock();
        let enqueued = jobs.iter().map(|job| Ok(table.insert(job, now))).collect();
        self.rouse();
        std::future::ready(enqueued).boxed()
    }

    fn reserve<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Delivery>, BackendError>> {
        let reserved = self.inner.table.lock().reserve(ask, self.now());
        std::future::ready(Ok(reserved)).boxed()
    }

    fn wait(&self, at_most: Duration) -> BoxFuture<'_, ()> {
        async move {
            let changed = self.inner.changed.notified();
            let until_due = self.next_due().map(|due| due.duration_since(self.now()).unsigned_abs());
            // What is due already is not for this worker.
            let until_due = until_due.filter(|due| !due.is_zero()).unwrap_or(at_most);
            let _either = tokio::time::timeout(until_due.min(at_most), changed).await;
        }
        .boxed()
    }

    fn settle(&self, batch: Vec<Settlement>) -> BoxFuture<'_, Result<(), Unsettled>> {
        let now = self.now();
        let mut table = self.inner.table.lock();
        for settlement in &batch {
            table.settle(settlement, now);
        }
        self.inner.settled.notify_waiters();
        self.rouse();
        std::future::ready(Ok(())).boxed()
    }

    fn heartbeat(
        &self,
        beats: Vec<Beat>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<JobId>, BackendError>> {
        let due = after(self.now(), lease);
        let mut table = self.inner.table.lock();
        let mut lost = Vec::new();
        for beat in beats {
            if !table.is_current(beat.id, beat.token) {
                lost.push(beat.id);
                continue;
            }
            table.change(beat.id, |row| {
                row.due = due;
                row.envelope.checkpoint = beat.checkpoint.or(row.envelope.checkpoint.take());
                row.progress = beat.progress.or(row.progress.take());
            });
        }
        std::future::ready(Ok(lost)).boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<QueueStat>, BackendError>> {
        let stats = self.inner.table.lock().stats(self.now());
        std::future::ready(Ok(stats)).boxed()
    }

    fn dead(&self, query: DeadQuery) -> BoxFuture<'_, Result<Vec<DeadJob>, BackendError>> {
        let which = Selection { ids: query.id.into_iter().collect(), name: query.name, before: query.before };
        let table = self.inner.table.lock();
        let mut dead: Vec<DeadJob> = table
            .selected(&which)
            .iter()
            .map(|id| {
                let row = &table.rows[id];
                DeadJob::of(row.envelope.clone(), row.due, query.payload)
            })
            .collect();
        dead.sort_by_key(|job| Reverse((job.died_at, job.id)));
        dead.truncate(query.limit as usize);
        std::future::ready(Ok(dead)).boxed()
    }

    fn requeue(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        let now = self.now();
        let mut table = self.inner.table.lock();
        let mut ids = table.selected(&which);
        // Of several with one key the oldest.
        ids.sort_unstable();
        ids.retain(|id| table.requeue(*id, now));
        self.rouse();
        std::future::ready(Ok(ids.len() as u64)).boxed()
    }

    fn discard(&self, which: Selection) -> BoxFuture<'_, Result<u64, BackendError>> {
        let mut table = self.inner.table.lock();
        let ids = table.selected(&which);
        for id in &ids {
            table.remove(*id);
        }
        std::future::ready(Ok(ids.len() as u64)).boxed()
    }

    fn sweep(&self, keep: Retention) -> BoxFuture<'_, Result<(), BackendError>> {
        let now = self.now();
        let oldest = SignedDuration::try_from(keep.dead).ok().and_then(|keep| now.checked_sub(keep).ok());
        let which = Selection { before: Some(oldest.unwrap_or(Timestamp::MIN)), ..Selection::default() };
        let mut table = self.inner.table.lock();
        for id in table.selected(&which) {
            table.remove(id);
        }
        table.debts.sweep(now.as_microsecond());
        let Table { rows, unique, .. } = &mut *table;
        unique.sweep(now, |id| rows.contains_key(id));
        std::future::ready(Ok(())).boxed()
    }
}
