//! What stands in front of the replicas: it hands each request to one of them, and to another if that one is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groundcrew::axum::body::Bytes;
use groundcrew::axum::extract::State;
use groundcrew::axum::http::{HeaderMap, StatusCode};
use groundcrew::axum::routing::post;
use groundcrew::axum::{self, Router};
use tokio::net::TcpListener;

/// How often a request is handed over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Times {
    Once,
    /// As by a balancer that gave up on the first replica too early: to two of them.
    Twice,
}

#[derive(Clone)]
struct Balancer {
    times: Times,
    client: reqwest::Client,
    replicas: Arc<Vec<SocketAddr>>,
    turn: Arc<AtomicUsize>,
}

/// Starts it; the URL for Discord.
pub(crate) async fn balance(replicas: Vec<SocketAddr>, times: Times) -> String {
    let client =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().expect("a client");
    let balancer = Balancer { times, client, replicas: Arc::new(replicas), turn: Arc::default() };
    let routes = Router::new().route("/discord/interactions", post(hand_over)).with_state(balancer);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/discord/interactions", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

async fn hand_over(
    State(balancer): State<Balancer>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Bytes) {
    let first = balancer.turn.fetch_add(1, Ordering::Relaxed);
    for number in 0..balancer.replicas.len() {
        let replica = balancer.replicas[(first + number) % balancer.replicas.len()];
        let request = balancer.client.post(format!("http://{replica}/discord/interactions"));
        let Ok(answer) = request.headers(headers.clone()).body(body.clone()).send().await else { continue };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let Ok(body) = answer.bytes().await else { continue };
        if balancer.times == Times::Twice && number == 0 {
            continue;
        }
        if !status.is_server_error() {
            return (status, headers, body);
        }
    }
    (StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new())
}
