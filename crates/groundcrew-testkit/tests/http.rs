//! The raw client against small servers.

mod support;

use groundcrew_testkit::http::{self, Connection};
use std::io::ErrorKind;
use support::{OK, Server, answer_all, echo, request};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_response_shows_its_status_headers_and_body() {
    const MISSING: &[u8] =
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nnope";
    let server = Server::start(|stream| answer_all(stream, MISSING)).await;
    let response = http::get(server.addr, "/").await.expect("it answers");
    assert_eq!((response.status, response.header("content-type")), (404, Some("text/plain")));
    assert_eq!(response.text(), "nope");
}

#[tokio::test]
async fn a_chunked_body_is_put_together() {
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let server = Server::start(|stream| answer_all(stream, CHUNKED)).await;
    assert_eq!(http::get(server.addr, "/").await.expect("it answers").text(), "abc");
}

#[tokio::test]
async fn one_connection_carries_several_requests_even_in_pieces() {
    let server = Server::start(|stream| answer_all(stream, OK)).await;
    let mut connection = Connection::open(server.addr).await.expect("it accepts");
    for _ in 0..2 {
        connection.send("GET / HT").await.expect("it is open");
        connection.send("TP/1.1\r\n\r\n").await.expect("it is open");
        assert_eq!(connection.response().await.expect("it answers").status, 200);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_an_error() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(&OK[..30]).await;
    })
    .await;
    let error = http::get(server.addr, "/").await.expect_err("it is not complete");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn raw_bytes_are_exchanged_until_the_peer_closes() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"not http at all").await;
    })
    .await;
    assert_eq!(http::exchange(server.addr, "\r\n\r\n").await.expect("it closes"), b"not http at all");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_invalid() {
    let server = Server::start(echo).await;
    let error = http::get(server.addr, "/").await.expect_err("an echo is no response");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}
