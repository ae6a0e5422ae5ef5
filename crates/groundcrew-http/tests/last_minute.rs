//! Clients that come, stay or leave at awkward moments of the shutdown.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use groundcrew_http::HttpConfig;
use groundcrew_runtime::ShutdownConfig;
use support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello" }))
}

fn gated(entered: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (entered, release) = (entered.clone(), release.clone());
    hello().route(
        "/slow",
        get(move || async move {
            entered.notify_one();
            release.notified().await;
            "done"
        }),
    )
}

#[tokio::test]
async fn a_connection_that_waits_for_room_is_not_dropped_when_the_service_stops() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let config = HttpConfig { max_connections: 1, ..HttpConfig::ephemeral() };
    let server = Server::start(config, gated(&entered, &release)).await;
    let mut busy = server.connect().await;
    busy.get("/slow").await;
    entered.notified().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.get("/hello").await;
        waiting.push(client);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let landing = server.land();
    server.crew.stop().requested().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    release.notify_one();
    assert_eq!(busy.answer().await.unwrap().status, 200);
    for client in &mut waiting {
        assert_eq!(client.answer().await.expect("an answer").status, 200);
    }
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn a_request_whose_client_left_is_not_counted_as_answered() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = Server::start(HttpConfig::ephemeral(), gated(&entered, &release)).await;
    let mut client = server.connect().await;
    client.get("/slow").await;
    entered.notified().await;
    let landing = server.land();
    server.crew.stop().requested().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(client);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let receipt = landing.await.unwrap();
    assert!(receipt.summary().contains(" 0 requests answered"), "{receipt}");
}

#[tokio::test]
async fn an_http2_client_that_is_gone_does_not_hold_the_shutdown_up() {
    let server = Server::start(HttpConfig::ephemeral(), hello()).await;
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0").await;
    let mut settings = [0; 9];
    client.stream.read_exact(&mut settings).await.unwrap();
    let receipt = server.land().await.unwrap();
    assert!(receipt.took < Duration::from_secs(10), "{receipt}");
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_keep_knocking_on_a_unix_socket_do_not_hold_the_shutdown_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sock");
    let shutdown = ShutdownConfig { budget: Duration::from_secs(8), ..ShutdownConfig::default() };
    let crew =
        groundcrew_runtime::Crew::builder("test", "1.0.0").in_kubernetes(false).shutdown(shutdown).build();
    let config = HttpConfig { socket: Some(path.clone()), ..HttpConfig::default() };
    config.bind(&crew).await.unwrap().serve(hello());
    let knocking = tokio::spawn(async move {
        loop {
            if let Ok(mut client) = tokio::net::UnixStream::connect(&path).await {
                let request = b"GET /hello HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
                client.write_all(request).await.expect("a server that reads");
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.expect("an answer");
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let receipt = crew.land().await;
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
    assert!(!knocking.is_finished(), "every connection was answered: {:?}", knocking.await);
    knocking.abort();
}
