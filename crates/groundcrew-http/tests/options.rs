//! What the optional features add: CORS, compression, TLS, WebSockets.
#![cfg(all(feature = "cors", feature = "compression", feature = "tls", feature = "ws"))]

mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use groundcrew_http::{CorsConfig, HttpConfig, TlsConfig, WebSockets};
use rustls::pki_types::ServerName;
use support::{Answer, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello ".repeat(200) }))
}

/// Pages of one other origin may ask.
fn with_cors() -> HttpConfig {
    let origins = vec!["https://app.example.com".to_owned()];
    let cors = CorsConfig { origins, credentials: false, max_age: Duration::from_secs(60) };
    HttpConfig { cors: Some(cors), ..HttpConfig::ephemeral() }
}

/// What a page of this origin is answered.
async fn ask_from(origin: &str, path: &str, server: &Server) -> Answer {
    let mut client = server.connect().await;
    client.send(&format!("GET {path} HTTP/1.1\r\nhost: t\r\norigin: {origin}\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

#[tokio::test]
async fn only_the_named_origins_are_allowed_in() {
    let server = Server::start(with_cors(), hello()).await;
    for (origin, allowed) in [("https://app.example.com", true), ("https://evil.example.com", false)] {
        let answer = ask_from(origin, "/hello", &server).await;
        assert_eq!(answer.header("access-control-allow-origin").is_some(), allowed, "{origin}");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_can_read_what_the_server_itself_answers() {
    let routes = Router::new()
        .route("/slow", get(std::future::pending::<()>))
        .route("/panic", get(|| async { assert!(std::hint::black_box(false), "on purpose") }));
    let config = HttpConfig { request_timeout: Duration::from_millis(50), ..with_cors() };
    let server = Server::start(config, routes).await;
    for (path, status) in [("/slow", 504), ("/panic", 500)] {
        let answer = ask_from("https://app.example.com", path, &server).await;
        let origin = answer.header("access-control-allow-origin");
        assert_eq!((answer.status, origin), (status, Some("https://app.example.com")), "{}", answer.head);
        assert_eq!(answer.header("access-control-expose-headers"), Some("x-request-id"));
        let other = ask_from("https://evil.example.com", path, &server).await;
        assert_eq!((other.status, other.header("access-control-allow-origin")), (status, None));
    }
}

#[tokio::test]
async fn a_body_is_compressed_for_a_client_that_accepts_it_and_for_nobody_else() {
    let server = Server::start(HttpConfig { compression: true, ..HttpConfig::ephemeral() }, hello()).await;
    let mut client = server.connect().await;
    client.send("GET /hello HTTP/1.1\r\nhost: t\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n").await;
    assert!(client.read_to_end().await.contains("content-encoding: gzip"));
    assert_eq!(server.get("/hello").await.header("content-encoding"), None);
}

/// A certificate for `localhost` and its key, as files.
fn certificate(folder: &std::path::Path) -> (TlsConfig, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let config = TlsConfig { cert: folder.join("tls.crt"), key: folder.join("tls.key") };
    std::fs::File::create(&config.cert).unwrap().write_all(made.cert.pem().as_bytes()).unwrap();
    std::fs::File::create(&config.key)
        .unwrap()
        .write_all(made.signing_key.serialize_pem().as_bytes())
        .unwrap();
    (config, made.cert.der().to_vec())
}

/// A connection to a server with this certificate, by the protocols that the client offers.
async fn shake_hands(server: &Server, der: Vec<u8>, protocols: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der.into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let tcp = server.connect().await.stream;
    connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap()
}

#[tokio::test]
async fn https_is_served_with_the_configured_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, der) = certificate(folder.path());
    let server = Server::start(HttpConfig { tls: Some(tls), ..HttpConfig::ephemeral() }, hello()).await;
    let mut stream = shake_hands(&server, der, &[]).await;
    stream.write_all(b"GET /hello HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("a clean end with close_notify");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_refused_with_its_key_and_path() {
    let crew = groundcrew_runtime::Crew::builder("test", "1.0.0").build();
    let tls = TlsConfig { cert: "/nowhere/tls.crt".into(), key: "/nowhere/tls.key".into() };
    let error = HttpConfig { tls: Some(tls), ..HttpConfig::ephemeral() }.bind(&crew).await.unwrap_err();
    assert!(error.to_string().starts_with("http.tls.cert names /nowhere/tls.crt"), "{error}");
}

/// A server that echoes over `/echo`.
async fn echo(config: HttpConfig) -> Server {
    let (server, http) = Server::bind(config).await;
    let sockets = WebSockets::new(&server.crew);
    let echo = move |upgrade: WebSocketUpgrade| async move {
        sockets.upgrade(upgrade, |mut socket, stop| async move {
            while let Some(Some(Ok(message))) = stop.unless(socket.recv()).await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
            socket
        })
    };
    http.serve(hello().route("/echo", get(echo)));
    server
}

/// A WebSocket that has been answered once.
async fn websocket(server: &Server) -> WebSocketStream<TcpStream> {
    let stream = server.connect().await.stream;
    let (mut socket, _) = tokio_tungstenite::client_async("ws://test/echo", stream).await.unwrap();
    say_hello(&mut socket).await;
    socket
}

async fn say_hello(socket: &mut WebSocketStream<TcpStream>) {
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn a_websocket_keeps_its_place_among_the_connections_until_it_is_closed() {
    let server = echo(HttpConfig { max_connections: 1, ..HttpConfig::ephemeral() }).await;
    let mut socket = websocket(&server).await;
    let mut next = server.connect().await;
    next.get("/hello").await;
    for _ in 0..20 {
        say_hello(&mut socket).await;
    }
    let too_early = next.stream.try_read(&mut [0]).expect_err("there is no room");
    assert_eq!(too_early.kind(), std::io::ErrorKind::WouldBlock);
    let metrics = server.crew.metrics().encode();
    let counted = metrics.lines().find(|line| line.starts_with("http_connections{")).expect("the gauge");
    assert!(counted.ends_with(" 1"), "{counted}");
    socket.close(None).await.unwrap();
    assert_eq!(next.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_websocket_is_closed_with_going_away_and_waited_for() {
    let server = echo(HttpConfig::ephemeral()).await;
    let mut socket = websocket(&server).await;
    let landing = server.land();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("a close frame") };
    assert_eq!(u16::from(frame.code), 1001);
    drop(socket);
    let receipt = landing.await.unwrap();
    assert!(receipt.summary().contains("drain: websocket finished"), "{receipt}");
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
}

#[tokio::test]
async fn an_upgrade_that_nobody_has_promised_to_close_does_not_hold_the_shutdown_up() {
    let endless = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.recv().await {
                socket.send(message).await.unwrap();
            }
        })
    };
    let server = Server::start(HttpConfig::ephemeral(), Router::new().route("/echo", get(endless))).await;
    let _socket = websocket(&server).await;
    let receipt = server.land().await.unwrap();
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
}

#[tokio::test]
async fn a_handshake_that_stalls_does_not_hold_the_shutdown_up() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, _der) = certificate(folder.path());
    let config =
        HttpConfig { tls: Some(tls), header_timeout: Duration::from_secs(60), ..HttpConfig::ephemeral() };
    let server = Server::start(config, hello()).await;
    let mut client = server.connect().await;
    client.stream.write_all(b"\x16\x03\x01").await.unwrap();
    let receipt = server.land().await.unwrap();
    assert!(receipt.took < Duration::from_secs(10), "{receipt}");
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_client_that_has_chosen_http2_and_says_nothing_does_not_hold_the_shutdown_up() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, der) = certificate(folder.path());
    let config =
        HttpConfig { tls: Some(tls), first_byte_timeout: Duration::from_secs(60), ..HttpConfig::ephemeral() };
    let server = Server::start(config, hello()).await;
    let stream = shake_hands(&server, der, &["h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let receipt = server.land().await.unwrap();
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
    assert!(receipt.took < Duration::from_secs(10), "{receipt}");
}
