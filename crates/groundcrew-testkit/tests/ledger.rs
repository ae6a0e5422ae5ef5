//! A ledger that another process writes into.
#![cfg(feature = "ledger")]

use groundcrew_testkit::ledger::{Ledger, LedgerClient};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use tokio::task::JoinSet;

const SOON: Duration = Duration::from_secs(30);
const WORK: &str = "TESTKIT_WORK_FOR_LEDGER";

/// Run by the next test as a process of its own, which dies as by `kill -9`; by itself it does nothing.
#[tokio::test]
async fn works_and_dies_when_told_to() {
    let Ok(addr) = std::env::var(WORK) else { return };
    let client = LedgerClient::connect(addr.parse().expect("an address")).await.expect("it listens");
    let mut jobs = JoinSet::new();
    for job in 0..1000 {
        let client = client.clone();
        jobs.spawn(async move { client.observed(&format!("job-{job}")).await });
    }
    while let Some(done) = jobs.join_next().await {
        done.expect("no panic").expect("it is written down");
    }
    std::process::abort();
}

#[tokio::test]
async fn what_was_confirmed_to_a_worker_is_there_after_its_death() {
    let ledger = Ledger::default();
    let listening = ledger.listen().await.expect("a free port");
    for job in 0..1000 {
        ledger.attempted(&format!("job-{job}"));
        ledger.acknowledged(&format!("job-{job}"));
    }
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", "works_and_dies_when_told_to"]).env(WORK, listening.addr().to_string());
    let worker = tokio::task::spawn_blocking(move || command.output());
    assert!(ledger.nothing_lost(SOON).await, "{}", ledger.report());
    let output = worker.await.expect("no panic").expect("it starts");
    assert!(!output.status.success(), "it was to die");
    let report = ledger.report();
    assert!(report.is_exactly_once(), "{report}");
    assert_eq!((report.attempted, report.acknowledged, report.observed), (1000, 1000, 1000));
}

#[tokio::test]
async fn every_kind_of_event_goes_over_the_wire() {
    let ledger = Ledger::default();
    let listening = ledger.listen().await.expect("a free port");
    let client = LedgerClient::connect(listening.addr()).await.expect("it listens");
    client.attempted("a b").await.expect("it is written down");
    client.acknowledged("a b").await.expect("it is written down");
    assert_eq!(ledger.report().lost_ids(), ["a b"]);
    client.observed("a b").await.expect("it is written down");
    client.observed("a b").await.expect("it is written down");
    assert_eq!(ledger.report().duplicated_ids(), ["a b"]);
}

#[tokio::test]
async fn an_id_that_is_no_line_is_refused() {
    let ledger = Ledger::default();
    let listening = ledger.listen().await.expect("a free port");
    let client = LedgerClient::connect(listening.addr()).await.expect("it listens");
    for id in ["one\ntwo", &"x".repeat(1025)] {
        let error = client.observed(id).await.expect_err("it is no id");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    client.observed(&"x".repeat(1024)).await.expect("the longest");
    assert_eq!(ledger.report().observed, 1);
}

#[tokio::test]
async fn a_ledger_that_is_gone_is_an_error() {
    let ledger = Ledger::default();
    let listening = ledger.listen().await.expect("a free port");
    let addr: SocketAddr = listening.addr();
    let client = LedgerClient::connect(addr).await.expect("it listens");
    client.observed("one").await.expect("it is written down");
    drop(listening);
    let error =
        tokio::time::timeout(SOON, client.observed("two")).await.expect("at once").expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert!(LedgerClient::connect(addr).await.is_err());
}
