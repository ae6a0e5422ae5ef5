//! The lock on a file beside a SQLite database.

use std::path::Path;
use std::time::Duration;

use groundcrew_lease::{LeaseConfig, LeaseStatus};
use groundcrew_runtime::Crew;
use groundcrew_sql::SqlConfig;

use crate::ledger::Ledger;
use crate::process::Process;
use crate::support::{bounded, crew, diligent, until};

pub(crate) async fn replica(url: &str, crew: &Crew, ledger: &Ledger) -> LeaseStatus {
    let sqlite = SqlConfig::of(url).connect_sqlite(crew).await.expect("a database");
    let lease = LeaseConfig::default().sqlite("sweep", crew, &sqlite).expect("a lease");
    let ledger = ledger.clone();
    lease.run(move |leadership| diligent(leadership, ledger.clone()))
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("parcels.db").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stops_hands_over_at_once() {
    bounded(async {
        let (folder, ledger) = (tempfile::tempdir().expect("a folder"), Ledger::default());
        let (old, new) = (crew(), crew());
        let first = replica(&url(folder.path()), &old, &ledger).await;
        until("the first leads", || first.is_leader()).await;
        let second = replica(&url(folder.path()), &new, &ledger).await;
        let _watches = [ledger.watch(first.clone()), ledger.watch(second.clone())];
        let leads = tokio::spawn({
            let second = second.clone();
            async move { until("the second leads", || second.is_leader()).await }
        });
        assert!(!second.is_leader());
        old.land().await;
        assert!(leads.await.expect("no panic") < Duration::from_secs(2));
        assert_eq!(second.epoch(), Some(2));
        ledger.assert_one_leader_at_a_time().await;
        new.land().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_is_killed_another_leads_at_once() {
    bounded(async {
        let (folder, ledger) = (tempfile::tempdir().expect("a folder"), Ledger::default());
        let mut leader = Process::start(&url(folder.path()), &ledger);
        until("the process leads", || ledger.epoch() == 1).await;
        let crew = crew();
        let heir = replica(&url(folder.path()), &crew, &ledger).await;
        let _watch = ledger.watch(heir.clone());
        leader.kill();
        let took = until("the heir leads", || heir.is_leader()).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        ledger.assert_one_leader_at_a_time().await;
        crew.land().await;
    })
    .await;
}
