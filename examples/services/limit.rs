//! A route that each client may ask so often: `cargo run --example limit -- --set labels.max_requests=3`, then
//! `for n in 1 2 3 4; do curl -si http://127.0.0.1:5000/label | grep -iE '^(HTTP|rate|retry)'; done`.
//!
//! With `REDIS_URL=redis://localhost` all replicas count together. Stop Redis: each goes on counting by itself, and
//! nobody is refused because of that.

use std::process::ExitCode;

use groundcrew::axum::{Router, routing::get};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, RateLimit};
use groundcrew::limit::LimitConfig;
use groundcrew::redis::RedisConfig;
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    redis: RedisConfig,
    /// How many labels a client may print.
    labels: LimitConfig,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let limiter = match config.redis.connect_if_configured(&crew).await? {
        Some(redis) => config.labels.limiter_over("labels", &crew, redis.limits(crew.service()))?,
        None => config.labels.limiter("labels", &crew)?,
    };
    let label = get(|| async { "north\n" }).layer(RateLimit::new(limiter)); // by address; also by token, or by yours
    http.serve(Router::new().route("/label", label).route("/price", get(|| async { "free\n" })));
    Ok(())
}

fn main() -> ExitCode {
    Service::new("labels", env!("CARGO_PKG_VERSION")).run(start)
}
