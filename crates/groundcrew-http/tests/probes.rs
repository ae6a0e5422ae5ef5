//! What the probes say about a service's dependencies.

mod support;

use axum::Router;
use groundcrew_http::{HealthBody, HttpConfig, ProbesConfig};
use groundcrew_runtime::CheckPolicy;
use support::Server;

async fn server(probes: ProbesConfig, database: Result<(), &'static str>) -> Server {
    let server = Server::start(HttpConfig { probes, ..HttpConfig::ephemeral() }, Router::new()).await;
    server.crew.check("database", CheckPolicy::required(), move || std::future::ready(database)).keep();
    while server.crew.readiness().checks[0].status.name() == "pending" {
        tokio::task::yield_now().await;
    }
    server
}

#[tokio::test]
async fn ready_names_every_check_with_its_status_latency_and_error() {
    let server = server(ProbesConfig::default(), Err("connection refused")).await;
    let ready = server.get("/ready").await;
    let body = ready.json();
    assert_eq!((ready.status, body["status"].as_str()), (503, Some("unhealthy")));
    assert_eq!(body["checks"]["database"]["status"], "unhealthy");
    assert_eq!(body["checks"]["database"]["error"], "connection refused");
    assert!(body["checks"]["database"]["latency_ms"].is_number());
    assert!(body["timestamp"].is_string());
}

#[tokio::test]
async fn what_is_not_configured_is_left_out_of_ready() {
    let server = server(ProbesConfig::default(), Ok(())).await;
    let body = server.get("/ready").await.json();
    assert_eq!(body["checks"].as_object().unwrap().keys().collect::<Vec<_>>(), ["database"]);
}

#[tokio::test]
async fn liveness_does_not_ask_the_dependencies() {
    let server = server(ProbesConfig::default(), Err("connection refused")).await;
    let health = server.get("/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("ok")));
}

#[tokio::test]
async fn the_detailed_body_has_the_dependencies_and_the_machine() {
    let detailed = ProbesConfig { health: HealthBody::Detailed, ..ProbesConfig::default() };
    let body = server(detailed, Ok(())).await.get("/health").await.json();
    assert_eq!((body["status"].as_str(), body["database"].as_str()), (Some("healthy"), Some("healthy")));
    assert!(body["memory_usage"].is_number() && body["cpu_usage"].is_number());
}

#[tokio::test]
async fn a_dead_dependency_is_a_500_only_where_that_was_asked_for() {
    let strict = ProbesConfig { health_fails_with_dependencies: true, ..ProbesConfig::default() };
    let health = server(strict, Err("connection refused")).await.get("/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (500, Some("unhealthy")));
    assert_eq!(health.json()["error"], "database: connection refused");
}
