//! SIGTERM at bad moments: the service ends within its budget, with exit code 0 and a receipt that says what
//! happened.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use groundcrew_testkit::http;
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};

const PATIENCE: Duration = Duration::from_secs(30);

/// Far above what it takes, and far below the budget of 25 s.
const SOON: Duration = Duration::from_secs(12);

struct Slow {
    process: ServiceProcess,
    address: SocketAddr,
}

impl Slow {
    fn start(settings: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = Service::new(env!("CARGO_BIN_EXE_slow-service"))
            .env("SLOW_SERVICE__ADMIN__ENABLED", "false")
            .listener(&listener)
            .expect("a descriptor to hand over");
        let service = settings.iter().fold(service, |service, (name, value)| service.env(name, value));
        Self { process: service.start().expect("it starts"), address }
    }

    async fn ready(settings: &[(&str, &str)]) -> Self {
        let mut slow = Self::start(settings);
        slow.process.wait_ready(slow.address, PATIENCE).await.expect("ready");
        slow
    }

    /// One whose two workers are both blocked.
    async fn blocked(settings: &[(&str, &str)]) -> Self {
        let blocked = [("SLOW_SERVICE__RUNTIME__WORKER_THREADS", "2"), ("SLOW_SERVICE__STUCK_TASKS", "2")];
        let mut slow = Self::start(&[&blocked[..], settings].concat());
        for line in ["task 1 blocks its worker", "task 2 blocks its worker"] {
            slow.process.wait_for_line(line, PATIENCE).await.expect("it is blocked");
        }
        slow
    }

    /// Sends SIGTERM and returns the receipt, once it has ended with exit code 0.
    async fn receipt(&mut self) -> String {
        let began = Instant::now();
        self.process.signal(Signal::Term).expect("it runs");
        let status = self.process.wait_exit(PATIENCE).await.expect("it ends");
        assert!(began.elapsed() < Duration::from_secs(25), "above the budget");
        assert_eq!(status.code(), Some(0), "{:?}", self.process.lines());
        self.process.wait_for_line("\"target\":\"groundcrew::shutdown\"", PATIENCE).await.expect("a receipt")
    }
}

#[tokio::test]
async fn during_the_start() {
    let mut slow = Slow::start(&[("SLOW_SERVICE__START_TAKES", "1h")]);
    let health = async {
        while http::get(slow.address, "/health").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, health).await.expect("alive while it starts");
    let receipt = slow.receipt().await;
    assert!(receipt.contains("SIGTERM"), "{receipt}");
}

#[tokio::test]
async fn during_a_slow_request_which_is_still_answered() {
    let mut slow = Slow::ready(&[]).await;
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    // The next connection is accepted after the first, so the slow request has arrived when it is answered.
    http::get(slow.address, "/health").await.unwrap();
    let receipt = slow.receipt().await;
    assert_eq!(client.response().await.unwrap().text(), "done");
    assert!(receipt.contains("http connections finished"), "{receipt}");
}

#[tokio::test]
async fn during_a_request_that_never_ends_which_is_answered_503_within_the_budget() {
    let settings = [("SLOW_SERVICE__ANSWER_TAKES", "1h"), ("SLOW_SERVICE__SHUTDOWN__BUDGET", "3s")];
    let mut slow = Slow::ready(&settings).await;
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    http::get(slow.address, "/health").await.unwrap();
    let receipt = slow.receipt().await;
    assert_eq!(client.response().await.unwrap().status, 503);
    assert!(receipt.contains("1 requests answered 503"), "{receipt}");
}

#[tokio::test]
async fn with_idle_connections() {
    let mut slow = Slow::ready(&[]).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut client = http::Connection::open(slow.address).await.unwrap();
        client.send("GET /secret-length HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
        client.response().await.unwrap();
        idle.push(client);
    }
    let receipt = slow.receipt().await;
    assert!(receipt.contains("20 connections"), "{receipt}");
}

#[tokio::test]
async fn with_an_event_stream_which_ends_cleanly() {
    let mut slow = Slow::ready(&[]).await;
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /events HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    http::get(slow.address, "/health").await.unwrap();
    let receipt = slow.receipt().await;
    let stream = String::from_utf8(client.read_to_end().await.unwrap()).unwrap();
    assert!(stream.ends_with("0\r\n\r\n"), "{stream:?}");
    assert!(!receipt.contains("cut after"), "{receipt}");
}

#[tokio::test]
async fn with_a_half_sent_head_which_does_not_hold_it_up() {
    let mut slow = Slow::ready(&[]).await;
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /slow HTTP/1.1\r\nho").await.unwrap();
    http::get(slow.address, "/health").await.unwrap();
    let receipt = slow.receipt().await;
    assert!(receipt.contains("closed in the middle of a request head"), "{receipt}");
}

#[tokio::test]
async fn a_second_signal_cuts_the_phase_and_a_third_leaves_at_once() {
    let settings = [("SLOW_SERVICE__ANSWER_TAKES", "1h"), ("SLOW_SERVICE__SHUTDOWN__LAME_DUCK", "10s")];
    let mut slow = Slow::ready(&settings).await;
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    http::get(slow.address, "/health").await.unwrap();
    slow.process.signal(Signal::Term).unwrap();
    slow.process.wait_for_line("shutdown begins", PATIENCE).await.unwrap();
    slow.process.signal(Signal::Term).unwrap();
    slow.process.wait_for_line("second signal", PATIENCE).await.unwrap();
    slow.process.signal(Signal::Term).unwrap();
    let status = slow.process.wait_exit(PATIENCE).await.unwrap();
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
}

#[tokio::test]
async fn three_signals_end_a_service_whose_workers_are_all_blocked() {
    let mut slow = Slow::blocked(&[]).await;
    let began = Instant::now();
    for line in ["shutdown begins", "second signal"] {
        slow.process.signal(Signal::Term).expect("it runs");
        slow.process.wait_for_line(line, PATIENCE).await.expect("the signal is heard");
    }
    slow.process.signal(Signal::Term).expect("it runs");
    let status = slow.process.wait_exit(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn three_signals_end_a_service_whose_start_blocks() {
    let mut slow = Slow::start(&[("SLOW_SERVICE__START_BLOCKS", "1h")]);
    slow.process.wait_for_line("the start blocks its thread", PATIENCE).await.expect("it blocks");
    let began = Instant::now();
    let ended = async {
        loop {
            // Nothing shows that a signal was heard, and two at the same moment are one.
            let _gone = slow.process.signal(Signal::Term);
            if let Ok(status) = slow.process.wait_exit(Duration::from_millis(20)).await {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    slow.process.wait_for_line("within 1s of the third signal", PATIENCE).await.expect("it says why");
}

#[tokio::test]
async fn a_shutdown_that_cannot_run_since_the_workers_are_blocked_is_ended_after_its_time() {
    let mut slow = Slow::blocked(&[("SLOW_SERVICE__SHUTDOWN__BUDGET", "1s")]).await;
    let began = Instant::now();
    slow.process.signal(Signal::Term).expect("it runs");
    let status = slow.process.wait_exit(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
    assert!((Duration::from_millis(3_500)..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
    slow.process.wait_for_line("has not come to an end", PATIENCE).await.expect("it says why");
}

#[tokio::test]
async fn a_blocked_shutdown_that_began_from_inside_is_ended_after_its_time_too() {
    let settings = [("SLOW_SERVICE__SHUTDOWN__BUDGET", "1s"), ("SLOW_SERVICE__STUCK_TASKS_END_IT", "true")];
    let mut slow = Slow::blocked(&settings).await;
    let began = Instant::now();
    let status = slow.process.wait_exit(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    slow.process.wait_for_line("has not come to an end", PATIENCE).await.expect("it says why");
}

#[tokio::test]
async fn a_start_that_blocks_is_ended_after_the_time_of_the_shutdown() {
    let settings = [("SLOW_SERVICE__START_BLOCKS", "1h"), ("SLOW_SERVICE__SHUTDOWN__BUDGET", "1s")];
    let mut slow = Slow::start(&settings);
    slow.process.wait_for_line("the start blocks its thread", PATIENCE).await.expect("it blocks");
    let began = Instant::now();
    slow.process.signal(Signal::Term).expect("it runs");
    let status = slow.process.wait_exit(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{:?}", slow.process.lines());
    assert!((Duration::from_millis(3_500)..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
}

/// Counted from the signal, its time would be over after 4.5 s, half a second into the shutdown.
#[tokio::test]
async fn after_a_start_that_blocked_the_shutdown_has_its_whole_time() {
    let mut slow = Slow::start(&[
        ("SLOW_SERVICE__START_BLOCKS", "4s"),
        ("SLOW_SERVICE__ANSWER_TAKES", "1h"),
        ("SLOW_SERVICE__SHUTDOWN__BUDGET", "2s"),
    ]);
    slow.process.wait_for_line("the start blocks its thread", PATIENCE).await.expect("it blocks");
    let mut client = http::Connection::open(slow.address).await.unwrap();
    client.send("GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    http::get(slow.address, "/health").await.unwrap();
    let receipt = slow.receipt().await;
    assert!(receipt.contains("1 requests answered 503"), "{receipt}");
}
