//! Whom the access log names as the one who asks.
#![cfg(feature = "limit")]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use groundcrew_http::HttpConfig;
use groundcrew_telemetry::{LogConfig, Logging};
use serde_json::Value;
use support::{PATIENCE, Server};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics in here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// The line of the request.
    fn access(&self) -> Value {
        let bytes = self.0.lock().expect("no test panics in here").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.find(|line| line["target"] == "groundcrew::access").expect("a line of the request")
    }
}

/// What is logged of a request from this machine that says it is forwarded, and the address that it comes from.
async fn logged(trusted: &[&str], forwarded_for: &str) -> (Value, String) {
    let captured = Captured::default();
    let logging = Logging::new("test", LogConfig::default()).with_sink(captured.clone());
    let (dispatch, log) = logging.build().expect("a thread");
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let trusted_proxies = trusted.iter().map(|network| network.parse().expect("a network")).collect();
    let config = HttpConfig { trusted_proxies, ..HttpConfig::ephemeral() };
    let server = Server::start(config, Router::new().route("/hello", get(|| async { "hello" }))).await;
    let mut client = server.connect().await;
    let peer = client.stream.local_addr().expect("an address").to_string();
    let header = format!("x-forwarded-for: {forwarded_for}");
    client.send(&format!("GET /hello HTTP/1.1\r\nhost: test\r\n{header}\r\n\r\n")).await;
    assert_eq!(client.answer().await.expect("an answer").status, 200);
    assert!(log.flush(PATIENCE));
    (captured.access(), peer)
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_line_names_the_client_and_the_proxy() {
    let (line, peer) = logged(&["127.0.0.0/8"], "203.0.113.9").await;
    assert_eq!(line["client.address"], "203.0.113.9");
    assert_eq!(line["network.peer.address"], peer);
}

#[tokio::test]
async fn who_is_no_trusted_proxy_is_the_client_whatever_it_says() {
    let (line, peer) = logged(&[], "203.0.113.9").await;
    assert_eq!(line["client.address"], peer);
    assert!(line.get("network.peer.address").is_none(), "{line}");
}

#[tokio::test]
async fn a_proxy_that_asks_for_itself_is_the_client() {
    let (line, peer) = logged(&["127.0.0.0/8"], "").await;
    assert_eq!(line["client.address"], peer);
    assert!(line.get("network.peer.address").is_none(), "{line}");
}
