//! Schedules that the users of a service make while it runs: each time of each has its job once.

mod config;
mod error;
mod id;
mod keeper;
mod metrics;
mod new;
mod operation;
mod outlook;
mod plan;
mod planned;
mod query;
mod row;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::sync::Arc;

use groundcrew_lease::{LeaseConfig, LeaseStatus};
use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, Statement, statement};
use jiff::Timestamp;

use crate::Publisher;
pub use config::TimetableConfig;
pub use error::{PlanError, TimetableError};
pub use id::PlanId;
use keeper::Keeper;
use metrics::TimetableMetrics;
pub use metrics::names as timetable_names;
pub use new::{NewPlan, PlanChange};
pub use plan::Plan;
pub use planned::Planned;
pub use query::{PlanPage, PlanQuery};
pub use row::PlanRows;
use row::Row;

/// What time it is.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The plans of a service. Clones share everything.
#[derive(Clone)]
pub struct Timetable {
    service: Arc<str>,
    crew: Crew,
    config: TimetableConfig,
    publisher: Publisher,
    database: Database,
    clock: Clock,
    keeper: Arc<Keeper>,
}

// === impl TimetableConfig ===

impl TimetableConfig {
    /// The timetable of the service, in the database of its jobs, or the one beside their broker.
    ///
    /// # Errors
    ///
    /// When the jobs have no database, or the service has a timetable already.
    pub fn open(&self, crew: &Crew, publisher: &Publisher) -> Result<Timetable, TimetableError> {
        self.open_at(crew, publisher, Timestamp::now)
    }

    /// As [`open`](Self::open), asking this for the time instead of the system's clock: for tests.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn open_at(
        &self,
        crew: &Crew,
        publisher: &Publisher,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Timetable, TimetableError> {
        let database = publisher.database().ok_or(TimetableError::NoDatabase)?.clone();
        let metrics = TimetableMetrics::register(crew.metrics())?;
        let (service, clock): (Arc<str>, Clock) = (crew.service().into(), Arc::new(clock));
        let keeper =
            Keeper::new(service.clone(), publisher.clone(), database.clone(), clock.clone(), metrics);
        let (config, publisher, keeper) = (self.clone(), publisher.clone(), Arc::new(keeper));
        keeper::watch(crew, &keeper);
        let timetable = Timetable { service, crew: crew.clone(), config, publisher, database, clock, keeper };
        operation::offer(crew, &timetable);
        Ok(timetable)
    }
}

// === impl Timetable ===

impl Timetable {
    /// Keeps the timetable in one of the replicas at a time, which the lease `<service> timetable` chooses, until the
    /// service stops. A process that only makes and shows plans needs no call of it.
    ///
    /// # Errors
    ///
    /// When the lease cannot work, and when this process keeps the timetable already.
    pub fn run(&self, lease: &LeaseConfig) -> Result<LeaseStatus, TimetableError> {
        let name = format!("{} timetable", self.service);
        let lease = crate::schedules::lease_in(&self.database, lease, &name, &self.crew)?;
        let keeper = self.keeper.clone();
        Ok(lease.run(move |leadership| {
            let keeper = keeper.clone();
            async move {
                let ended = |pause| {
                    let leadership = leadership.clone();
                    async move { leadership.unless_ending(tokio::time::sleep(pause)).await.is_none() }
                };
                keeper.run(ended).await;
            }
        }))
    }

    /// The plan, if there is one.
    ///
    /// # Errors
    ///
    /// What the database says, and when it does not read.
    pub async fn get(&self, id: PlanId) -> Result<Option<Plan>, PlanError> {
        any(self.which(row::GET, id).fetch_optional(self.database.read()).await?)
    }

    /// The plan of this owner that has this name, if there is one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn find(&self, owner: &str, name: &str) -> Result<Option<Plan>, PlanError> {
        let find = statement(row::FIND).bind(&*self.service).bind(owner).bind(name);
        any(find.fetch_optional(self.database.read()).await?)
    }

    /// A page of plans, the oldest first. Those that do not read, since a newer version wrote them, are left out.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn list(&self, query: PlanQuery) -> Result<PlanPage, PlanError> {
        let PlanQuery { owner, job, after, limit } = query;
        let after = after.map_or(String::new(), |after| after.to_string());
        // One more tells whether there is another page.
        let more = i64::from(limit) + 1;
        let list = match owner {
            Some(owner) => statement(row::LIST).bind(&*self.service).bind(owner),
            None => statement(row::LIST_ALL).bind(&*self.service),
        };
        let list = list.bind(after).bind(job).bind(more);
        let mut rows: Vec<Row> = list.fetch_all(self.database.read()).await?;
        let full = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| full).and_then(|row| row.0.parse().ok());
        Ok(PlanPage { plans: rows.into_iter().filter_map(|row| Plan::read(row).ok()).collect(), next })
    }

    fn which(&self, sql: &'static str, id: PlanId) -> Statement<'_> {
        statement(sql).bind(&*self.service).bind(id.to_string())
    }
}

impl fmt::Debug for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timetable").field("service", &self.service).finish_non_exhaustive()
    }
}

fn any(row: Option<Row>) -> Result<Option<Plan>, PlanError> {
    row.map(Plan::read).transpose().map_err(PlanError::Unreadable)
}

fn one(row: Option<Row>, id: PlanId) -> Result<Plan, PlanError> {
    any(row)?.ok_or(PlanError::Missing { id })
}

/// Rounded down: what is due is seen in time.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// Rounded up: up to where all is seen to must not lie before the moment itself, which would be due again.
fn micros_up(time: Timestamp) -> i64 {
    crate::schedules::micros(time)
}
