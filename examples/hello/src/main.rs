//! The smallest service: `GET /hello`.

use std::process::ExitCode;

use groundcrew::axum::{Json, Router, routing::get};
use groundcrew::config::FromConfig;
use groundcrew::http::{BindError, HttpConfig};
use groundcrew::{Crew, Service};
use serde_json::{Value, json};

/// All that can be configured, besides what every service has.
#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
}

fn main() -> ExitCode {
    Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")).run(start)
}

async fn start(config: Config, crew: Crew) -> Result<(), BindError> {
    let http = config.http.bind(&crew).await?;
    http.serve(Router::new().route("/hello", get(hello)));
    Ok(())
}

async fn hello() -> Json<Value> {
    Json(json!({"hello": "world"}))
}
