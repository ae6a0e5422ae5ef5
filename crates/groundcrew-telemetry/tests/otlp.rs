//! What a collector receives.
#![cfg(feature = "otlp")]

use groundcrew_telemetry::{
    Context, LogConfig, LogError, Logging, Otlp, OtlpConfig, RequestId, TraceContext,
};
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

/// Takes one POST and hands its body on.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().expect("bound"));
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = Vec::new();
        let body = loop {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece)?;
            request.extend_from_slice(&piece[..read]);
            let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length =
                head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if read == 0 || request.len() >= end + 4 + length.unwrap_or(0_usize) {
                break request.split_off(end + 4);
            }
        };
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        let _ = send.send(body);
        std::io::Result::Ok(())
    });
    (endpoint, receive)
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// Runs `work` where its spans are exported, and gives what the collector gets of it.
async fn exported(work: impl FnOnce()) -> Vec<u8> {
    let (endpoint, received) = collector();
    let mut config = OtlpConfig::default();
    config.endpoint = endpoint;
    let otlp = Otlp::try_new("hello", &config).expect("an endpoint");
    let logging = Logging::new("hello", LogConfig::default()).with_sink(std::io::sink()).with_traces(&otlp);
    let (dispatch, _log) = logging.build().expect("a thread");
    tracing::dispatcher::with_default(&dispatch, work);
    otlp.shutdown().await.expect("a collector that answers");
    // Where nothing is exported, nobody comes to the collector.
    received.recv_timeout(Duration::from_secs(10)).expect("one batch")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_span_that_a_context_adopts_arrives_with_its_ids_under_the_caller() {
    let caller = TraceContext { sampled: true, ..TraceContext::random() };
    let context = Context::continuing(RequestId::random(), caller);
    let unsampled = Context::continuing(RequestId::random(), TraceContext::random());
    let body = exported(|| {
        for context in [&context, &unsampled] {
            let span = tracing::info_span!("request", route = "/hello");
            context.adopt(&span);
            span.in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
        }
    })
    .await;

    for name in ["hello", "request", "inner", "/hello"] {
        assert!(contains(&body, name.as_bytes()), "{name}");
    }
    let ids = context.trace();
    assert!(contains(&body, &ids.trace_id.to_be_bytes()));
    assert!(contains(&body, &ids.span_id.to_be_bytes()));
    assert!(contains(&body, &caller.span_id.to_be_bytes()));
    assert!(!contains(&body, &unsampled.trace().trace_id.to_be_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_asked_for_is_recorded() {
    let context = Context::random();
    let body = exported(|| context.adopt(&tracing::info_span!("nightly"))).await;
    assert!(contains(&body, b"nightly"));
    assert!(contains(&body, &context.trace().trace_id.to_be_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_lines_do_not_print_does_not_reach_the_collector_either() {
    let body = exported(|| {
        let span = tracing::info_span!("request", api_key = "canary", store = "redis://bot:canary@cache/0");
        Context::random().adopt(&span);
        span.in_scope(|| {
            let error = LogError::Thread(std::io::Error::other("no amqp://bot:canary@queue"));
            tracing::warn!(error = &error as &(dyn Error + 'static), "an error with a cause");
            tracing::warn!(password = "canary", "at postgres://bot:canary@db/x");
        });
    })
    .await;

    for kept in
        ["api_key", "password", "@cache/0", "amqp://bot:[redacted]@queue", "at postgres://bot:[redacted]@"]
    {
        assert!(contains(&body, kept.as_bytes()), "{kept}");
    }
    assert!(!contains(&body, b"canary"), "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_an_error_at_once() {
    let mut config = OtlpConfig::default();
    config.endpoint = "not a url".to_owned();
    assert!(Otlp::try_new("hello", &config).is_err());
}
