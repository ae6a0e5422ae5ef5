//! Who is waited for, and for how long.

mod support;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use groundcrew_http::{HttpConfig, RequestTimeout};
use support::{PATIENCE, Server};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_closed() {
    let routes = Router::new().route("/big", get(|| async { vec![b'x'; 64 << 20] }));
    let config = HttpConfig { idle_timeout: Duration::from_millis(300), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes).await;
    let mut client = server.connect().await;
    client.get("/big").await;
    let closed = async {
        while !server.crew.metrics().encode().contains(r#"cause="write_timeout""#) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the connection is given up");
}

#[tokio::test]
async fn a_slow_reader_that_goes_on_reading_is_not_closed() {
    const SIZE: usize = 24 << 20;
    let routes = Router::new().route("/big", get(|| async { vec![b'x'; SIZE] }));
    let config = HttpConfig { idle_timeout: Duration::from_millis(300), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes).await;
    let mut client = server.connect().await;
    client.get("/big").await;
    let (mut bytes, mut got) = (vec![0; 1 << 20], 0);
    while got < SIZE {
        let count = client.stream.read(&mut bytes).await.expect("more");
        assert!(count > 0, "closed after {got}");
        got += count;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_routes_own_timeout_holds_behind_a_layer_that_waits_first() {
    let own = RequestTimeout::new(Duration::from_secs(10));
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "done"
    });
    let routes =
        Router::new().route("/slow", slow.layer(own)).layer(from_fn(|request: Request, next: Next| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            next.run(request).await
        }));
    let config = HttpConfig { request_timeout: Duration::from_millis(100), ..HttpConfig::ephemeral() };
    let server = Server::start(config, routes).await;
    assert_eq!(server.get("/slow").await.status, 200);
}

#[tokio::test]
async fn a_timeout_of_for_ever_is_no_timeout() {
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        "done"
    });
    let routes = Router::new().route("/slow", slow.layer(RequestTimeout::new(Duration::MAX)));
    let server = Server::start(HttpConfig::ephemeral(), routes).await;
    assert_eq!(server.get("/slow").await.status, 200);
}
