//! What the lease normally keeps from happening: two that keep the same timetable at once.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, SqlConfig};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::{NewPlan, Planned, Timetable, TimetableConfig};
use crate::{Attempt, Job, JobError, JobsConfig, Misfire, Timing};

#[derive(serde::Serialize, serde::Deserialize)]
struct Tick {
    planned: Option<Planned>,
}

impl Job for Tick {
    const NAME: &'static str = "tick";
    type Context = Arc<Mutex<Vec<Timestamp>>>;

    async fn run(self, ran: Self::Context, _: Attempt) -> Result<(), JobError> {
        ran.lock().push(self.planned.expect("it is of a plan").due);
        Ok(())
    }
}

/// How two go about it.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// As it is done.
    ByComparing,
    /// Each remembers for itself what it has enqueued.
    Blindly,
}

fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

async fn pause(pause: Duration) -> bool {
    tokio::time::sleep(pause.min(Duration::from_millis(5))).await;
    false
}

/// Enqueues what it sees to be due, whoever else has seen it.
async fn keep_blindly(timetable: Timetable) {
    let mut seen = None;
    loop {
        let now = (timetable.clock)();
        let page = timetable.list(super::PlanQuery::default()).await.expect("plans");
        for plan in page.plans {
            let due = plan.timing.due(Misfire::All { most: 60 }, seen.unwrap_or(plan.seen), now);
            seen = due.last().copied().or(seen);
            for moment in due {
                let mut job = plan.job("parcels", moment, false).expect("a job");
                job.envelope.id = crate::JobId::random();
                timetable.publisher.submit(vec![job]).await.expect("enqueued");
            }
        }
        pause(Duration::from_millis(5)).await;
    }
}

/// Two keep one timetable for some seconds. Returns the moments that had a job, as often as they had one.
async fn kept_by_two(database: Database, way: Way) -> Vec<Timestamp> {
    let config = JobsConfig { poll_period: Duration::from_millis(20), ..JobsConfig::default() };
    let limits = TimetableConfig { least_pause: Duration::from_secs(1), ..TimetableConfig::default() };
    let ran: <Tick as Job>::Context = Arc::default();
    let mut keeping = tokio::task::JoinSet::new();
    let mut crews = Vec::new();
    for slow in [Duration::ZERO, Duration::from_millis(3)] {
        let crew = crew();
        let jobs = config.connect(&crew, &database).await.expect("jobs").register::<Tick>();
        let timetable =
            limits.open_at(&crew, &jobs.publisher(), move || Timestamp::now() - slow).expect("a timetable");
        jobs.run(ran.clone());
        if crews.is_empty() {
            let every: Timing = "@every 1s".parse().expect("a timing");
            let plan = NewPlan::new("guild", "tick", every, &Tick { planned: None });
            timetable.create(plan.misfire(Misfire::All { most: 60 })).await.expect("a plan");
        }
        match way {
            Way::ByComparing => keeping.spawn(async move { timetable.keeper.run(pause).await }),
            Way::Blindly => keeping.spawn(keep_blindly(timetable)),
        };
        crews.push(crew);
    }
    let over = async {
        let is_over = |ran: &[Timestamp]| {
            let first = ran.iter().min();
            first.is_some_and(|first| Timestamp::now().duration_since(*first) > SignedDuration::from_secs(4))
        };
        while !is_over(&ran.lock()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), over).await.expect("it goes on");
    drop(keeping);
    let mut ran = ran.lock().clone();
    ran.sort_unstable();
    ran
}

fn is_once_each(ran: &[Timestamp]) -> bool {
    let gaps: Vec<i64> = ran.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    gaps.len() >= 3 && gaps.iter().all(|gap| *gap == 1)
}

#[cfg(feature = "postgres")]
mod in_postgres {
    use groundcrew_testkit::postgres::Postgres;

    use super::*;

    async fn kept(way: Way) -> Vec<Timestamp> {
        let server = Postgres::start().await.expect("a server");
        let empty = server.database().await.expect("a database");
        let database = SqlConfig::of(empty.url()).connect(&crew()).await.expect("Postgres");
        kept_by_two(database, way).await
    }

    /// With a lease this is the moment at which a leader does not know yet that it is none any more.
    #[tokio::test]
    async fn two_keepers_enqueue_each_moment_once() {
        let ran = kept(Way::ByComparing).await;
        assert!(is_once_each(&ran), "one lost or doubled: {ran:?}");
    }

    #[tokio::test]
    async fn control_two_that_do_not_compare_enqueue_each_moment_twice() {
        let ran = kept(Way::Blindly).await;
        assert!(ran.windows(2).any(|pair| pair[0] == pair[1]), "{ran:?}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn two_keepers_enqueue_each_moment_once_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("jobs.db").display());
    let database = SqlConfig::of(url).connect(&crew()).await.expect("SQLite");
    let ran = kept_by_two(database, Way::ByComparing).await;
    assert!(is_once_each(&ran), "one lost or doubled: {ran:?}");
}
