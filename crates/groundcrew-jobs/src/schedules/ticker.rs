use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{CheckPolicy, Crew};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::book::{Book, Mark, Marks, Step};
use super::entry::Entry;
use super::error::Trouble;
use super::metrics::ScheduleMetrics;
use super::plan::{self, Plan};
use super::{Clock, Schedules};
use crate::Publisher;

/// How often is looked at the clock at least: it may be put forward or back.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest pause, when the timer was a little early.
const BREATH: Duration = Duration::from_millis(1);
/// How long a schedule may take before it is given up and done again: the next ones wait no longer for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long a schedule that has much to do goes on with the next look.
const TURN: Duration = Duration::from_secs(1);

/// Enqueues what is due.
pub(super) struct Ticker {
    service: String,
    entries: Vec<Entry>,
    publisher: Publisher,
    clock: Clock,
    book: Book,
    metrics: ScheduleMetrics,
    trouble: Mutex<Option<Trouble>>,
}

/// Up to where a schedule is done, and what comes then.
struct Stand {
    mark: Mark,
    next: Option<Timestamp>,
}

/// While this lives the schedules are kept here. Troubles end with it: another replica has its own.
struct Keeping<'a>(&'a Ticker);

/// A schedule as people see it.
pub(super) struct Line<'a> {
    pub(super) entry: &'a Entry,
    pub(super) fired: Option<Timestamp>,
    pub(super) next: Option<Timestamp>,
}

/// Says in `/ready` what cannot be enqueued.
pub(super) fn watch(crew: &Crew, ticker: &Arc<Ticker>) {
    let ticker = ticker.clone();
    let probe = move || std::future::ready(ticker.trouble.lock().clone().map_or(Ok(()), Err));
    crew.check("schedules", CheckPolicy::degraded(), probe).keep();
}

// === impl Ticker ===

impl Ticker {
    pub(super) fn new(service: &str, schedules: Schedules, book: Book, metrics: ScheduleMetrics) -> Self {
        let Schedules { publisher, entries, clock } = schedules;
        let (service, trouble) = (service.to_owned(), Mutex::default());
        Self { service, entries, publisher, clock, book, metrics, trouble }
    }

    /// Looks at the clock again and again, until `ended` within a pause.
    ///
    /// It may be dropped at any time: what was under way is written down with its jobs, or neither is.
    pub(super) async fn run<Fut: Future<Output = bool>>(&self, ended: impl Fn(Duration) -> Fut) {
        // Read anew whenever this process begins, since others may have been at it.
        let _keeping = Keeping(self);
        let mut stands = None;
        loop {
            let pause = match self.look(&mut stands).await {
                Ok(pause) => {
                    self.is_well();
                    pause
                }
                Err(trouble) => {
                    self.troubled(trouble);
                    LOOK
                }
            };
            if ended(pause).await {
                return;
            }
        }
    }

    /// What there is, for people. Asked anywhere, not only where the schedules are kept.
    pub(super) async fn lines(&self) -> Result<Vec<Line<'_>>, Trouble> {
        let (marks, now) = (self.book.marks().await?, (self.clock)());
        let line = |entry| {
            let done = mark(&marks, entry).map_or(now, |mark| mark.last.max(now));
            let next = entry.schedule.next_after(done);
            Line { entry, fired: marks.get(entry.name).and_then(|mark| mark.fired), next }
        };
        Ok(self.entries.iter().map(line).collect())
    }

    /// Enqueues what is due, and says for how long nothing will be.
    async fn look(&self, known: &mut Option<Vec<Stand>>) -> Result<Duration, Trouble> {
        let stands = match known {
            Some(stands) => stands,
            None => known.insert(in_time(self.open()).await?),
        };
        let mut trouble = None;
        for (entry, stand) in self.entries.iter().zip(stands.iter_mut()) {
            match in_time(self.keep(entry, stand)).await {
                Ok(true) => {}
                // Another replica was at it.
                Ok(false) => {
                    *known = None;
                    return Ok(BREATH);
                }
                // The others are kept all the same; they may take their time, so it is told at once.
                Err(error) => {
                    let error = Trouble::new(format_args!("the schedule `{}`: {error}", entry.name));
                    self.troubled(error.clone());
                    trouble = trouble.or(Some(error));
                }
            }
        }
        if let Some(trouble) = trouble {
            // It may have been done, and only the answer be lost.
            *known = None;
            return Err(trouble);
        }
        let Some(next) = stands.iter().filter_map(|stand| stand.next).min() else { return Ok(LOOK) };
        let pause = Duration::try_from(next.duration_since((self.clock)())).unwrap_or_default();
        Ok(pause.clamp(BREATH, LOOK))
    }

    /// Where each schedule stands, after those that are new have begun.
    async fn open(&self) -> Result<Vec<Stand>, Trouble> {
        let mut marks = self.book.marks().await?;
        let strangers: Vec<&Entry> =
            self.entries.iter().filter(|entry| mark(&marks, entry).is_none()).collect();
        if !strangers.is_empty() {
            for entry in strangers {
                self.book.begin(entry.name, &entry.schedule.to_string(), (self.clock)()).await?;
            }
            marks = self.book.marks().await?;
        }
        let stand = |entry: &Entry| mark(&marks, entry).map(|mark| Stand::at(mark.clone(), entry));
        let stands: Option<Vec<Stand>> = self.entries.iter().map(stand).collect();
        stands
            .ok_or_else(|| Trouble::new("another replica has other expressions for schedules of these names"))
    }

    /// Does what one schedule wants now; `false` when another replica has done something about it.
    async fn keep(&self, entry: &Entry, stand: &mut Stand) -> Result<bool, Trouble> {
        let (from, now) = (&stand.mark, (self.clock)());
        let plan = if plan::is_astray(from.last, now) {
            tracing::warn!(schedule.name = entry.name, schedule.last = %from.last, "the last time lies ahead: begun anew");
            Plan { fire: Vec::new(), missed: 0, until: now }
        } else {
            let due = stand.next.is_some_and(|next| next <= now);
            let Some(plan) = due.then(|| Plan::of(&entry.schedule, from.last, now)).flatten() else {
                return Ok(true);
            };
            plan
        };
        let began = Instant::now();
        for step in plan.steps() {
            if !self.step(entry, stand, &step).await? {
                return Ok(false);
            }
            if began.elapsed() >= TURN {
                break;
            }
        }
        Ok(true)
    }

    /// Does a part of it; `false` as there.
    async fn step(&self, entry: &Entry, stand: &mut Stand, plan: &Plan) -> Result<bool, Trouble> {
        let from = &stand.mark;
        let jobs: Result<Vec<_>, _> =
            plan.fire.iter().map(|due| entry.job(&self.service, &self.publisher, *due)).collect();
        let fired = plan.fire.last().copied().or(from.fired);
        let to = Mark { last: plan.until, fired, ..from.clone() };
        if !self.book.step(Step { name: entry.name, from, to: to.clone(), jobs: jobs? }).await? {
            return Ok(false);
        }
        self.metrics.done(entry.name, &plan.fire, plan.missed, (self.clock)());
        if plan.missed > 0 {
            tracing::warn!(
                schedule.name = entry.name,
                schedule.missed = plan.missed,
                "times have passed without a job"
            );
        }
        *stand = Stand::at(to, entry);
        Ok(true)
    }

    fn troubled(&self, trouble: Trouble) {
        let words = trouble.to_string();
        if self.trouble.lock().replace(trouble).is_none() {
            tracing::warn!(error = words, "what is scheduled cannot be enqueued; it is tried again");
        }
    }

    fn is_well(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!("what is scheduled is enqueued again");
        }
    }
}

// === impl Keeping ===

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.0.trouble.lock().take();
    }
}

// === impl Stand ===

impl Stand {
    fn at(mark: Mark, entry: &Entry) -> Self {
        Self { next: entry.schedule.next_after(mark.last), mark }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let late = |_| Err(Trouble::new(format_args!("no answer within {PATIENCE:?}")));
    timeout(PATIENCE, work).await.unwrap_or_else(late)
}

/// The mark of this schedule, unless it is one of another expression.
fn mark<'a>(marks: &'a Marks, entry: &Entry) -> Option<&'a Mark> {
    marks.get(entry.name).filter(|mark| mark.expression == entry.schedule.to_string())
}
