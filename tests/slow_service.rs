//! A service with everything that makes a shutdown difficult: a slow start, slow handlers, endless streams.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use groundcrew::axum::body::{Body, Bytes};
use groundcrew::axum::response::IntoResponse;
use groundcrew::axum::{Router, routing::get};
use groundcrew::config::{FromConfig, Secret};
use groundcrew::http::HttpConfig;
use groundcrew::runtime::Restart;
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    /// How long the start takes.
    #[config(default = "0s")]
    start_takes: Duration,
    /// How long `/slow` takes.
    #[config(default = "1s")]
    answer_takes: Duration,
    /// How many tasks block their worker for an hour.
    #[config(default = 0)]
    stuck_tasks: usize,
    /// For how long the start blocks its thread.
    #[config(default = "0s")]
    start_blocks: Duration,
    /// Never shown.
    #[config(alias = "JWT_SECRET")]
    jwt_secret: Option<Secret<String>>,
}

fn main() -> ExitCode {
    Service::new("slow-service", env!("CARGO_PKG_VERSION")).run(start)
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let secret_length = config.jwt_secret.map_or(0, |secret| secret.expose().len());
    tokio::time::sleep(config.start_takes).await;
    let slow = move || async move {
        tokio::time::sleep(config.answer_takes).await;
        "done"
    };
    let routes = Router::new()
        .route("/slow", get(slow))
        .route("/events", get(events))
        .route("/secret-length", get(move || std::future::ready(secret_length.to_string())));
    http.serve(routes);
    for number in 1..=config.stuck_tasks {
        crew.task("stuck", Restart::Never, move |_stop| async move {
            println!("task {number} blocks its worker");
            std::thread::sleep(Duration::from_secs(3600));
        });
    }
    if !config.start_blocks.is_zero() {
        println!("the start blocks its thread");
        std::thread::sleep(config.start_blocks);
    }
    Ok(())
}

async fn events() -> impl IntoResponse {
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n")) });
    ([("content-type", "text/event-stream")], Body::from_stream(first.chain(stream::pending())))
}
