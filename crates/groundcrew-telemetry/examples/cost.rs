//! What a span and a line cost, to be run under callgrind: `cost spans|fields|context|lines|events|access COUNT`.
//!
//! With a third argument `stdout`, lines go there instead of nowhere. The difference between two counts, divided by their difference, leaves the start out.

use groundcrew_telemetry::{Context, LogConfig, LogFormat, Logging};
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let count: u32 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or_default();
    let mut config = LogConfig::default();
    config.format = LogFormat::Json;
    let mut logging = Logging::new("hello", config);
    if arguments.next().is_none() {
        logging = logging.with_sink(std::io::sink());
    }
    let log = logging.install().expect("no other subscriber is there");
    // One line warms what a thread keeps.
    tracing::info!("ready");
    for _ in 0..count {
        match what.as_str() {
            "spans" => tracing::info_span!("request").in_scope(|| black_box(())),
            "fields" => {
                let span = tracing::info_span!("request", method = "GET", route = "/hello");
                span.in_scope(|| black_box(()));
            }
            "context" => {
                let context = black_box(Context::random()).into_arc();
                let _entered = context.enter();
            }
            "lines" => tracing::info!("ready"),
            "events" => line(),
            "access" => {
                let context = black_box(Context::random()).into_arc();
                let _entered = context.enter();
                tracing::info_span!("request").in_scope(line);
            }
            _ => {}
        }
    }
    assert!(log.flush(Duration::from_mins(1)));
    eprintln!("{} written, {} dropped", log.written(), log.dropped());
}

fn line() {
    tracing::info!(
        method = black_box("GET"),
        route = black_box("/hello/{name}"),
        path = black_box("/hello/somebody"),
        status = black_box(200_u64),
        duration_us = black_box(1234_u64),
        bytes_in = black_box(0_u64),
        bytes_out = black_box(17_u64),
        peer = black_box("127.0.0.1"),
        "request",
    );
}
