//! What a client sees of a running server.

mod support;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::AppendHeaders;
use axum::routing::{get, post};
use groundcrew_http::{AdminConfig, HttpConfig, Problem, RequestTimeout};
use http::StatusCode;
use support::Server;

fn routes() -> Router {
    Router::new()
        .route("/hello/{name}", get(|| async { "hello" }))
        .route("/panic", get(|| async { assert!(std::hint::black_box(false), "the cat is on the keyboard") }))
        .route("/slow", get(std::future::pending::<&'static str>))
        .route("/upload", post(|body: String| async move { body.len().to_string() }))
        .route(
            "/problem",
            get(|| async { Problem::new(StatusCode::CONFLICT, "TAKEN").with("by", "someone") }),
        )
}

#[tokio::test]
async fn probes_answer_before_there_are_routes_and_the_service_is_not_ready() {
    let (server, http) = Server::bind(HttpConfig::ephemeral()).await;
    assert_eq!(server.get("/health").await.status, 200);
    let ready = server.get("/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"][0], "still starting: http routes");
    let early = server.get("/hello/you").await;
    assert_eq!((early.status, early.json()["code"].as_str()), (503, Some("STARTING")));

    http.serve(routes());
    assert_eq!(server.get("/ready").await.status, 200);
    assert_eq!(server.get("/hello/you").await.body, "hello");
}

#[tokio::test]
async fn probes_answer_with_and_without_a_trailing_slash() {
    let server = Server::start(HttpConfig { metrics: true, ..HttpConfig::ephemeral() }, routes()).await;
    for path in ["/health", "/health/", "/ready", "/ready/", "/metrics", "/metrics/"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn metrics_have_the_content_type_of_the_text_exposition() {
    let server = Server::start(HttpConfig { metrics: true, ..HttpConfig::ephemeral() }, routes()).await;
    let metrics = server.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test]
async fn requests_are_counted_by_matched_route_and_probes_are_not() {
    let server = Server::start(HttpConfig { metrics: true, ..HttpConfig::ephemeral() }, routes()).await;
    server.get("/hello/ada").await;
    server.get("/hello/grace").await;
    server.get("/wp-login.php").await;
    server.get("/health").await;
    let text = server.get("/metrics").await.body;
    let counted = |labels: &[&str], value: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("http_requests_total{"));
        lines.any(|line| labels.iter().all(|label| line.contains(label)) && line.ends_with(value))
    };
    assert!(counted(&[r#"path="/hello/{name}""#, r#"status="200""#], " 2"), "{text}");
    assert!(counted(&[r#"path="unmatched""#, r#"status="404""#], " 1"), "{text}");
    assert!(!text.contains(r#"path="/health""#));
}

#[tokio::test]
async fn a_path_without_parameters_is_counted_the_same_however_often_it_is_asked() {
    let server = Server::start(HttpConfig { metrics: true, ..HttpConfig::ephemeral() }, routes()).await;
    for _ in 0..3 {
        server.get("/problem").await;
        server.get("/upload").await;
    }
    let text = server.get("/metrics").await.body;
    let counted = |labels: &[&str], value: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("http_requests_total{"));
        lines.any(|line| labels.iter().all(|label| line.contains(label)) && line.ends_with(value))
    };
    assert!(counted(&[r#"path="/problem""#, r#"status="409""#], " 3"), "{text}");
    assert!(counted(&[r#"path="/upload""#, r#"status="405""#], " 3"), "{text}");
}

#[tokio::test]
async fn a_panic_is_a_500_with_a_request_id_and_the_connection_lives_on() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let mut client = server.connect().await;
    client.get("/panic").await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json()["request_id"].as_str(), answer.header("x-request-id"));
    assert!(!answer.body.contains("cat"), "the panic's words are for the log");
    client.get("/hello/you").await;
    assert_eq!(client.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_answered_504() {
    let config = HttpConfig { request_timeout: Duration::from_millis(50), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    let answer = server.get("/slow").await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (504, Some("REQUEST_TIMEOUT")));
}

#[tokio::test]
async fn a_route_may_have_a_timeout_of_its_own() {
    let own = RequestTimeout::new(Duration::from_millis(50));
    let routes = Router::new().route("/slow", get(std::future::pending::<&'static str>).layer(own));
    let server = Server::start(HttpConfig::ephemeral(), routes).await;
    assert_eq!(server.get("/slow").await.status, 504);
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_an_unsafe_one_replaced() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let mut client = server.connect().await;
    client.send("GET /hello/a HTTP/1.1\r\nhost: t\r\nx-request-id: abc-123\r\n\r\n").await;
    assert_eq!(client.answer().await.unwrap().header("x-request-id"), Some("abc-123"));
    client.send("GET /hello/a HTTP/1.1\r\nhost: t\r\nx-request-id: a b\"<script>\r\n\r\n").await;
    let answer = client.answer().await.unwrap();
    assert!(!answer.header("x-request-id").unwrap().contains('<'));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_and_405_names_the_methods() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let missing = server.get("/nowhere").await;
    assert_eq!((missing.status, missing.json()["code"].as_str()), (404, Some("NOT_FOUND")));
    let mut client = server.connect().await;
    client.send("DELETE /upload HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let wrong = client.answer().await.unwrap();
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    assert_eq!(wrong.json()["code"], "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn an_error_without_a_body_keeps_every_value_of_its_headers() {
    let cookies = AppendHeaders([("set-cookie", "a=; max-age=0"), ("set-cookie", "b=; max-age=0")]);
    let signed_out = get(move || async move { (StatusCode::UNAUTHORIZED, cookies) });
    let server = Server::start(HttpConfig::ephemeral(), Router::new().route("/me", signed_out)).await;
    let answer = server.get("/me").await;
    assert_eq!(answer.json()["code"], "UNAUTHORIZED");
    assert_eq!(answer.head.matches("set-cookie: ").count(), 2, "{}", answer.head);
}

#[tokio::test]
async fn a_problem_carries_its_extension_members() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let answer = server.get("/problem").await;
    assert_eq!(answer.status, 409);
    assert_eq!(
        (answer.json()["by"].as_str(), answer.json()["title"].as_str()),
        (Some("someone"), Some("Conflict"))
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_and_a_route_may_raise_it() {
    let config = HttpConfig { body_limit: groundcrew_config::ByteSize(1024), ..HttpConfig::ephemeral() };
    let big = post(|body: String| async move { body.len().to_string() }).layer(DefaultBodyLimit::max(4096));
    let server = Server::start(config, routes().route("/big", big)).await;
    let body = "x".repeat(2000);
    for (path, status) in [("/upload", 413), ("/big", 200)] {
        let mut client = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: 2000\r\n\r\n");
        client.send(&(head + &body)).await;
        assert_eq!(client.answer().await.unwrap().status, status, "{path}");
    }
}

#[tokio::test]
async fn responses_carry_the_security_headers() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let answer = server.get("/hello/you").await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
}

#[tokio::test]
async fn silent_clients_at_the_limit_cannot_lock_a_probe_out() {
    let config = HttpConfig { max_connections: 4, ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(server.connect().await);
    }
    assert_eq!(server.get("/health").await.status, 200);
    assert!(silent[0].closed().await, "the oldest silent connection made room");
}

#[tokio::test]
async fn idle_clients_at_the_limit_cannot_lock_a_probe_out_either() {
    let config = HttpConfig { max_connections: 4, ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect().await;
        client.get("/hello/you").await;
        client.answer().await.unwrap();
        idle.push(client);
    }
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_client_that_sends_half_a_head_is_closed_at_the_header_deadline() {
    let config = HttpConfig { header_timeout: Duration::from_millis(100), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    let mut client = server.connect().await;
    client.send("GET /hello/you HTTP/1.1\r\nhost").await;
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_silent_connection_is_closed_at_the_first_byte_deadline() {
    let config = HttpConfig { first_byte_timeout: Duration::from_millis(100), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    assert!(server.connect().await.closed().await);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_keep_alive_time() {
    let config = HttpConfig { idle_timeout: Duration::from_millis(100), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes()).await;
    let mut client = server.connect().await;
    client.get("/hello/you").await;
    client.answer().await.unwrap();
    assert!(client.closed().await);
}

#[tokio::test]
async fn the_admin_listener_shows_metrics() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let admin = AdminConfig::ephemeral().bind(&server.crew).await.unwrap();
    let operator = Server { address: admin.local_addr().unwrap(), crew: server.crew.clone() };
    admin.serve(Router::new());
    assert!(operator.get("/metrics").await.body.contains("build_info"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_in_words_that_help() {
    let server = Server::start(HttpConfig::ephemeral(), routes()).await;
    let again = HttpConfig { port: server.address.port(), ..HttpConfig::ephemeral() };
    let error = again.bind(&server.crew).await.unwrap_err().to_string();
    assert!(error.contains("http.port") && error.contains("another process holds port"), "{error}");
    #[cfg(target_os = "linux")]
    assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_serves_like_a_port_and_a_stale_one_is_replaced() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let crew = groundcrew_runtime::Crew::builder("test", "1.0.0").build();
    let config = HttpConfig { socket: Some(path.clone()), ..HttpConfig::default() };
    config.bind(&crew).await.unwrap().serve(routes());
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    client.write_all(b"GET /hello/you HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
}

/// What is said to a path at which nothing may be bound.
#[cfg(unix)]
async fn refused(path: &std::path::Path) -> String {
    let crew = groundcrew_runtime::Crew::builder("test", "1.0.0").build();
    let config = HttpConfig { socket: Some(path.to_owned()), ..HttpConfig::default() };
    let error = config.bind(&crew).await.unwrap_err().to_string();
    assert!(error.contains("http.socket") && error.contains(path.to_str().unwrap()), "{error}");
    error
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_no_socket_is_not_removed_to_listen_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    std::fs::write(&path, "all we have").unwrap();
    let error = refused(&path).await;
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "all we have");
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_that_does_not_refuse_is_not_removed_to_listen_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&live).unwrap();
    assert!(refused(&live).await.contains("another process listens"));
    std::os::unix::net::UnixStream::connect(&live).expect("still there");
    // It answers with another error than that nobody listens.
    let other = folder.path().join("datagrams.sock");
    let _datagrams = std::os::unix::net::UnixDatagram::bind(&other).unwrap();
    assert!(refused(&other).await.contains("may be in use"));
    assert!(other.exists());
}
