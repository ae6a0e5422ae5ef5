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

/// What is left, in milliseconds, as a handler finds it.
async fn left() -> String {
    let left = groundcrew_telemetry::current().and_then(|context| context.remaining());
    left.map_or_else(|| "for ever".to_owned(), |left| left.as_millis().to_string())
}

/// The first layer takes its time: what it takes is not left.
fn after_a_while(routes: Router) -> Router {
    routes.layer(from_fn(|request: Request, next: Next| async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        next.run(request).await
    }))
}

#[tokio::test]
async fn a_handler_finds_in_the_context_what_its_request_has_left() {
    let own = || RequestTimeout::new(Duration::from_secs(60));
    let routes = Router::new()
        .route("/servers", get(left))
        .route("/own", get(left).layer(own()))
        .route(
            "/late",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                left().await
            })
            .layer(own()),
        )
        .route("/never", get(left).layer(RequestTimeout::new(Duration::MAX)));
    let config = HttpConfig { request_timeout: Duration::from_secs(30), ..HttpConfig::ephemeral() };
    let server = Server::start(config, after_a_while(routes)).await;
    for (path, most) in [("/servers", 29_800), ("/own", 59_800), ("/late", 59_600)] {
        let left: u64 = server.get(path).await.body.parse().expect("milliseconds");
        assert!((most - 15_000..=most).contains(&left), "{path}: {left}");
    }
    assert_eq!(server.get("/never").await.body, "for ever");
}

/// The control: whoever takes the ids along and not the deadline is not cut.
#[tokio::test]
async fn detached_work_has_the_ids_and_no_deadline() {
    let handler = get(|| async {
        let context = groundcrew_telemetry::current().expect("a context");
        let detached = context.detached().into_arc();
        assert_eq!(detached.request_id(), context.request_id());
        tokio::spawn(detached.scope(left())).await.expect("done")
    });
    let server = Server::start(HttpConfig::ephemeral(), Router::new().route("/", handler)).await;
    assert_eq!(server.get("/").await.body, "for ever");
}
