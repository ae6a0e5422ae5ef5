//! What an operator does with a running service.

use std::net::SocketAddr;
use std::time::Duration;

use groundcrew_testkit::http;
use groundcrew_testkit::port::Port;
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};

const PATIENCE: Duration = Duration::from_secs(20);

fn free_port() -> Port {
    Port::free().expect("a free port")
}

/// A process with its public port and that of its admin listener.
async fn start() -> (ServiceProcess, Port, Port) {
    let (public, admin) = (free_port(), free_port());
    let service = Service::new(env!("CARGO_BIN_EXE_slow-service"))
        .env("PORT", public.number().to_string())
        .env("METRICS_PORT", admin.number().to_string());
    let mut process = service.start().expect("it starts");
    process.wait_ready(public.address(), PATIENCE).await.expect("ready");
    (process, public, admin)
}

async fn put(admin: SocketAddr, body: &str) -> http::Response {
    let mut client = http::Connection::open(admin).await.unwrap();
    let head = format!(
        "PUT /log-level HTTP/1.1\r\nhost: {admin}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.send(head + body).await.unwrap();
    client.response().await.unwrap()
}

#[tokio::test]
async fn the_log_level_is_changed_at_run_time_and_returns_by_itself() {
    let (_process, _, admin) = start().await;
    let admin = admin.address();
    let changed = put(admin, r#"{"level": "debug", "seconds": 1}"#).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert!(changed.text().contains(r#""level":"debug""#), "{}", changed.text());
    let back = async {
        while !http::get(admin, "/log-level").await.unwrap().text().contains(r#""level":"info""#) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("the level returns");
}

#[tokio::test]
async fn a_level_that_does_not_exist_is_refused_with_the_ones_that_do() {
    let (_process, _, admin) = start().await;
    let refused = put(admin.address(), r#"{"level": "loud"}"#).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("trace, debug, info, warn, error"), "{}", refused.text());
}

#[tokio::test]
async fn metrics_and_tasks_are_on_the_admin_port_and_not_on_the_public_one() {
    let (_process, public, admin) = start().await;
    assert_eq!(http::get(admin.address(), "/metrics").await.unwrap().status, 200);
    assert_eq!(http::get(admin.address(), "/tasks").await.unwrap().status, 200);
    assert_eq!(http::get(public.address(), "/metrics").await.unwrap().status, 404);
}

#[tokio::test]
async fn healthcheck_is_0_for_a_service_that_runs_and_1_where_none_does() {
    let (_process, public, _) = start().await;
    let check = |port: &Port| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_slow-service"));
        command.env_clear().env("PORT", port.number().to_string()).arg("healthcheck");
        command.output().unwrap().status.code()
    };
    assert_eq!(check(&public), Some(0));
    assert_eq!(check(&free_port()), Some(1));
}

#[tokio::test]
async fn a_secret_shows_in_no_line_no_metric_and_no_answer_of_a_running_service() {
    const CANARY: &str = "canary-5d1e88";
    let (public, admin) = (free_port(), free_port());
    let service = Service::new(env!("CARGO_BIN_EXE_slow-service"))
        .env("PORT", public.number().to_string())
        .env("METRICS_PORT", admin.number().to_string())
        .env("LOG_LEVEL", "trace")
        .env("SLOW_SERVICE__ADMIN__TOKEN", CANARY)
        .env("JWT_SECRET", CANARY);
    let mut process = service.start().expect("it starts");
    process.wait_ready(public.address(), PATIENCE).await.expect("ready");
    let mut seen = String::new();
    for path in ["/secret-length", "/health", "/ready", "/nowhere"] {
        seen += &http::get(public.address(), path).await.unwrap().text();
    }
    for path in ["/metrics", "/tasks", "/log-level", "/health", "/ready"] {
        seen += &http::get(admin.address(), path).await.unwrap().text();
    }
    let mut client = http::Connection::open(public.address()).await.unwrap();
    let request =
        format!("GET /nowhere?token={CANARY} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {CANARY}\r\n\r\n");
    client.send(request).await.unwrap();
    seen += &client.response().await.unwrap().text();
    process.signal(Signal::Term).unwrap();
    process.wait_exit(PATIENCE).await.unwrap();
    assert!(seen.contains(&CANARY.len().to_string()), "the service did read it");
    assert!(!seen.contains(CANARY), "{seen}");
    let leaked: Vec<_> = process.lines().into_iter().filter(|line| line.text.contains(CANARY)).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
}
