//! The rate-limit layer over a real server: who is counted under what, and what a client is told.
#![cfg(feature = "limit")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::get;
use groundcrew_http::{ClientAddress, Http, HttpConfig, RateKey, RateLimit};
use groundcrew_limit::LimitConfig;
use support::{Answer, Server};

/// So many in an hour: none comes back while a test runs.
fn limit(server: &Server, name: &str, requests: u32) -> RateLimit {
    let config = LimitConfig::of(requests, Duration::from_secs(3600));
    RateLimit::new(config.limiter(name, &server.crew).expect("a limiter"))
}

async fn bound() -> (Server, Http) {
    Server::bind(HttpConfig { metrics: true, ..HttpConfig::ephemeral() }).await
}

/// A server that takes this machine for its proxy, as an ingress would be.
async fn behind_a_proxy() -> (Server, Http) {
    let trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    Server::bind(HttpConfig { trusted_proxies, ..HttpConfig::ephemeral() }).await
}

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello" }))
}

async fn ask(server: &Server, path: &str, header: &str) -> Answer {
    let mut client = server.connect().await;
    client.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n{header}\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

async fn statuses(server: &Server, headers: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for header in headers {
        statuses.push(ask(server, "/hello", header).await.status);
    }
    statuses
}

#[tokio::test]
async fn whoever_has_used_up_the_quota_is_told_when_to_come_back() {
    let (server, http) = bound().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let handler = move || async move { counted.fetch_add(1, Ordering::Relaxed).to_string() };
    http.serve(Router::new().route("/hello", get(handler)).route_layer(limit(&server, "clients", 2)));

    let first = server.get("/hello").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), Some(r#""clients";q=2;w=3600"#));
    assert_eq!(first.header("ratelimit"), Some(r#""clients";r=1;t=1800"#));
    assert_eq!(server.get("/hello").await.status, 200);

    let refused = server.get("/hello").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""clients";q=2;w=3600"#));
    let (after, fields) = (refused.header("retry-after"), refused.header("ratelimit").expect("the field"));
    let after: u64 = after.expect("the header").parse().expect("seconds");
    assert!((1700..=1800).contains(&after), "{after}");
    assert_eq!(fields, format!(r#""clients";r=0;t={after}"#), "both say the same");
    let problem = refused.json();
    assert_eq!(problem["code"], "RATE_LIMITED");
    assert_eq!(problem["violated-policies"][0], "clients");
    assert!(problem["request_id"].is_string() && refused.header("x-request-id").is_some());
    assert_eq!(calls.load(Ordering::Relaxed), 2, "the handler is not asked");
}

#[tokio::test]
async fn probes_and_metrics_are_never_limited() {
    let (server, http) = bound().await;
    http.serve(hello().layer(limit(&server, "clients", 1)));
    assert_eq!([server.get("/hello").await.status, server.get("/hello").await.status], [200, 429]);
    for path in ["/health", "/health/", "/ready", "/ready/", "/metrics"] {
        for _ in 0..5 {
            let answer = server.get(path).await;
            assert_eq!((answer.status, answer.header("ratelimit")), (200, None), "{path}");
        }
    }
}

#[tokio::test]
async fn a_refusal_counts_for_its_route_in_the_metrics_of_http() {
    let (server, http) = bound().await;
    http.serve(hello().route_layer(limit(&server, "clients", 1)));
    assert_eq!(statuses(&server, &["a: b", "a: b"]).await, [200, 429]);
    let metrics = server.crew.metrics().encode();
    let line = metrics.lines().find(|line| line.contains("http_requests_total{") && line.contains("429"));
    assert!(line.is_some_and(|line| line.contains(r#"path="/hello""#)), "{line:?}");
    assert!(metrics.contains(r#"rate_limit_decisions_total{decision="refused",limiter="clients""#));
}

#[tokio::test]
async fn a_client_cannot_make_itself_another_address() {
    let (server, http) = bound().await;
    http.serve(hello().route_layer(limit(&server, "clients", 1)));
    let made_up =
        ["x-forwarded-for: 198.51.100.1", "x-forwarded-for: 198.51.100.2", "x-real-ip: 198.51.100.3"];
    assert_eq!(statuses(&server, &made_up).await, [200, 429, 429]);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_quota_each() {
    let (server, http) = behind_a_proxy().await;
    http.serve(hello().route_layer(limit(&server, "clients", 1)));
    let through_the_proxy = [
        "x-forwarded-for: 198.51.100.1",
        "x-forwarded-for: 198.51.100.2",
        "x-forwarded-for: 203.0.113.7, 198.51.100.1", // what the first client made up, then its address
    ];
    assert_eq!(statuses(&server, &through_the_proxy).await, [200, 200, 429]);
}

#[tokio::test]
async fn the_addresses_of_one_ipv6_network_share_a_quota() {
    let (server, http) = behind_a_proxy().await;
    http.serve(hello().route_layer(limit(&server, "clients", 1)));
    let addresses = [
        "x-forwarded-for: 2001:db8:0:1::1",
        "x-forwarded-for: 2001:db8:0:1:ffff::2",
        "x-forwarded-for: 2001:db8:0:2::1",
    ];
    assert_eq!(statuses(&server, &addresses).await, [200, 429, 200]);
}

#[tokio::test]
async fn tokens_have_a_quota_each_and_whoever_has_none_has_that_of_the_address() {
    let (server, http) = bound().await;
    http.serve(hello().route_layer(limit(&server, "tokens", 1).by_bearer_token()));
    let requests = [
        "authorization: Bearer north",
        "authorization: bearer north",
        "authorization: Bearer south",
        "authorization: Basic north",
        "a: b",
    ];
    assert_eq!(statuses(&server, &requests).await, [200, 429, 200, 200, 429]);
}

#[tokio::test]
async fn a_function_decides_what_is_counted_under_what() {
    let (server, http) = bound().await;
    let by =
        |request: &Request| match request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok()) {
            Some("ours") => RateKey::Exempt,
            Some(tenant) => RateKey::Named(tenant.to_owned()),
            None => RateKey::Client,
        };
    http.serve(hello().route_layer(limit(&server, "tenants", 1).by(by)));
    let requests = ["x-tenant: a", "x-tenant: a", "x-tenant: b", "x-tenant: ours", "x-tenant: ours", "a: b"];
    assert_eq!(statuses(&server, &requests).await, [200, 429, 200, 200, 200, 200]);
}

#[tokio::test]
async fn a_route_has_its_own_limit_inside_that_of_all() {
    let (server, http) = bound().await;
    let routes = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/narrow", get(|| async { "narrow" }).layer(limit(&server, "narrow", 1)))
        .route_layer(limit(&server, "all", 4));
    http.serve(routes);
    let narrow = server.get("/narrow").await;
    assert_eq!(narrow.status, 200);
    let policies: Vec<&str> =
        narrow.head.lines().filter_map(|line| line.strip_prefix("ratelimit-policy: ")).collect();
    assert_eq!(policies, [r#""narrow";q=1;w=3600"#, r#""all";q=4;w=3600"#]);
    assert_eq!(server.get("/narrow").await.json()["violated-policies"][0], "narrow");
    assert_eq!(server.get("/nothing").await.status, 404, "a miss is no route, and costs nothing");
    assert_eq!(server.get("/hello").await.status, 200);
    assert_eq!(server.get("/hello").await.status, 200);
    assert_eq!(server.get("/hello").await.json()["violated-policies"][0], "all");
}

#[tokio::test]
async fn a_redirect_does_not_make_the_client_wait() {
    let (server, http) = bound().await;
    let routes = Router::new().route("/old", get(|| async { Redirect::temporary("/new") }));
    http.serve(routes.route_layer(limit(&server, "clients", 1)));
    let answer = server.get("/old").await;
    assert_eq!((answer.status, answer.header("ratelimit")), (307, None));
}

#[tokio::test]
async fn a_handler_learns_who_the_client_is() {
    let (server, http) = behind_a_proxy().await;
    let who = |client: Option<ClientAddress>| async move { format!("{:?}", client.map(|client| client.0)) };
    http.serve(Router::new().route("/who", get(who)));
    let answer = ask(&server, "/who", "x-forwarded-for: 198.51.100.1").await;
    assert_eq!(answer.body, "Some(198.51.100.1)");
    assert_eq!(ask(&server, "/who", "a: b").await.body, "Some(127.0.0.1)");
}
