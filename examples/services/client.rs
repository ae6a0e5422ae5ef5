//! A service that asks another one: `cargo run --example client`, then `curl -i http://127.0.0.1:5000/quote/7`.
//!
//! The rates come from a route of its own that fails every other time; the quote does not. Point
//! `QUOTES__RATES_URL` at a port where nobody listens: the answer says which host could not be reached, and after a few
//! calls the breaker leaves that host alone; `curl http://127.0.0.1:8080/ready` then says so.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use groundcrew::axum::extract::{Path, State};
use groundcrew::axum::http::StatusCode;
use groundcrew::axum::{Router, routing::get};
use groundcrew::client::{Client, ClientConfig};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Json, Problem};
use groundcrew::{Crew, Service};
use serde::{Deserialize, Serialize};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    /// How others are asked.
    client: ClientConfig,
    /// Who knows the rates.
    #[config(default = "http://127.0.0.1:5000/rate")]
    rates_url: String,
}

#[derive(Clone)]
struct App {
    rates: Client,
    url: String,
}

#[derive(Serialize, Deserialize)]
struct Rate {
    cents: u64,
}

async fn quote(State(app): State<App>, Path(kilograms): Path<u64>) -> Result<Json<Rate>, Problem> {
    // No later than this request's own deadline, with its trace, and again where that does no harm.
    let away = |error| Problem::new(StatusCode::BAD_GATEWAY, "RATES_UNAVAILABLE").detail(format!("{error}"));
    let response = app.rates.get(&app.url).send().await.map_err(away)?;
    let rate: Rate = response.error_for_status().map_err(away)?.json().await.map_err(away)?;
    Ok(Json(Rate { cents: rate.cents.saturating_mul(kilograms) }))
}

async fn rate(State(asked): State<Arc<AtomicU32>>) -> Result<Json<Rate>, StatusCode> {
    let odd = asked.fetch_add(1, Ordering::Relaxed) % 2 == 1;
    if odd { Ok(Json(Rate { cents: 480 })) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let rates = config.client.named("rates").check("rates").build(&crew)?;
    let app = App { rates, url: config.rates_url };
    let quotes = Router::new().route("/quote/{kilograms}", get(quote)).with_state(app);
    let rates = Router::new().route("/rate", get(rate)).with_state(Arc::default());
    http.serve(quotes.merge(rates));
    Ok(())
}

fn main() -> ExitCode {
    Service::new("quotes", env!("CARGO_PKG_VERSION")).run(start)
}
