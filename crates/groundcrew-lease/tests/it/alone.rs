//! What a lease does with its work, wherever it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groundcrew_lease::{LeaseConfig, LeaseError};
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::support::{bounded, crew, diligent, metric, until};

#[tokio::test]
async fn who_is_alone_leads_until_the_service_stops() {
    bounded(async {
        let (crew, ledger) = (crew(), Ledger::default());
        let lease = LeaseConfig::default().alone("sweep", &crew).expect("a lease");
        let written = ledger.clone();
        let status = lease.run(move |leadership| diligent(leadership, written.clone()));
        until("it leads", || status.is_leader()).await;
        assert_eq!(metric(&crew, r#"lease_is_leader{lease="sweep""#), 1);
        let receipt = crew.land().await;
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
        assert!(!status.is_leader());
        assert_eq!(status.epoch(), None);
        let transitions = |name| {
            metric(
                &crew,
                &format!(r#"lease_transitions_total{{lease="sweep",transition="{name}",service="parcels""#),
            )
        };
        assert_eq!([transitions("gained"), transitions("released"), transitions("lost")], [1, 1, 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn work_that_fails_or_panics_gives_the_lease_back_and_is_begun_again_in_another_term() {
    bounded(async {
        let (crew, epochs) = (crew(), Arc::new(parking_lot::Mutex::new(Vec::new())));
        let lease = LeaseConfig::default().alone("sweep", &crew).expect("a lease");
        let seen = epochs.clone();
        let _status = lease.run(move |leadership| {
            seen.lock().push(leadership.epoch());
            async move {
                match leadership.epoch() {
                    1 => Err("no broom"),
                    2 => panic!("a mouse"),
                    3 => Ok(()),
                    _ => {
                        leadership.ending().await;
                        Ok(())
                    }
                }
            }
        });
        until("the fourth term", || epochs.lock().len() == 4).await;
        assert_eq!(*epochs.lock(), [1, 2, 3, 4]);
        let report = crew.tasks().into_iter().find(|task| task.name == "lease sweep").expect("the task");
        assert_eq!(report.last_error.as_deref(), Some("panicked: a mouse"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn work_that_does_not_listen_is_dropped_when_its_time_to_hand_over_is_up() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    bounded(async {
        let (crew, dropped) = (crew(), Arc::new(AtomicUsize::new(0)));
        let lease = LeaseConfig::default().alone("sweep", &crew).expect("a lease");
        let counter = dropped.clone();
        let status = lease.run(move |_leadership| {
            let dropped = Dropped(counter.clone());
            async move {
                std::future::pending::<()>().await;
                drop(dropped);
            }
        });
        until("it leads", || status.is_leader()).await;
        let began = Instant::now();
        let receipt = crew.land().await;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!((5..6).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        assert_eq!(receipt.cut().count(), 0, "the drain need not cut it: {receipt}");
    })
    .await;
}

#[tokio::test]
async fn a_second_lease_of_the_same_name_is_refused_with_its_name() {
    let (crew, config) = (crew(), LeaseConfig::default());
    let _first = config.alone("sweep", &crew).expect("a lease");
    let error = config.alone("sweep", &crew).expect_err("the name is taken");
    assert!(matches!(error, LeaseError::Metrics { .. }) && error.to_string().contains("`sweep`"));
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    let config = LeaseConfig { heartbeat: Duration::from_secs(1), ..LeaseConfig::default() };
    let error = config.alone("sweep", &crew()).expect_err("two heartbeats do not fit");
    assert!(error.to_string().contains("lease.heartbeat"), "{error}");
}
