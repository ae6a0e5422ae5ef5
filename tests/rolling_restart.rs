//! The promise that a rolling restart loses nothing, judged by a client that counts every request and every
//! answer; and the control that shows that the judge can see a loss.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use groundcrew_testkit::load::{Load, Pace, Report};
use groundcrew_testkit::process::{Service, Signal};

const PATIENCE: Duration = Duration::from_secs(20);
const CONNECTIONS: usize = 64;

/// How the hello service is restarted.
struct Restarts {
    times: usize,
    pace: Pace,
    settings: &'static [(&'static str, &'static str)],
    handed_over: bool,
}

impl Restarts {
    /// Restarts under load and returns what the load has seen.
    async fn run(self) -> Report {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut hello = Service::new(scenarios::service("hello"))
            .env("HELLO__HTTP__PORT", address.port().to_string())
            .env("HELLO__HTTP__ACCESS_LOG", "0")
            .env("HELLO__ADMIN__ENABLED", "false");
        for (name, value) in self.settings {
            hello = hello.env(name, value);
        }
        if self.handed_over {
            hello = hello.listener(&listener).expect("a descriptor to hand over");
        }
        drop(listener);
        let mut running = hello.start().expect("the service starts");
        running.wait_ready(address, PATIENCE).await.expect("ready");
        let mut load = load(address, self.pace).start();
        for _ in 0..self.times {
            let so_far = load.snapshot().answered;
            assert!(load.answered(so_far + CONNECTIONS as u64).await, "{}", load.snapshot());
            running.signal(Signal::Term).expect("it runs");
            let status = running.wait_exit(PATIENCE).await.expect("it ends");
            assert!(status.success() || !self.settings.is_empty(), "{status}: {:?}", running.lines());
            running = hello.start().expect("the service starts");
            running.wait_ready(address, PATIENCE).await.expect("ready");
        }
        load.stop().await
    }
}

fn load(address: SocketAddr, pace: Pace) -> Load {
    Load::new(address)
        .connections(CONNECTIONS)
        .pace(pace)
        .path("/hello")
        .for_at_most(Duration::from_secs(600))
}

fn times() -> usize {
    std::env::var("GROUNDCREW_RESTARTS").ok().and_then(|times| times.parse().ok()).unwrap_or(100)
}

const PACED: Pace = Pace::Every(Duration::from_millis(20));

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_restarts_on_a_handed_over_listener_lose_no_request_and_refuse_nobody() {
    for pace in [Pace::Saturated, PACED] {
        let report = Restarts { times: times(), pace, settings: &[], handed_over: true }.run().await;
        assert_eq!((report.lost.total(), report.after_fin, report.refused), (0, 0, 0), "{pace:?}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_on_a_port_of_their_own_lose_no_request_that_was_sent_before_our_fin() {
    for pace in [Pace::Saturated, PACED] {
        let report = Restarts { times: times() / 5, pace, settings: &[], handed_over: false }.run().await;
        assert_eq!(report.lost.total(), 0, "{pace:?}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_drain_switched_off_the_same_test_sees_lost_requests() {
    let settings = &[("HELLO__HTTP__DRAIN", "false")];
    let report = Restarts { times: 3, pace: Pace::Saturated, settings, handed_over: true }.run().await;
    assert!(report.lost.total() > 0, "the control must be able to fail\n{report}");
}
