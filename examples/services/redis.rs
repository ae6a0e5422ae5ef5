//! Visits, counted by all replicas: `REDIS_URL=redis://localhost cargo run --example redis`, then
//! `curl http://127.0.0.1:5000/visits/north`.
//!
//! Start it while Redis is down, or restart Redis under it: it says `degraded`, and counts again when Redis is back.

use std::process::ExitCode;

use groundcrew::axum::extract::{Path, State};
use groundcrew::axum::{Json, Router, routing::get};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem, StatusCode};
use groundcrew::redis::deadpool_redis::redis::AsyncCommands;
use groundcrew::redis::{RedisConfig, SharedConnection};
use groundcrew::{Crew, Service};
use serde_json::{Value, json};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    redis: RedisConfig,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let redis = config.redis.connect(&crew).await?;
    // Not `idempotent`: a visit that is counted twice is counted wrong.
    http.serve(Router::new().route("/visits/{page}", get(visit)).with_state(redis.shared("visits")));
    Ok(())
}

async fn visit(
    State(mut visits): State<SharedConnection>,
    Path(page): Path<String>,
) -> Result<Json<Value>, Problem> {
    let count: u64 = visits.incr(format!("visits:{page}"), 1).await.map_err(|error| {
        tracing::error!(visits.page = page, %error, "a visit is not counted");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_COUNTED")
    })?;
    Ok(Json(json!({"page": page, "visits": count})))
}

fn main() -> ExitCode {
    Service::new("visits", env!("CARGO_PKG_VERSION")).run(start)
}
