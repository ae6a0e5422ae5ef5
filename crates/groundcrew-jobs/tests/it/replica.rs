//! Two replicas of which one is killed between the mark of a time and the job of that time.

use std::time::Duration;

use groundcrew_lease::LeaseStatus;
use groundcrew_sql::sqlx::{self, Connection, PgConnection};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Builder, Runtime};

use crate::stage::until;

/// How many sessions wait for leave to write a job.
const STUCK: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO groundcrew_jobs (%'";

/// A replica on threads of its own, so that it can be killed.
pub(crate) struct Replica {
    runtime: Option<Runtime>,
    status: LeaseStatus,
}

// === impl Replica ===

impl Replica {
    pub(crate) async fn start(starting: impl Future<Output = LeaseStatus> + Send + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let status = runtime.spawn(starting).await.expect("a start");
        Self { runtime: Some(runtime), status }
    }

    /// Ends it without a word: all its tasks are dropped where they are, and its sockets with them.
    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills the leader when it has moved the mark and not yet written the job, both in one transaction. The other has to go
/// on with a job for each second, of which `moments` are those that have run, in order.
pub(crate) async fn one_is_killed(
    url: &str,
    mut replicas: [Replica; 2],
    moments: impl Fn() -> Vec<Timestamp>,
) {
    until("some have come", || async { moments().len() >= 2 }).await;
    let mut locking = PgConnection::connect(url).await.expect("a connection");
    let mut observer = PgConnection::connect(url).await.expect("a connection");
    let mut lock = locking.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE groundcrew_jobs IN SHARE MODE").execute(&mut *lock).await.expect("the lock");
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while sqlx::query_scalar::<_, i64>(STUCK).fetch_one(&mut observer).await.expect("a count") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the leader is between the two");
    let leader = replicas.iter().position(|replica| replica.status.is_leader()).expect("a leader");
    replicas[leader].kill();
    let killed = Timestamp::now();
    lock.rollback().await.expect("the lock is given back");

    let enough = killed + SignedDuration::from_secs(3);
    until("the other goes on", || async { moments().last().is_some_and(|last| *last > enough) }).await;
    assert!(replicas[1 - leader].status.is_leader());
    let moments = moments();
    let gaps: Vec<i64> = moments.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(gaps.iter().all(|gap| *gap == 1), "one lost or doubled: {moments:?}");
}
