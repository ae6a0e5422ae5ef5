//! What a span, a line and a measurement cost, to be run under callgrind:
//! `cost spans|fields|context|lines|events|access|metrics|clock COUNT`.
//!
//! The instructions of two runs, subtracted, and divided by the difference of their counts, leave the start out.
//! With a third argument `stdout`, lines go there instead of nowhere.

use groundcrew_telemetry::{Context, DURATION_BUCKETS, LogConfig, LogFormat, Logging, Metrics};
use std::hint::black_box;
use std::time::{Duration, Instant};

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
    let metrics = Metrics::new("hello", "1.0.0");
    let counter = metrics.counter("requests_total", "Requests.").expect("a new name");
    let seconds = metrics.histogram("seconds", "Seconds.", DURATION_BUCKETS).expect("a new name");
    let rate = metrics.rate("requests_per_second", "Rate.").expect("a new name");
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
            "metrics" => {
                let now = black_box(Instant::now());
                counter.inc();
                rate.mark_at(now);
                seconds.observe(now.elapsed().as_secs_f64());
            }
            "clock" => {
                black_box(black_box(Instant::now()).elapsed().as_secs_f64());
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
