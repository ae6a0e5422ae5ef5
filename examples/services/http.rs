//! A few routes: `cargo run --example http`, then `curl -i http://127.0.0.1:5000/divide/7/0`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use groundcrew::axum::extract::{ConnectInfo, Path};
use groundcrew::axum::{Json, Router, routing::get};
use groundcrew::config::FromConfig;
use groundcrew::http::{BindError, HttpConfig, Problem, RequestTimeout, StatusCode};
use groundcrew::{Crew, Service};
use serde_json::{Value, json};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
}

async fn start(config: Config, crew: Crew) -> Result<(), BindError> {
    let http = config.http.bind(&crew).await?;
    let slow = get(slow).layer(RequestTimeout::new(Duration::from_secs(2)));
    http.serve(
        Router::new().route("/divide/{a}/{b}", get(divide)).route("/who", get(who)).route("/slow", slow),
    );
    Ok(())
}

async fn divide(Path((a, b)): Path<(i64, i64)>) -> Result<Json<Value>, Problem> {
    let quotient = a.checked_div(b).ok_or_else(|| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "NO_QUOTIENT")
            .detail(format!("{a} / {b} is not a number"))
    })?;
    Ok(Json(json!({"quotient": quotient})))
}

async fn who(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    format!("you are {peer}\n")
}

/// Longer than its timeout: 504 after two seconds.
async fn slow() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

fn main() -> ExitCode {
    Service::new("calculator", env!("CARGO_PKG_VERSION")).run(start)
}
