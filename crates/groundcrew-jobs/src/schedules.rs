//! Jobs that are enqueued when their time comes: once for each time, however many replicas there are.

mod book;
mod entry;
mod error;
mod id;
mod metrics;
mod operation;
mod plan;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
mod ticker;

use std::fmt;
use std::sync::Arc;

use groundcrew_runtime::{Backoff, Crew, Restart, Stop};
use jiff::Timestamp;

use crate::{Enqueue, Job, Publisher, Schedule};
use book::Book;
use entry::Entry;
pub use error::SchedulesError;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use id::of as id_of;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use metrics::BUCKETS as LATENESS_BUCKETS;
use metrics::ScheduleMetrics;
pub use metrics::names as schedule_names;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use sql::{lease_in, micros};
use ticker::Ticker;

/// What time it is.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Jobs that are enqueued by a [`Schedule`] each.
///
/// ```
/// # use groundcrew_jobs::{Attempt, Job, JobError, Jobs, JobsConfig, Memory, Schedules};
/// # use groundcrew_runtime::Crew;
/// # #[derive(serde::Serialize, serde::Deserialize)] struct Report { day: jiff::Timestamp }
/// # impl Job for Report {
/// #     const NAME: &'static str = "report";
/// #     type Context = ();
/// #     async fn run(self, _: (), _: Attempt) -> Result<(), JobError> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let crew = Crew::builder("reports", "1.0.0").build();
/// # let jobs: Jobs<()> = JobsConfig::default().connect_with(&crew, Memory::new())?;
/// Schedules::new(&jobs.publisher())
///     .add("nightly-report", "CRON_TZ=Europe/Berlin 0 3 * * *".parse()?, |day| Report { day })
///     .run_alone(&crew)?; // or `run(&crew, &lease, &database)` where there are several replicas
/// # Ok(()) }
/// ```
#[must_use = "nothing is scheduled until `run` or `run_alone` is called"]
pub struct Schedules {
    publisher: Publisher,
    entries: Vec<Entry>,
    clock: Clock,
}

// === impl Schedules ===

impl Schedules {
    /// Without any schedule; the jobs go through this publisher.
    pub fn new(publisher: &Publisher) -> Self {
        Self { publisher: publisher.clone(), entries: Vec::new(), clock: Arc::new(Timestamp::now) }
    }

    /// Enqueues a job whenever the schedule says so. `make` is handed the moment that is due, which may have passed a
    /// while ago; see [`Misfire`](crate::Misfire). It is called once more at the start, with the time it is then, to see
    /// whether the backend can keep such a job.
    ///
    /// The name is what is remembered, shown and counted: one that is changed is another schedule.
    ///
    /// # Panics
    ///
    /// When there is another schedule of this name: one of the two would never be due.
    pub fn add<J: Job>(
        self,
        name: &'static str,
        schedule: Schedule,
        make: impl Fn(Timestamp) -> J + Send + Sync + 'static,
    ) -> Self {
        self.add_with(name, schedule, make, |enqueue| enqueue)
    }

    /// As [`add`](Self::add), with options: `|job| job.unique_key("report")` leaves out what comes due while the one
    /// before is not over.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn add_with<J: Job>(
        mut self,
        name: &'static str,
        schedule: Schedule,
        make: impl Fn(Timestamp) -> J + Send + Sync + 'static,
        options: impl Fn(Enqueue) -> Enqueue + Send + Sync + 'static,
    ) -> Self {
        let taken = self.entries.iter().any(|entry| entry.name == name);
        assert!(!taken, "two schedules are called `{name}`: give one another name");
        let make = move |publisher: &Publisher, due| options(publisher.enqueue(&make(due)));
        self.entries.push(Entry { name, schedule, make: Box::new(make) });
        self
    }

    /// Asks this for the time instead of the system's clock: for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Keeps the schedules in this process until the service stops, and remembers in its memory what was due: for a
    /// service of which there is one process and whose missed times do not matter, and for tests. Other replicas would
    /// enqueue the same jobs.
    ///
    /// # Errors
    ///
    /// When the service has schedules already, and when the backend cannot keep the jobs of one.
    pub fn run_alone(self, crew: &Crew) -> Result<(), SchedulesError> {
        let ticker = self.ticker(crew, Book::memory())?;
        crew.task("schedules", Restart::Always(Backoff::default()), move |stop: Stop| {
            let ticker = ticker.clone();
            async move { ticker.run(|pause| stop_within(stop.clone(), pause)).await }
        });
        Ok(())
    }

    fn ticker(self, crew: &Crew, book: Book) -> Result<Arc<Ticker>, SchedulesError> {
        self.check(crew.service())?;
        let metrics = ScheduleMetrics::register(crew.metrics(), self.entries.iter().map(|entry| entry.name))?;
        let ticker = Arc::new(Ticker::new(crew.service(), self, book, metrics));
        operation::offer(crew, &ticker);
        ticker::watch(crew, &ticker);
        Ok(ticker)
    }

    /// What the backend can never keep is said at the start, not each time that it is due.
    fn check(&self, service: &str) -> Result<(), SchedulesError> {
        let now = (self.clock)();
        for entry in &self.entries {
            let made = entry.job(service, &self.publisher, now).ok().and_then(|job| job.into_new_job().ok());
            // One that cannot be made now may be when its time comes.
            let Some(job) = made else { continue };
            let accepted = self.publisher.backend().accepts(&job.envelope);
            accepted.map_err(|problem| SchedulesError::Refused { name: entry.name, problem })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.iter().map(|entry| (entry.name, entry.schedule.to_string()));
        f.debug_map().entries(entries).finish()
    }
}

/// Whether the end comes within this time.
async fn stop_within(stop: Stop, pause: std::time::Duration) -> bool {
    stop.unless(tokio::time::sleep(pause)).await.is_none()
}

#[cfg(all(test, feature = "postgres"))]
mod tests;
