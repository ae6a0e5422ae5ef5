use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{CheckPolicy, Crew};
use groundcrew_sql::{Database, SqlProblem, statement};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::metrics::TimetableMetrics;
use super::outlook::Outlook;
use super::row::{self, Move, PlanRows, Row};
use super::{Clock, Plan, PlanError, micros, micros_up};
use crate::{NewJob, Publisher};

/// How many plans are taken in one transaction.
const BATCH: i64 = 100;
/// How often is looked whether something is due: plans are made by other processes.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest pause, when the timer was a little early.
const BREATH: Duration = Duration::from_millis(1);
/// How long one batch may take before it is given up and done again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often all plans are counted, and those are looked for that a wrong clock has moved on.
const COUNT: Duration = Duration::from_secs(15);
/// A plan that is seen to up to a time further ahead than this (in µs) has been moved on by a clock that was wrong:
/// nothing would come until its time. Up to that it is waited for, so that a clock that is put back lets nothing happen
/// twice.
const ASTRAY: i64 = 24 * 3600 * 1_000_000;

/// Enqueues what is due.
pub(super) struct Keeper {
    service: Arc<str>,
    publisher: Publisher,
    database: Database,
    clock: Clock,
    metrics: TimetableMetrics,
    trouble: Mutex<Option<String>>,
}

/// While this lives the timetable is kept here. Troubles end with it: another replica has its own.
struct Keeping<'a>(&'a Keeper);

/// A plan that is due, with what there is to do about it.
struct Due {
    plan: Plan,
    outlook: Outlook,
    jobs: Vec<NewJob>,
}

/// Says in `/ready` what cannot be enqueued.
pub(super) fn watch(crew: &Crew, keeper: &Arc<Keeper>) {
    let keeper = keeper.clone();
    let probe = move || std::future::ready(keeper.trouble.lock().clone().map_or(Ok(()), Err));
    crew.check("timetable", CheckPolicy::degraded(), probe).keep();
}

// === impl Keeper ===

impl Keeper {
    pub(super) fn new(
        service: Arc<str>,
        publisher: Publisher,
        database: Database,
        clock: Clock,
        metrics: TimetableMetrics,
    ) -> Self {
        Self { service, publisher, database, clock, metrics, trouble: Mutex::default() }
    }

    /// Looks for what is due again and again, until `ended` within a pause.
    ///
    /// It may be dropped at any time: what was under way is written down with its jobs, or neither is.
    pub(super) async fn run<Fut: Future<Output = bool>>(&self, ended: impl Fn(Duration) -> Fut) {
        let _keeping = Keeping(self);
        let mut counted: Option<Instant> = None;
        loop {
            let is_time = counted.is_none_or(|counted| counted.elapsed() >= COUNT);
            let mended = if is_time { self.mend().await } else { Ok(()) };
            // What is due is looked for in any case.
            let pause = match self.look().await.and_then(|pause| mended.map(|()| pause)) {
                Ok(pause) => {
                    self.is_well();
                    pause
                }
                Err(trouble) => {
                    self.troubled(&trouble);
                    LOOK
                }
            };
            if is_time {
                counted = Some(Instant::now());
                let counts = statement(row::COUNTS).bind(&*self.service);
                if let Ok((waiting, paused, over)) = counts.fetch_one(self.database.read()).await {
                    self.metrics.show([waiting, paused, over]);
                }
            }
            if ended(pause).await {
                return;
            }
        }
    }

    /// Enqueues all that is due, and says for how long nothing will be.
    async fn look(&self) -> Result<Duration, String> {
        let now = (self.clock)();
        let mut trouble = None;
        let mut after = (i64::MIN, String::new());
        loop {
            let due = statement(row::DUE).bind(&*self.service).bind(micros(now));
            let due = due.bind(after.0).bind(after.1).bind(BATCH);
            let rows: Vec<Row> = in_time(due.fetch_all(self.database.read())).await?;
            let is_last = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
            after =
                rows.last().map_or_else(Default::default, |row| (row.8.unwrap_or_default(), row.0.clone()));
            if let Err(failed) = self.take(rows, now).await {
                trouble = trouble.or(Some(failed));
            }
            if is_last {
                break;
            }
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let earliest = statement(row::EARLIEST).bind(&*self.service).scalar();
        let earliest: Option<i64> = in_time(earliest.fetch_one(self.database.read())).await?;
        let ahead = earliest.map_or(i64::MAX, |earliest| earliest.saturating_sub(micros((self.clock)())));
        let ahead = Duration::from_micros(u64::try_from(ahead).unwrap_or_default());
        Ok(ahead.clamp(BREATH, LOOK))
    }

    /// Lets plans begin anew that a clock far ahead has moved on.
    async fn mend(&self) -> Result<(), String> {
        let now = (self.clock)();
        let ahead = micros(now).saturating_add(ASTRAY);
        let mut after = String::new();
        loop {
            let astray = statement(row::ASTRAY).bind(&*self.service).bind(ahead).bind(after).bind(BATCH);
            let rows: Vec<Row> = in_time(astray.fetch_all(self.database.read())).await?;
            let is_last = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
            after = rows.last().map_or_else(String::new, |row| row.0.clone());
            // One that does not read is named once it is due.
            let plans = rows.into_iter().filter_map(|row| Plan::read(row).ok());
            let begun: Vec<Due> = plans
                .map(|plan| Due { outlook: Outlook::anew(&plan, now), plan, jobs: Vec::new() })
                .collect();
            for Due { plan, .. } in &begun {
                tracing::warn!(plan.id = %plan.id, plan.seen = %plan.seen, "the last time lies ahead: begun anew");
            }
            in_time(self.step(&begun, now)).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Moves on a batch; where something is wrong with one of its plans, the others move on all the same.
    async fn take(&self, rows: Vec<Row>, now: Timestamp) -> Result<(), String> {
        let mut trouble = None;
        let mut due = Vec::new();
        for row in rows {
            match self.due(row, now) {
                Ok(one) => due.push(one),
                Err(unreadable) => trouble = trouble.or(Some(unreadable)),
            }
        }
        let Err(failed) = in_time(self.step(&due, now)).await else { return trouble.map_or(Ok(()), Err) };
        if failed.is_passing() || due.len() < 2 {
            return Err(failed.to_string());
        }
        for one in due {
            if let Err(failed) = in_time(self.step(std::slice::from_ref(&one), now)).await {
                trouble = trouble.or(Some(format!("the plan {}: {failed}", one.plan.id)));
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    fn due(&self, row: Row, now: Timestamp) -> Result<Due, String> {
        let plan = Plan::read(row)?;
        let outlook = Outlook::of(&plan, now);
        let jobs: Result<_, _> =
            outlook.fire.iter().map(|moment| plan.job(&self.service, *moment, false)).collect();
        let jobs = jobs.map_err(|error| format!("the plan {} has no job: {error}", plan.id))?;
        Ok(Due { plan, outlook, jobs })
    }

    async fn step(&self, due: &[Due], now: Timestamp) -> Result<(), PlanError> {
        if due.is_empty() {
            return Ok(());
        }
        let moved = self.step_alone(due).await?;
        for Due { plan, outlook, .. } in due.iter().filter(|one| moved.contains(&one.plan.id.to_string())) {
            self.metrics.done(&plan.job, &outlook.fire, outlook.missed, now);
        }
        Ok(())
    }

    async fn step_alone(&self, due: &[Due]) -> Result<HashSet<String>, PlanError> {
        let mut transaction = self.database.begin().await?;
        let moved = self.step_in(&mut transaction, due).await?;
        transaction.commit().await?;
        Ok(moved)
    }

    /// The ids of those that have moved; the others were moved or changed by somebody else.
    async fn step_in<T: PlanRows>(
        &self,
        transaction: &mut T,
        due: &[Due],
    ) -> Result<HashSet<String>, PlanError> {
        let steps: Vec<Move> = due.iter().map(Move::of).collect();
        let moved = row::advance(crate::sql::json(&steps)).scalar();
        let moved: HashSet<String> = moved.fetch_all(transaction.on()).await?.into_iter().collect();
        let jobs = due.iter().filter(|one| moved.contains(&one.plan.id.to_string()));
        let jobs: Vec<NewJob> = jobs.flat_map(|one| one.jobs.clone()).collect();
        self.publisher.write_in(transaction, jobs).await?;
        Ok(moved)
    }

    fn troubled(&self, trouble: &str) {
        if self.trouble.lock().replace(trouble.to_owned()).is_none() {
            tracing::warn!(error = trouble, "what is planned cannot be enqueued; it is tried again");
        }
    }

    fn is_well(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!("what is planned is enqueued again");
        }
    }
}

// === impl Keeping ===

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.0.trouble.lock().take();
    }
}

// === impl Move ===

impl Move {
    fn of(due: &Due) -> Self {
        let Due { plan, outlook, jobs } = due;
        Self {
            id: plan.id.to_string(),
            revision: plan.revision,
            was: plan.next_at,
            next: outlook.next.map(micros),
            seen: micros_up(outlook.until),
            fired_at: outlook.fire.last().copied().map(micros),
            last_job: jobs.last().map(|job| job.envelope.id.to_string()),
            fired: i64::try_from(outlook.fire.len()).unwrap_or(i64::MAX),
            missed: i64::try_from(outlook.missed).unwrap_or(i64::MAX),
        }
    }
}

/// Why a batch did not move on.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no answer within {PATIENCE:?}")]
    TooSlow,
    #[error("{0}{cause}", cause = cause(.0))]
    Plan(PlanError),
}

impl Failed {
    /// Whether each of its plans alone would meet the same.
    fn is_passing(&self) -> bool {
        match self {
            Self::TooSlow => true,
            Self::Plan(PlanError::Database(error)) => SqlProblem::of(error) == SqlProblem::Unavailable,
            Self::Plan(_) => false,
        }
    }
}

impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        failed.to_string()
    }
}

/// It ends in `/ready`, where nobody follows a source.
fn cause(error: &PlanError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

async fn in_time<T, E: Into<PlanError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failed> {
    let done = timeout(PATIENCE, work).await.map_err(|_| Failed::TooSlow)?;
    done.map_err(|error| Failed::Plan(error.into()))
}
