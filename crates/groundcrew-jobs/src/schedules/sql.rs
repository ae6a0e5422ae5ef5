//! The marks of schedules in the service's database.

use groundcrew_lease::{Lease, LeaseConfig, LeaseError, LeaseStatus};
use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, MigrationsError, statement};
use jiff::Timestamp;

use super::book::{Book, Mark, Marks, Step};
use super::error::Trouble;
use super::{Schedules, SchedulesError};
use crate::Enqueue;

/// The marks of one service.
#[derive(Debug)]
pub(super) struct SqlBook {
    service: String,
    database: Database,
}

// Both databases read `$1`.
const READ: &str =
    "SELECT name, expression, last_at, fired_at FROM groundcrew_jobs_schedules WHERE service = $1";

/// Where the clocks of replicas differ, a mark is not put back.
const BEGIN: &str = "INSERT INTO groundcrew_jobs_schedules AS s (service, name, expression, last_at)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (service, name) DO UPDATE SET expression = excluded.expression,
        last_at = CASE WHEN s.last_at > excluded.last_at THEN s.last_at ELSE excluded.last_at END
     WHERE s.expression <> excluded.expression";

/// Of two that saw the same mark, one moves it.
const MOVE: &str = "UPDATE groundcrew_jobs_schedules SET last_at = $5, fired_at = $6
     WHERE service = $1 AND name = $2 AND expression = $3 AND last_at = $4";

/// `name, expression, last_at, fired_at`.
type Row = (String, String, i64, Option<i64>);

// === impl Schedules ===

impl Schedules {
    /// Keeps the schedules in one of the replicas at a time, which a lease called `<service> schedules` chooses, until
    /// the service stops. Up to where each is done is kept in this database, the one of the jobs or beside their
    /// broker, and changed in one transaction with the jobs: each moment has its job once, whoever dies when.
    ///
    /// # Errors
    ///
    /// When the table cannot be prepared, when the lease cannot work, when the service has schedules already, or when the
    /// backend cannot keep the jobs of one.
    pub async fn run(
        self,
        crew: &Crew,
        lease: &LeaseConfig,
        database: &(impl Clone + Into<Database>),
    ) -> Result<LeaseStatus, SchedulesError> {
        let database = database.clone().into();
        let name = format!("{} schedules", crew.service());
        let lease = lease_in(&database, lease, &name, crew)?;
        let book = SqlBook::open(crew.service(), database).await?;
        let ticker = self.ticker(crew, Book::Database(book))?;
        Ok(lease.run(move |leadership| {
            let ticker = ticker.clone();
            async move {
                let ended = |pause| {
                    let leadership = leadership.clone();
                    async move { leadership.unless_ending(tokio::time::sleep(pause)).await.is_none() }
                };
                ticker.run(ended).await;
            }
        }))
    }
}

pub(crate) fn lease_in(
    database: &Database,
    lease: &LeaseConfig,
    name: &str,
    crew: &Crew,
) -> Result<Lease, LeaseError> {
    match database {
        #[cfg(feature = "sqlite")]
        Database::Sqlite(sqlite) => lease.sqlite(name, crew, sqlite),
        #[cfg(feature = "postgres")]
        Database::Postgres(postgres) => lease.postgres(name, crew, postgres),
    }
}

// === impl SqlBook ===

impl SqlBook {
    pub(super) async fn open(service: &str, database: Database) -> Result<Self, MigrationsError> {
        crate::migrate(&database).await?;
        Ok(Self { service: service.to_owned(), database })
    }

    pub(super) async fn marks(&self) -> Result<Marks, Trouble> {
        let read = statement(READ).bind(&self.service).fetch_all(self.database.read());
        let rows: Vec<Row> = read.await.map_err(Trouble::new)?;
        Ok(rows.into_iter().map(mark).collect())
    }

    pub(super) async fn begin(&self, name: &str, expression: &str, now: Timestamp) -> Result<(), Trouble> {
        let begin = statement(BEGIN).bind(&self.service).bind(name).bind(expression).bind(micros(now));
        begin.execute(&self.database).await.map(drop).map_err(Trouble::new)
    }

    pub(super) async fn step(&self, step: Step<'_>) -> Result<bool, Trouble> {
        let Step { name, from, to, jobs } = step;
        let (last, next, fired) = (micros(from.last), micros(to.last), to.fired.map(micros));
        let mut transaction = self.database.begin().await.map_err(Trouble::new)?;
        let moved = statement(MOVE).bind(&self.service).bind(name).bind(&to.expression);
        let moved = moved.bind(last).bind(next).bind(fired).execute(&mut transaction).await;
        if moved.map_err(Trouble::new)? == 0 {
            return Ok(false);
        }
        let jobs: Result<Vec<_>, _> = jobs.into_iter().map(Enqueue::into_parts).collect();
        let (mut publishers, jobs): (Vec<_>, Vec<_>) = jobs?.into_iter().unzip();
        // All of them are of one service.
        if let Some(publisher) = publishers.pop() {
            publisher.write_in(&mut transaction, jobs).await?;
        }
        transaction.commit().await.map_err(Trouble::new)?;
        Ok(true)
    }
}

fn mark((name, expression, last, fired): Row) -> (String, Mark) {
    let time = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    (name, Mark { expression, last: time(last), fired: fired.map(time) })
}

/// Rounded up: a mark that is before its moment would let it be due again.
pub(crate) fn micros(time: Timestamp) -> i64 {
    let micros = time.as_microsecond();
    let rest = time.as_nanosecond() - i128::from(micros) * 1_000;
    micros.saturating_add(i64::from(rest > 0))
}
