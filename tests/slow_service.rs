//! A service with everything that makes a shutdown difficult: a slow start, slow handlers, endless streams.

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use groundcrew::axum::body::{Body, Bytes};
use groundcrew::axum::response::IntoResponse;
use groundcrew::axum::{Router, routing::get};
use groundcrew::config::{FromConfig, Secret};
use groundcrew::http::HttpConfig;
use groundcrew::runtime::{Reason, Restart};
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
    /// Whether the last of them asks for the shutdown before.
    #[config(default = false)]
    stuck_tasks_end_it: bool,
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
    let (stuck, end_it) = (config.stuck_tasks, config.stuck_tasks_end_it);
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 1..=stuck {
        let (begun, ending) = (begun.clone(), crew.clone());
        crew.task("stuck", Restart::Never, move |_stop| {
            let (begun, crew) = (begun.clone(), ending.clone());
            async move {
                println!("task {number} blocks its worker");
                let last = begun.fetch_add(1, Ordering::Relaxed) + 1 == stuck;
                if last && end_it {
                    crew.request_shutdown(Reason::Requested("every task is stuck".to_owned()));
                }
                std::thread::sleep(Duration::from_secs(3600));
            }
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
