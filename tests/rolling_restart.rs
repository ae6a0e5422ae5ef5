//! The promise that a rolling restart loses nothing, judged by a client that counts every request and every
//! answer; and the control that shows that the judge can see a loss.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use groundcrew_testkit::load::{Load, Pace, Report};
use groundcrew_testkit::port::Port;
use groundcrew_testkit::process::{Service, Signal};

const PATIENCE: Duration = Duration::from_secs(20);
const CONNECTIONS: usize = 64;

/// What is restarted.
struct Restarted {
    program: fn() -> PathBuf,
    /// What its variables begin with.
    prefix: &'static str,
    path: &'static str,
}

const HELLO: Restarted =
    Restarted { program: || scenarios::service("hello"), prefix: "HELLO", path: "/hello" };

const SLOW: Restarted = Restarted {
    program: || env!("CARGO_BIN_EXE_slow-service").into(),
    prefix: "SLOW_SERVICE",
    path: "/secret-length",
};

/// How a service is restarted.
struct Restarts {
    service: Restarted,
    times: usize,
    pace: Pace,
    settings: &'static [(&'static str, &'static str)],
    handed_over: bool,
}

impl Restarts {
    /// Restarts under load and returns what the load has seen.
    async fn run(self) -> Report {
        // Nobody else's connection takes it between two starts.
        let port = Port::free().expect("a free port");
        let (listener, address) = (TcpListener::bind(port.address()).expect("it is free"), port.address());
        let Restarted { program, prefix, path } = self.service;
        let mut service = Service::new(program())
            .env(format!("{prefix}__HTTP__PORT"), address.port().to_string())
            .env(format!("{prefix}__HTTP__ACCESS_LOG"), "0")
            .env(format!("{prefix}__ADMIN__ENABLED"), "false");
        for (name, value) in self.settings {
            service = service.env(format!("{prefix}__{name}"), value);
        }
        if self.handed_over {
            service = service.listener(&listener).expect("a descriptor to hand over");
        }
        drop(listener);
        let mut running = service.start().expect("the service starts");
        running.wait_ready(address, PATIENCE).await.expect("ready");
        let mut load = load(address, self.pace).path(path).start();
        for _ in 0..self.times {
            let so_far = load.snapshot().answered;
            assert!(load.answered(so_far + CONNECTIONS as u64).await, "{}", load.snapshot());
            running.signal(Signal::Term).expect("it runs");
            let status = running.wait_exit(PATIENCE).await.expect("it ends");
            assert!(status.success() || self.settings == NO_DRAIN, "{status}: {:?}", running.lines());
            running = service.start().expect("the service starts");
            running.wait_ready(address, PATIENCE).await.expect("ready");
        }
        load.stop().await
    }
}

fn load(address: SocketAddr, pace: Pace) -> Load {
    Load::new(address).connections(CONNECTIONS).pace(pace).for_at_most(Duration::from_secs(600))
}

fn times() -> usize {
    std::env::var("GROUNDCREW_RESTARTS").ok().and_then(|times| times.parse().ok()).unwrap_or(100)
}

const NO_DRAIN: &[(&str, &str)] = &[("HTTP__DRAIN", "false")];

const PACED: Pace = Pace::Every(Duration::from_millis(20));

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_restarts_on_a_handed_over_listener_lose_no_request_and_refuse_nobody() {
    for pace in [Pace::Saturated, PACED] {
        let restarts = Restarts { service: HELLO, times: times(), pace, settings: &[], handed_over: true };
        assert_nobody_noticed(&restarts.run().await, pace);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_of_a_service_that_starts_slowly_lose_nothing_either_on_a_handed_over_listener() {
    for pace in [Pace::Saturated, PACED] {
        let settings = &[("START_TAKES", "500ms")];
        let restarts = Restarts { service: SLOW, times: 3, pace, settings, handed_over: true };
        assert_nobody_noticed(&restarts.run().await, pace);
    }
}

/// Every request was answered, as on any other day, and every client got in.
fn assert_nobody_noticed(report: &Report, pace: Pace) {
    let statuses: Vec<u16> = report.by_status.keys().copied().collect();
    assert_eq!(statuses, [200], "{pace:?}\n{report}");
    let unanswered = (report.lost.total(), report.after_fin);
    let shut_out = (report.refused, report.connect_failed);
    assert_eq!((unanswered, shut_out), ((0, 0), (0, 0)), "{pace:?}\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_on_a_port_of_their_own_lose_no_request_that_was_sent_before_our_fin() {
    for pace in [Pace::Saturated, PACED] {
        let restarts =
            Restarts { service: HELLO, times: times() / 5, pace, settings: &[], handed_over: false };
        let report = restarts.run().await;
        assert_eq!(report.lost.total(), 0, "{pace:?}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_drain_switched_off_the_same_test_sees_lost_requests() {
    let restarts =
        Restarts { service: HELLO, times: 3, pace: Pace::Saturated, settings: NO_DRAIN, handed_over: true };
    let report = restarts.run().await;
    assert!(report.lost.total() > 0, "the control must be able to fail\n{report}");
}
