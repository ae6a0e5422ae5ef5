//! What the lease normally keeps from happening: two that keep the same schedules at once.

use std::time::Duration;

use groundcrew_sql::SqlConfig;
use groundcrew_testkit::postgres::Postgres;

use super::*;
use crate::{Attempt, JobError, JobsConfig};

#[derive(serde::Serialize, serde::Deserialize)]
struct Tick(Timestamp);

impl Job for Tick {
    const NAME: &'static str = "tick";
    type Context = Arc<parking_lot::Mutex<Vec<Timestamp>>>;

    async fn run(self, ran: Self::Context, _: Attempt) -> Result<(), JobError> {
        ran.lock().push(self.0);
        Ok(())
    }
}

fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// Whether there are so many moments that have had a job, and the time is over in which a second one might come.
fn is_over(ran: &[Timestamp], moments: i64) -> bool {
    let first = ran.iter().min();
    first.is_some_and(|first| {
        Timestamp::now().duration_since(*first) > jiff::SignedDuration::from_secs(moments)
    })
}

/// Lets two keep one schedule at once, the second with a clock that is slow: what the first has enqueued is over by
/// then, and no id is left that tells of it. Returns the moments that had a job, as often as they had one.
async fn kept_by_two(in_database: bool) -> Vec<Timestamp> {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    let database = SqlConfig::of(empty.url()).connect(&crew).await.expect("Postgres");
    let config = JobsConfig { poll_period: Duration::from_millis(20), ..JobsConfig::default() };
    let jobs = config.connect(&crew, &database).await.expect("jobs").register::<Tick>();
    let publisher = jobs.publisher();
    let ran: <Tick as Job>::Context = Arc::default();
    jobs.run(ran.clone());
    let mut keeping = tokio::task::JoinSet::new();
    for slow in [Duration::ZERO, Duration::from_millis(400)] {
        let book = if in_database {
            Book::Database(sql::SqlBook::open("parcels", database.clone()).await.expect("a book"))
        } else {
            Book::memory()
        };
        let schedules = Schedules::new(&publisher)
            .add("tick", "@every 1s".parse().expect("a schedule"), Tick)
            .with_clock(move || Timestamp::now() - slow);
        let ticker = schedules.ticker(&self::crew(), book).expect("a ticker");
        let pause = |pause| async move {
            tokio::time::sleep(pause).await;
            false
        };
        keeping.spawn(async move { ticker.run(pause).await });
    }
    let over = async {
        while !is_over(&ran.lock(), 4) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), over).await.expect("it goes on");
    drop(keeping);
    let mut ran = ran.lock().clone();
    ran.sort_unstable();
    ran
}

/// With a lease this is the moment at which a leader does not know yet that it is none any more.
#[tokio::test]
async fn two_leaders_enqueue_each_moment_once() {
    let ran = kept_by_two(true).await;
    let gaps: Vec<i64> = ran.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(gaps.len() >= 3 && gaps.iter().all(|gap| *gap == 1), "one lost or doubled: {ran:?}");
}

#[tokio::test]
async fn control_two_without_a_shared_mark_enqueue_each_moment_twice() {
    let ran = kept_by_two(false).await;
    assert!(ran.windows(2).filter(|pair| pair[0] == pair[1]).count() >= 2, "{ran:?}");
}
