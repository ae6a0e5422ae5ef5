//! Child processes: shells that behave as they are told.
#![cfg(all(unix, feature = "process"))]

mod support;

use groundcrew_testkit::process::{Error, Service, ServiceProcess, Signal, Stream};
use std::net::TcpListener;
use std::time::Duration;
use support::{OK, Server, answer_all};

const SOON: Duration = Duration::from_secs(20);
const BRIEFLY: Duration = Duration::from_millis(50);

fn shell(script: &str) -> Service {
    Service::new("/bin/sh").args(["-c", script])
}

async fn up(service: &Service) -> ServiceProcess {
    let mut process = service.start().expect("it starts");
    process.wait_for_line("up", SOON).await.expect("it says so");
    process
}

#[tokio::test]
async fn both_outputs_are_kept_line_by_line() {
    let mut process = shell("echo one; echo two >&2; exit 7").start().expect("it starts");
    let status = process.wait_exit(SOON).await.expect("it ends");
    let texts = |stream| process.lines().into_iter().filter(|l| l.stream == stream).map(|l| l.text).collect();
    let (out, err): (Vec<String>, Vec<String>) = (texts(Stream::Out), texts(Stream::Err));
    assert_eq!((status.code(), out, err), (Some(7), vec!["one".to_owned()], vec!["two".to_owned()]));
}

#[tokio::test]
async fn the_environment_holds_only_what_was_given() {
    let service = Service::new("/usr/bin/env").env("GIVEN", "value with spaces");
    let mut process = service.start().expect("it starts");
    process.wait_exit(SOON).await.expect("it ends");
    let texts: Vec<String> = process.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["GIVEN=value with spaces"]);
}

#[tokio::test]
async fn a_signal_arrives() {
    let mut process = up(&shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done")).await;
    process.signal(Signal::Term).expect("it runs");
    let status = process.wait_exit(SOON).await.expect("it ends");
    assert_eq!(status.code(), Some(3));
    assert!(process.to_string().contains("bye"), "{process}");
}

#[tokio::test]
async fn waiting_for_a_line_ends_with_the_process_and_shows_its_output() {
    let mut process = shell("echo out of luck >&2; exit 1").start().expect("it starts");
    let error = process.wait_for_line("up", SOON).await.expect_err("it never says so");
    assert!(matches!(&error, Error::Exited { status, .. } if status.code() == Some(1)), "{error}");
    assert!(error.to_string().contains("err: out of luck"), "{error}");
}

#[tokio::test]
async fn waiting_has_an_end() {
    let mut process = up(&shell("echo up; exec sleep 60")).await;
    let error = process.wait_for_line("never", BRIEFLY).await.expect_err("it never says so");
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let error = process.wait_exit(BRIEFLY).await.expect_err("it sleeps");
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_service_is_ready_when_its_probe_says_200() {
    const NOT_YET: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let not_ready = Server::start(|stream| answer_all(stream, NOT_YET)).await;
    let ready = Server::start(|stream| answer_all(stream, OK)).await;
    let mut process = up(&shell("echo up; exec sleep 60")).await;
    let error = process.wait_ready(not_ready.addr, BRIEFLY).await.expect_err("503 is not ready");
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    process.wait_ready(ready.addr, SOON).await.expect("200 is ready");
}

#[tokio::test]
async fn a_dropped_process_is_killed() {
    let process = up(&shell("echo up; exec sleep 60")).await;
    let folder = format!("/proc/{}", process.id());
    drop(process);
    assert!(!std::path::Path::new(&folder).exists());
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = Service::new("/no/such/program").start().expect_err("it cannot start");
    assert_eq!(error.to_string(), "cannot start /no/such/program");
}

#[tokio::test]
async fn a_listener_is_handed_over_as_systemd_does() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let script = "echo up; [ \"$LISTEN_PID\" = $$ ] && [ \"$LISTEN_FDS\" = 1 ] && echo \"named $0\"; ls -l /proc/self/fd";
    let service =
        shell(script).env("PATH", "/usr/bin:/bin").listener(&listener).expect("it can be duplicated");
    for _ in 0..2 {
        let mut process = service.start().expect("it starts");
        process.wait_exit(SOON).await.expect("it ends");
        let text = process.to_string();
        assert!(text.contains("named"), "{text}");
        assert!(text.contains("3 -> socket:") && text.contains("0 -> /dev/null"), "{text}");
    }
}
