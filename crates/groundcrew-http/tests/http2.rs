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

const BIG: usize = 1 << 20;

/// An answer in one piece, of which HTTP/2 takes as much as its client has room for.
fn big() -> Router {
    Router::new().route("/big", get(|| async { vec![b'x'; BIG] }))
}

/// Takes what has come, and makes room for as much again.
async fn take(body: &mut h2::RecvStream) -> Option<usize> {
    let data = body.data().await?.expect("the connection is still there");
    body.flow_control().release_capacity(data.len()).expect("room for as much again");
    Some(data.len())
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

#[tokio::test]
async fn an_answer_that_its_client_takes_slowly_arrives_whole_although_the_service_lands() {
    let server = Server::start(HttpConfig::ephemeral(), big()).await;
    let (mut send, driver) = client(&server).await;
    let (answer, _) = send.send_request(request("/big"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let mut got = take(&mut body).await.expect("the first of it");
    let landing = server.land();
    // Longer than the patience with a client that is gone.
    while let Some(more) = take(&mut body).await {
        got += more;
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    assert_eq!(got, BIG);
    drop(send);
    assert!(driver.await.unwrap(), "no error at the end of the connection");
    assert_eq!(landing.await.unwrap().cut().count(), 0);
}

#[tokio::test]
async fn a_slow_reader_that_goes_on_reading_is_not_closed() {
    let config = HttpConfig {
        idle_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(300),
        ..HttpConfig::ephemeral()
    };
    let server = Server::start(config, big()).await;
    let (mut send, _driver) = client(&server).await;
    let (answer, _) = send.send_request(request("/big"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let mut got = 0;
    while let Some(more) = take(&mut body).await {
        got += more;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(got, BIG);
}

#[tokio::test]
async fn a_client_that_opens_no_window_is_closed() {
    let config = HttpConfig { idle_timeout: Duration::from_millis(300), ..HttpConfig::ephemeral() };
    let server = Server::start(config, big()).await;
    let stream = server.connect().await.stream;
    let shut = h2::client::Builder::new().initial_window_size(0).handshake::<_, bytes::Bytes>(stream).await;
    let (mut send, connection) = shut.expect("a handshake");
    let driver = tokio::spawn(connection);
    let (answer, _) = send.send_request(request("/big"), true).unwrap();
    // To let go of the body would be to reset the stream.
    let _untaken = answer.await.expect("the head of an answer").into_body();
    let _ended = tokio::time::timeout(support::PATIENCE, driver).await.expect("the connection is given up");
    assert!(server.crew.metrics().encode().contains(r#"cause="write_timeout""#));
}

#[tokio::test]
async fn an_answer_that_is_still_being_made_is_waited_for_although_nothing_is_written() {
    let config = HttpConfig { idle_timeout: Duration::from_millis(200), ..HttpConfig::ephemeral() };
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        "done"
    });
    let server = Server::start(config, Router::new().route("/slow", slow)).await;
    let (mut send, _driver) = client(&server).await;
    let (answer, _) = send.send_request(request("/slow"), true).unwrap();
    assert_eq!(answer.await.expect("an answer").status(), 200);
}
