//! One slow question, asked once: `cargo run --example cache`, then `time curl http://127.0.0.1:5000/weather/north`
//! twice, or `seq 100 | xargs -P 100 -I{} curl -s http://127.0.0.1:5000/weather/south` and a look at the log.
//!
//! With `REDIS_URL=redis://localhost` all replicas share what one of them has found out. Stop Redis (`kill -STOP`):
//! nobody notices, but <http://127.0.0.1:8080/ready> and `cache_requests_total{outcome="bypass"}`.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::axum::extract::{Path, State};
use groundcrew::axum::{Json, Router, routing::get};
use groundcrew::cache::{Cache, CacheConfig};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem, StatusCode};
use groundcrew::redis::RedisConfig;
use groundcrew::{Crew, Service};
use serde_json::{Value, json};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    redis: RedisConfig,
    /// How long the weather stays what it is.
    weather: CacheConfig,
}

/// What is known of a place; nothing, if nobody knows it.
type Forecast = Option<String>;

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let redis = config.redis.connect_if_configured(&crew).await?;
    let forecasts: Cache<Forecast> = config
        .weather
        .named("forecasts")
        .absent(Option::is_none)
        .over(redis.map(|redis| redis.cache_store()))
        .build(&crew)?;
    http.serve(Router::new().route("/weather/{place}", get(weather)).with_state(forecasts));
    Ok(())
}

async fn weather(
    State(forecasts): State<Cache<Forecast>>,
    Path(place): Path<String>,
) -> Result<Json<Value>, Problem> {
    let asked = place.clone();
    let forecast = forecasts.get_or_load(&place, move || ask_the_sky(asked)).await.map_err(|error| {
        tracing::error!(weather.place = place, %error, "no forecast");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FORECAST")
    })?;
    match forecast {
        Some(forecast) => Ok(Json(json!({"place": place, "forecast": forecast}))),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "NO_SUCH_PLACE")),
    }
}

/// Slow and expensive.
async fn ask_the_sky(place: String) -> anyhow::Result<Forecast> {
    tracing::info!(weather.place = place, "the sky is asked");
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(["north", "south"].contains(&&*place).then(|| format!("fair in the {place}")))
}

fn main() -> ExitCode {
    Service::new("weather", env!("CARGO_PKG_VERSION")).run(start)
}
