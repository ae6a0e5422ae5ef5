//! What becomes of connections when the service goes down.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use groundcrew_http::HttpConfig;
use groundcrew_runtime::{Phase, ShutdownConfig};
use support::Server;
use tokio::sync::Notify;

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello" }))
}

#[tokio::test]
async fn an_idle_connection_is_still_answered_during_the_linger_and_told_to_close() {
    let server = Server::start(HttpConfig::ephemeral(), hello()).await;
    let mut client = server.connect().await;
    client.get("/hello").await;
    assert_eq!(client.answer().await.unwrap().header("connection"), None);
    let landing = server.land();
    server.crew.stop().requested().await;
    client.get("/hello").await;
    let answer = client.answer().await.expect("an answer, not a closed connection");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(client.closed().await);
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn the_lame_duck_goes_on_serving_new_connections() {
    let shutdown =
        ShutdownConfig { lame_duck: Some(Duration::from_millis(500)), ..ShutdownConfig::default() };
    let (server, http) = Server::bind_with(HttpConfig::ephemeral(), shutdown).await;
    http.serve(hello());
    let landing = server.land();
    server.crew.shutdown_requested().await;
    assert_eq!(server.get("/ready").await.status, 503);
    assert_eq!(server.get("/hello").await.status, 200);
    landing.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_service_ends() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let routes = Router::new().route("/slow", {
        let (entered, release) = (entered.clone(), release.clone());
        get(move || async move {
            entered.notify_one();
            release.notified().await;
            "done"
        })
    });
    let server = Server::start(HttpConfig::ephemeral(), routes).await;
    let mut client = server.connect().await;
    client.get("/slow").await;
    entered.notified().await;
    let landing = server.land();
    server.crew.stop().requested().await;
    release.notify_one();
    assert_eq!(client.answer().await.unwrap().body, "done");
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn a_handler_that_outlives_the_drain_answers_503_before_it_is_cut() {
    let entered = Arc::new(Notify::new());
    let seen = entered.clone();
    let routes = Router::new().route(
        "/stuck",
        get(move || async move {
            seen.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let shutdown = ShutdownConfig { budget: Duration::from_secs(2), ..ShutdownConfig::default() };
    let (server, http) = Server::bind_with(HttpConfig::ephemeral(), shutdown).await;
    http.serve(routes);
    let mut client = server.connect().await;
    client.get("/stuck").await;
    entered.notified().await;
    let landing = server.land();
    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("SHUTTING_DOWN")));
    let receipt = landing.await.unwrap();
    assert!(receipt.summary().contains("1 requests answered 503"), "{}", receipt.summary());
    assert!(receipt.took < Duration::from_secs(3));
}

#[tokio::test]
async fn half_a_request_head_does_not_hold_the_shutdown_up() {
    let server = Server::start(HttpConfig::ephemeral(), hello()).await;
    let mut client = server.connect().await;
    client.send("GET /hello HTTP/1.1\r\nho").await;
    // The head is being read once another connection's answer has come back.
    server.get("/hello").await;
    let receipt = server.land().await.unwrap();
    assert!(receipt.took < Duration::from_secs(10), "{receipt}");
    assert!(receipt.summary().contains("1 closed in the middle of a request head"), "{receipt}");
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_the_shutdown_up() {
    let server = Server::start(HttpConfig::ephemeral(), hello()).await;
    let mut client = server.connect().await;
    server.get("/hello").await;
    let receipt = server.land().await.unwrap();
    assert!(receipt.took < Duration::from_secs(5), "{receipt}");
    assert!(client.closed().await);
}

#[tokio::test]
async fn an_event_stream_ends_cleanly_when_the_service_stops() {
    let events = || async {
        let stream = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>("data: 1\n\n") });
        let endless = futures_util::StreamExt::chain(stream, futures_util::stream::pending());
        let body = Body::from_stream(futures_util::StreamExt::map(endless, |event| event.map(Bytes::from)));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let server = Server::start(HttpConfig::ephemeral(), Router::new().route("/events", get(events))).await;
    let mut client = server.connect().await;
    client.get("/events").await;
    client.read_until("data: 1").await;
    let landing = server.land();
    assert!(client.read_to_end().await.ends_with("0\r\n\r\n"), "the last chunk, not a cut");
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn an_event_stream_that_always_has_another_event_ends_cleanly_too() {
    let events = || async {
        let event = || Ok::<_, std::convert::Infallible>(Bytes::from_static(b"data: 1\n\n"));
        let body = Body::from_stream(futures_util::stream::repeat_with(event));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let shutdown = ShutdownConfig { budget: Duration::from_secs(3), ..ShutdownConfig::default() };
    let (server, http) = Server::bind_with(HttpConfig::ephemeral(), shutdown).await;
    http.serve(Router::new().route("/events", get(events)));
    let mut client = server.connect().await;
    client.get("/events").await;
    client.read_until("data: 1").await;
    let landing = server.land();
    assert!(client.read_to_end().await.ends_with("0\r\n\r\n"), "the last chunk, not a cut");
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn connections_that_wait_in_the_backlog_are_served_before_the_listener_goes() {
    let server = Server::start(HttpConfig::ephemeral(), hello()).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        client.get("/hello").await;
        clients.push(client);
    }
    let landing = server.land();
    for client in &mut clients {
        assert_eq!(client.answer().await.expect("an answer").status, 200);
    }
    landing.await.unwrap();
}

#[tokio::test]
async fn bytes_that_come_after_our_fin_are_counted_in_the_receipt() {
    let config = HttpConfig { linger: Duration::from_millis(10), ..HttpConfig::ephemeral() };
    let server = Server::start(config, hello()).await;
    let mut client = server.connect().await;
    client.get("/hello").await;
    client.answer().await.unwrap();
    let landing = server.land();
    assert!(client.closed().await, "our FIN");
    client.send("GET /late HTTP/1.1\r\n\r\n").await;
    drop(client);
    let receipt = landing.await.unwrap();
    let (_, entry) = receipt.entries().find(|(phase, _)| *phase == Phase::Drain).unwrap();
    assert!(receipt.summary().contains("22 bytes after our FIN"), "{entry:?} {receipt}");
}

/// Routes of which `/slow` says when it was entered, and answers when it is told to.
fn with_slow(entered: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (entered, release) = (entered.clone(), release.clone());
    let slow = any(move || async move {
        entered.notify_one();
        release.notified().await;
        "done"
    });
    Router::new().route("/hello", any(|| async { "hello" })).route("/slow", slow)
}

/// Sends three requests at once, lands while the first is being answered, and asks for all three answers.
async fn all_three_are_answered(request: impl Fn(&str) -> String) {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = Server::start(HttpConfig::ephemeral(), with_slow(&entered, &release)).await;
    let mut client = server.connect().await;
    client.send(&[request("/slow"), request("/hello"), request("/hello")].concat()).await;
    entered.notified().await;
    let landing = server.land();
    server.crew.stop().requested().await;
    release.notify_one();
    for body in ["done", "hello", "hello"] {
        assert_eq!(client.answer().await.expect("an answer").body, body);
    }
    assert!(client.closed().await);
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn requests_that_a_client_pipelined_before_our_fin_are_all_answered() {
    all_three_are_answered(|path| format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
}

#[tokio::test]
async fn pipelined_requests_of_any_method_are_answered_where_they_have_no_body() {
    all_three_are_answered(|path| format!("DELETE {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
}

#[tokio::test]
async fn pipelined_requests_with_an_empty_body_are_all_answered() {
    all_three_are_answered(|path| format!("PUT {path} HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n"))
        .await;
}

#[tokio::test]
async fn a_request_that_was_pipelined_behind_a_probe_is_answered() {
    let shutdown = ShutdownConfig { lame_duck: Some(Duration::from_secs(2)), ..ShutdownConfig::default() };
    let (server, http) = Server::bind_with(HttpConfig::ephemeral(), shutdown).await;
    http.serve(hello());
    let mut client = server.connect().await;
    let landing = server.land();
    server.crew.shutdown_requested().await;
    // Until the listener has heard of it, too.
    while server.get("/hello").await.header("connection").is_none() {}
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n");
    client.send(&[request("/health"), request("/hello")].concat()).await;
    assert_eq!(client.answer().await.expect("the probe's answer").status, 200);
    assert_eq!(client.answer().await.expect("an answer").body, "hello");
    landing.await.unwrap();
}
