//! Elections that leave something out.

use super::*;

/// Writes and reads as client-go would, and decides nothing.
struct Naive {
    client: Client,
    url: String,
}

impl Naive {
    fn new(addr: impl std::fmt::Display) -> Self {
        let config = ClientConfig { max_retries: 0, ..ClientConfig::default() };
        let client = config.named("naive").build(&crew()).expect("a client");
        let url = format!("http://{addr}/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{OBJECT}");
        Self { client, url }
    }

    async fn read(&self) -> Option<Value> {
        let request = self.client.get(&self.url).bearer(&Secret::new("the first token".to_owned()));
        let response = request.timeout(Duration::from_millis(300)).send().await.ok()?;
        response.error_for_status().ok()?.json().await.ok()
    }

    async fn replace(&self, object: &Value) -> bool {
        let request = self.client.put(&self.url).bearer(&Secret::new("the first token".to_owned()));
        let sent = request.json(object).timeout(Duration::from_millis(300)).send().await;
        sent.is_ok_and(|response| response.status().is_success())
    }
}

/// It holds the lease until it is told otherwise: nobody tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_without_a_renew_deadline_a_black_holed_leader_goes_on_beside_its_successor() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let first = Replica::start(&cluster, &ledger).await;
        until("the lease is there", || first.status.is_leader()).await;
        first.crew.land().await;
        let proxy = FaultProxy::to(cluster.addr).await.expect("a proxy");
        let naive = Naive::new(proxy.addr());
        let mut object = naive.read().await.expect("a lease");
        object["spec"]["holderIdentity"] = "naive".into();
        object["spec"]["leaseDurationSeconds"] = DURATION.as_secs().into();
        object["spec"]["leaseTransitions"] = 2.into();
        assert!(naive.replace(&object).await);
        proxy.set(Mode::BlackHole).await;
        let heir = Replica::start(&cluster, &ledger).await;
        while !heir.status.is_leader() {
            // An error says nothing about who leads, so it goes on.
            assert!(naive.read().await.is_none());
            ledger.push(Line { at: now(), epoch: 2 });
        }
        ledger.push(Line { at: now(), epoch: 3 });
        assert!(naive.read().await.is_none(), "nothing has told it");
        ledger.push(Line { at: now(), epoch: 2 });
        assert!(!ledger.overlaps().is_empty());
    })
    .await;
}

/// A leader whose clock is an hour behind, well and renewing: who believes its times takes its place beside it, and
/// ours does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_who_believes_the_times_of_a_clock_that_is_behind_leads_beside_its_owner() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let owner = Replica::start(&cluster, &ledger).await;
        until("it leads", || owner.status.is_leader()).await;
        let naive = Naive::new(cluster.addr);
        // The owner renews all the time, and may come first.
        while ledger.overlaps().is_empty() {
            until("it leads", || owner.status.is_leader()).await;
            let behind = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
            cluster.rewrite(OBJECT, |object| object["spec"]["renewTime"] = format!("{behind:.6}").into());
            let mut object = naive.read().await.expect("a lease");
            let renewed = object["spec"]["renewTime"].as_str().expect("a time");
            let renewed: jiff::Timestamp = renewed.parse().expect("a time");
            if SystemTime::from(renewed) + DURATION >= SystemTime::now() {
                continue;
            }
            object["spec"]["holderIdentity"] = "naive".into();
            let epoch = object["spec"]["leaseTransitions"].as_u64().expect("a number") + 1;
            object["spec"]["leaseTransitions"] = epoch.into();
            if naive.replace(&object).await {
                ledger.push(Line { at: now(), epoch });
                // It has just renewed, and cannot know.
                let at = now();
                if let Some(epoch) = owner.status.epoch() {
                    ledger.push(Line { at, epoch });
                }
            }
        }
        assert!(!ledger.overlaps().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_times_in_the_object_decide_nothing_whichever_way_they_are_wrong() {
    bounded(async {
        for hours in [-1, 1] {
            let (cluster, ledger) = (Cluster::start().await, Ledger::default());
            let first = Replica::start(&cluster, &ledger).await;
            until("the lease is there", || first.status.is_leader()).await;
            first.crew.land().await;
            let wrong = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
            cluster.rewrite(OBJECT, |object| {
                object["spec"]["holderIdentity"] = "gone".into();
                object["spec"]["leaseDurationSeconds"] = DURATION.as_secs().into();
                object["spec"]["renewTime"] = format!("{wrong:.6}").into();
            });
            let heir = Replica::start(&cluster, &ledger).await;
            let took = until("the heir leads", || heir.status.is_leader()).await;
            assert!(took < Duration::from_secs(10), "{hours} h: {took:?}");
            assert!(silence(&cluster.changes()) >= DURATION, "{hours} h");
        }
    })
    .await;
}
