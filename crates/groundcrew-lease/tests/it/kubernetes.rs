//! The Lease of Kubernetes, under what ends leaders, beside what leader elections do that leave something out.

mod naive;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use groundcrew_client::{Client, ClientConfig};
use groundcrew_config::Secret;
use groundcrew_lease::{KubernetesLeaseConfig, LeaseStatus};
use groundcrew_runtime::{Crew, Reason};
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use serde_json::Value;

use crate::cluster::{Change, Cluster, Fault, NAMESPACE};
use crate::ledger::{Ledger, Line, Watch, now};
use crate::process::Process;
use crate::support::{bounded, crew, diligent, metric, until};

const DURATION: Duration = Duration::from_secs(3);
const RENEW_DEADLINE: Duration = Duration::from_secs(2);
const OBJECT: &str = "parcels-sweep";

/// A replica behind a network of its own.
struct Replica {
    crew: Crew,
    proxy: FaultProxy,
    status: LeaseStatus,
    _watch: Watch,
}

impl Replica {
    async fn start(cluster: &Cluster, ledger: &Ledger) -> Self {
        let proxy = FaultProxy::to(cluster.addr).await.expect("a proxy");
        let crew = crew();
        let config = config(&format!("http://{}", proxy.addr()), cluster.account.path());
        let status = run(&config, &crew, ledger);
        let watch = ledger.watch(status.clone());
        Self { crew, proxy, status, _watch: watch }
    }

    fn trouble(&self) -> Option<String> {
        let checks = self.crew.readiness().checks;
        checks.into_iter().find(|check| check.name == "lease sweep").and_then(|check| check.last_error)
    }
}

/// The times of a test: failing over takes 3.2 s.
fn config(url: &str, account: &Path) -> KubernetesLeaseConfig {
    KubernetesLeaseConfig {
        duration: DURATION,
        renew_deadline: RENEW_DEADLINE,
        retry: Duration::from_millis(200),
        api_url: Some(url.to_owned()),
        service_account: account.display().to_string(),
        ..KubernetesLeaseConfig::default()
    }
}

fn run(config: &KubernetesLeaseConfig, crew: &Crew, ledger: &Ledger) -> LeaseStatus {
    let lease = config.lease("sweep", crew).expect("a lease");
    let ledger = ledger.clone();
    lease.run(move |leadership| diligent(leadership, ledger.clone()))
}

/// A process: `kubernetes <url> <folder>`.
pub(crate) fn replica(place: &str, crew: &Crew, ledger: &Ledger) -> LeaseStatus {
    let (url, account) =
        place.strip_prefix("kubernetes ").and_then(|place| place.split_once(' ')).expect("a place");
    run(&config(url, Path::new(account)), crew, ledger)
}

fn process(cluster: &Cluster, ledger: &Ledger) -> Process {
    let place = format!("kubernetes http://{} {}", cluster.addr, cluster.account.path().display());
    Process::start(&place, ledger)
}

fn leader(replicas: &[Replica]) -> Option<usize> {
    replicas.iter().position(|replica| replica.status.is_leader())
}

/// Between the last sign of life of the holder before, and the present one's taking over.
fn silence(changes: &[Change]) -> Duration {
    let holder = |change: &Change| change.spec["holderIdentity"].clone();
    let present = changes.last().expect("a change");
    let before =
        changes.iter().rposition(|change| holder(change) != holder(present)).expect("another holder");
    changes[before + 1].at - changes[before].at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_replicas_one_leads_and_a_rolling_restart_hands_over_at_once() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let mut replicas = Vec::new();
        for _ in 0..3 {
            replicas.push(Replica::start(&cluster, &ledger).await);
        }
        for _ in 0..2 {
            until("one leads", || leader(&replicas).is_some()).await;
            let old = replicas.remove(leader(&replicas).expect("a leader"));
            old.crew.request_shutdown(Reason::Requested("a rolling restart".into()));
            let landing = tokio::spawn(async move { old.crew.land().await });
            let took = until("another leads", || leader(&replicas).is_some()).await;
            println!("handing over took {took:?}");
            assert!(took < DURATION, "it did not wait for the duration: {took:?}");
            let receipt = landing.await.expect("no panic");
            assert_eq!(receipt.cut().count(), 0, "{receipt}");
        }
        assert_eq!(replicas[0].status.epoch(), Some(3));
        let gained = r#"lease_transitions_total{lease="sweep",transition="gained",service="parcels""#;
        assert_eq!(metric(&replicas[0].crew, gained), 1);
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_killed_is_followed_after_the_duration_and_not_before() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let mut leader = process(&cluster, &ledger);
        until("the process leads", || ledger.epoch() == 1).await;
        let heir = Replica::start(&cluster, &ledger).await;
        until("the lease was renewed", || cluster.changes().len() > 3).await;
        leader.kill();
        let took = until("the heir leads", || heir.status.is_leader()).await;
        let silence = silence(&cluster.changes());
        println!("after kill -9 another led after {took:?}, {silence:?} after the last renewal");
        assert!(silence >= DURATION, "{silence:?}");
        assert!(took < Duration::from_secs(15), "{took:?}");
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_process_is_stopped_is_followed_and_does_not_lead_when_it_goes_on() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let leader = process(&cluster, &ledger);
        until("the process leads", || ledger.epoch() == 1).await;
        let heir = Replica::start(&cluster, &ledger).await;
        leader.pause();
        until("the heir leads", || heir.status.is_leader()).await;
        leader.resume();
        let (term, began) = (heir.status.epoch(), Instant::now());
        until("the old one had time to err", || began.elapsed() > Duration::from_secs(2)).await;
        assert_eq!(heir.status.epoch(), term);
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_holed_leader_steps_down_before_another_leads() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replicas = [Replica::start(&cluster, &ledger).await, Replica::start(&cluster, &ledger).await];
        for round in 1..=2 {
            until("one leads", || leader(&replicas).is_some()).await;
            let old = leader(&replicas).expect("a leader");
            let cut = Instant::now();
            replicas[old].proxy.set(Mode::BlackHole).await;
            until("it steps down", || !replicas[old].status.is_leader()).await;
            let down = cut.elapsed();
            assert!(down < DURATION, "{down:?}");
            until("the other leads", || replicas[1 - old].status.is_leader()).await;
            println!("round {round}: down after {down:?}, another led after {:?}", cut.elapsed());
            assert!(silence(&cluster.changes()) >= DURATION);
            replicas[old].proxy.heal().await;
        }
        ledger.assert_one_leader_at_a_time().await;
        let lost = r#"lease_transitions_total{lease="sweep",transition="lost",service="parcels""#;
        assert_eq!(metric(&replicas[0].crew, lost) + metric(&replicas[1].crew, lost), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_the_api_server_that_are_over_before_the_renew_deadline_end_no_term() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replica = Replica::start(&cluster, &ledger).await;
        until("it leads", || replica.status.is_leader()).await;
        for fault in [Fault::Broken, Fault::Forgetful, Fault::Slow(Duration::from_millis(150))] {
            cluster.fault(fault);
            let began = Instant::now();
            until("it failed for a while", || began.elapsed() > Duration::from_millis(700)).await;
            cluster.fault(Fault::None);
            let before = cluster.changes().len();
            until("it is renewed", || cluster.changes().len() > before + 1).await;
            assert_eq!(replica.status.epoch(), Some(1), "{fault:?}");
        }
        // The connection that has swallowed a call is not used again.
        replica.proxy.set(Mode::BlackHole).await;
        let began = Instant::now();
        until("it was silent for a while", || began.elapsed() > Duration::from_millis(600)).await;
        replica.proxy.heal().await;
        let before = cluster.changes().len();
        until("it is renewed", || cluster.changes().len() > before + 1).await;
        assert_eq!(replica.status.epoch(), Some(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_fails_for_longer_leaves_no_leader_until_it_is_back_and_then_one() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replicas = [Replica::start(&cluster, &ledger).await, Replica::start(&cluster, &ledger).await];
        until("one leads", || leader(&replicas).is_some()).await;
        cluster.fault(Fault::Broken);
        until("nobody leads", || leader(&replicas).is_none()).await;
        let said = || replicas[0].trouble().is_some_and(|trouble| trouble.contains("etcdserver"));
        until("the check says why", said).await;
        cluster.fault(Fault::None);
        until("one leads again", || leader(&replicas).is_some()).await;
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

/// Ours in a lost answer is still ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_was_taken_by_an_answer_that_was_lost_is_taken_again_at_once() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        cluster.fault(Fault::Forgetful);
        let replica = Replica::start(&cluster, &ledger).await;
        until("it is taken", || !cluster.changes().is_empty()).await;
        cluster.fault(Fault::None);
        let took = until("it leads", || replica.status.is_leader()).await;
        assert!(took < DURATION, "{took:?}");
        assert!(replica.status.epoch() > Some(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_while_the_lease_is_being_won_gives_it_back() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let first = Replica::start(&cluster, &ledger).await;
        until("the first leads", || first.status.is_leader()).await;
        first.crew.land().await;
        cluster.fault(Fault::Slow(Duration::from_millis(300)));
        let (before, asked) = (cluster.changes().len(), cluster.updates());
        let second = Replica::start(&cluster, &ledger).await;
        until("it has read and now writes", || cluster.updates() > asked).await;
        second.crew.land().await;
        until("it took it and gave it back", || cluster.changes().len() == before + 2).await;
        assert_eq!(cluster.lease(OBJECT).expect("a lease")["spec"]["holderIdentity"], "");
        assert!(!second.status.is_leader());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_change_in_the_object_is_a_conflict_and_ends_no_term() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replica = Replica::start(&cluster, &ledger).await;
        until("it leads", || replica.status.is_leader()).await;
        let team = serde_json::json!({ "team": "parcels" });
        cluster.rewrite(OBJECT, |object| object["metadata"]["labels"] = team);
        until("the conflict is met", || cluster.conflicts() > 0).await;
        let before = cluster.changes().len();
        until("it is renewed", || cluster.changes().len() > before).await;
        assert_eq!(replica.status.epoch(), Some(1));
        assert_eq!(cluster.lease(OBJECT).expect("a lease")["metadata"]["labels"]["team"], "parcels");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_taken_away_or_deleted_ends_the_term() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replica = Replica::start(&cluster, &ledger).await;
        until("it leads", || replica.status.is_leader()).await;
        cluster.rewrite(OBJECT, |object| object["spec"]["holderIdentity"] = "an operator".into());
        until("it leads no more", || !replica.status.is_leader()).await;
        until("it leads after the duration", || replica.status.epoch() == Some(2)).await;
        cluster.delete(OBJECT);
        until("it leads no more", || replica.status.epoch() != Some(2)).await;
        until("it leads a new one", || replica.status.epoch() == Some(1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_read_again_when_the_kubelet_has_replaced_it() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let replica = Replica::start(&cluster, &ledger).await;
        until("it leads", || replica.status.is_leader()).await;
        cluster.rotate_token("the second token");
        let (before, began) = (cluster.changes().len(), Instant::now());
        until("the deadline is over", || began.elapsed() > RENEW_DEADLINE).await;
        assert!(cluster.changes().len() > before + 2);
        assert_eq!(replica.status.epoch(), Some(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_that_is_missing_is_named_with_what_would_give_it() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        cluster.allow(["get"]);
        let replica = Replica::start(&cluster, &ledger).await;
        until("the check says why", || replica.trouble().is_some()).await;
        let trouble = replica.trouble().expect("trouble");
        for part in
            ["may not create the Lease `parcels-sweep`", NAMESPACE, "get, create and update", "RoleBinding"]
        {
            assert!(trouble.contains(part), "{part} in {trouble}");
        }
        cluster.allow(["get", "create", "update"]);
        until("it leads", || replica.status.is_leader()).await;
        std::fs::write(cluster.account.path().join("token"), "somebody else's").expect("it is written");
        until("it leads no more", || !replica.status.is_leader()).await;
        until("the check says why", || replica.trouble().is_some_and(|said| said.contains("token"))).await;
        let trouble = replica.trouble().expect("trouble");
        assert!(!trouble.contains("somebody else's"), "{trouble}");
    })
    .await;
}
