//! HTTP/2 with prior knowledge, and its end.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use groundcrew_http::HttpConfig;
use support::Server;
use tokio::sync::Notify;

async fn client(server: &Server) -> (h2::client::SendRequest<bytes::Bytes>, tokio::task::JoinHandle<bool>) {
    let stream = server.connect().await.stream;
    let (send, connection) = h2::client::handshake(stream).await.expect("a handshake");
    (send, tokio::spawn(async move { connection.await.is_ok() }))
}

fn request(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://test{path}")).body(()).unwrap()
}

#[tokio::test]
async fn http2_clients_are_served_on_the_same_port() {
    let routes = Router::new().route("/hello", get(|| async { "hello" }));
    let server = Server::start(HttpConfig::ephemeral(), routes).await;
    let (mut send, _driver) = client(&server).await;
    let (answer, _) = send.send_request(request("/hello"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test]
async fn streams_in_flight_are_answered_after_goaway_and_the_connection_ends_cleanly() {
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
    let (mut send, driver) = client(&server).await;
    let (answer, _) = send.send_request(request("/slow"), true).unwrap();
    entered.notified().await;
    let landing = server.land();
    server.crew.stop().requested().await;
    release.notify_one();
    assert_eq!(answer.await.unwrap().status(), 200);
    drop(send);
    assert!(driver.await.unwrap(), "no error at the end of the connection");
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn an_idle_http2_connection_survives_the_pings_that_keep_it_alive() {
    let config = HttpConfig { header_timeout: Duration::from_millis(100), ..HttpConfig::ephemeral() };
    let server = Server::start(config, Router::new().route("/hello", get(|| async { "hello" }))).await;
    let stream = server.connect().await.stream;
    let (mut send, mut connection) = h2::client::handshake(stream).await.expect("a handshake");
    let mut pings = connection.ping_pong().expect("the ping handle");
    let driver = tokio::spawn(async move { connection.await.is_ok() });
    let (answer, _) = send.send_request(request("/hello"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    // Each answer to a ping takes the server past several looks of its sweeper.
    let until = tokio::time::Instant::now() + Duration::from_millis(600);
    while tokio::time::Instant::now() < until {
        pings.ping(h2::Ping::opaque()).await.expect("the connection is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (answer, _) = send.send_request(request("/hello"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    drop(send);
    driver.abort();
}
