//! What a collector receives.
#![cfg(feature = "otlp")]

use groundcrew_telemetry::{Context, LogConfig, Logging, Otlp, OtlpConfig, RequestId, TraceContext};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

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

#[tokio::test(flavor = "multi_thread")]
async fn the_span_that_a_context_adopts_arrives_with_its_ids_under_the_caller() {
    let (endpoint, received) = collector();
    let mut config = OtlpConfig::default();
    config.endpoint = endpoint;
    let otlp = Otlp::try_new("hello", &config).expect("an endpoint");
    let logging = Logging::new("hello", LogConfig::default()).with_sink(std::io::sink()).with_traces(&otlp);
    let (dispatch, _log) = logging.build().expect("a thread");

    let caller = TraceContext { sampled: true, ..TraceContext::random() };
    let context = Context::continuing(RequestId::random(), caller);
    let unsampled = Context::continuing(RequestId::random(), TraceContext::random());
    tracing::dispatcher::with_default(&dispatch, || {
        for context in [&context, &unsampled] {
            let span = tracing::info_span!("request", route = "/hello");
            context.adopt(&span);
            span.in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
        }
    });
    otlp.shutdown().await.expect("a collector that answers");

    let body = received.recv().expect("one batch");
    for name in ["hello", "request", "inner", "/hello"] {
        assert!(contains(&body, name.as_bytes()), "{name}");
    }
    let ids = context.trace();
    assert!(contains(&body, &ids.trace_id.to_be_bytes()));
    assert!(contains(&body, &ids.span_id.to_be_bytes()));
    assert!(contains(&body, &caller.span_id.to_be_bytes()));
    assert!(!contains(&body, &unsampled.trace().trace_id.to_be_bytes()));
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_an_error_at_once() {
    let mut config = OtlpConfig::default();
    config.endpoint = "not a url".to_owned();
    assert!(Otlp::try_new("hello", &config).is_err());
}
