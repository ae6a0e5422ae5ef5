use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::StreamExt;
use groundcrew_client::{ClientError, Limit};
use groundcrew_testkit::proxy::{FaultProxy, Mode};

use crate::support::{Server, bounded, client, drip, quick, quick_but};

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_never_a_shorter_body() {
    bounded(async {
        let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1234";
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n";
        for bytes in [&announced[..], &chunked[..]] {
            let server = Server::writing(bytes).await;
            let response = client(&quick()).get(server.url("/")).send().await.unwrap();
            let error = response.bytes().await.unwrap_err();
            assert!(matches!(error, ClientError::Interrupted { .. }), "{error}");
            assert!(!error.never_sent());
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_of_a_body_is_noticed() {
    bounded(async {
        let server = Server::answering(|_, _| async { drip(1000, Duration::from_millis(10)) }).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        let response = client(&quick()).get(proxy.url_to(&server.url("/"))).send().await.unwrap();
        let mut chunks = response.chunks();
        assert!(chunks.next().await.unwrap().is_ok());
        proxy.set(Mode::Cut).await;
        let error = loop {
            match chunks.next().await.expect("the end is not the end of the body") {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ClientError::Interrupted { .. }), "{error}");
        assert!(chunks.next().await.is_none(), "nothing after an error");
    })
    .await;
}

#[tokio::test]
async fn a_dripping_body_ends_with_the_call_unless_it_is_read_in_chunks() {
    bounded(async {
        let server = Server::answering(|_, _| async { drip(10, Duration::from_millis(60)) }).await;
        let client = client(&quick_but(|config| config.total_timeout = Duration::from_millis(300)));
        let error = client.get(server.url("/")).send().await.unwrap().bytes().await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { limit: Limit::Total, .. }), "{error}");

        let chunks = client.get(server.url("/")).send().await.unwrap().chunks();
        let chunks: Vec<_> = chunks.map(Result::unwrap).collect().await;
        assert_eq!(chunks.concat(), b"0;1;2;3;4;5;6;7;8;9;");
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_stalls_ends_after_the_chunk_timeout() {
    bounded(async {
        let server = Server::answering(|_, _| async { drip(2, Duration::from_millis(300)) }).await;
        let client = client(&quick_but(|config| config.chunk_timeout = Duration::from_millis(100)));
        let mut chunks = client.get(server.url("/")).send().await.unwrap().chunks();
        let error = chunks.next().await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Timeout { limit: Limit::Chunk, .. }), "{error}");
    })
    .await;
}

/// Whoever reads slowly uses up nothing of what the server has for a chunk.
#[tokio::test]
async fn the_time_for_a_chunk_runs_only_while_it_is_waited_for() {
    bounded(async {
        let server = Server::answering(|_, _| async { drip(3, Duration::from_millis(1)) }).await;
        let client = client(&quick_but(|config| config.chunk_timeout = Duration::from_millis(100)));
        let mut chunks = client.get(server.url("/")).send().await.unwrap().chunks();
        let mut read = 0;
        while let Some(chunk) = chunks.next().await {
            read += chunk.unwrap().len();
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        assert_eq!(read, 6);
    })
    .await;
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused_whether_it_is_announced_or_not() {
    bounded(async {
        let server = Server::answering(|number, _| async move {
            if number == 1 { "x".repeat(101).into_response() } else { drip(10_000, Duration::ZERO) }
        })
        .await;
        let client = client(&quick());
        for _ in 0..2 {
            let response = client.get(server.url("/")).max_response(100).send().await.unwrap();
            let error = response.bytes().await.unwrap_err();
            assert!(matches!(error, ClientError::TooLarge { limit: 100, .. }), "{error}");
        }
        let exactly = Server::answering(|_, _| async { "x".repeat(100).into_response() }).await;
        let response = client.get(exactly.url("/")).max_response(100).send().await.unwrap();
        assert_eq!(response.bytes().await.unwrap().len(), 100);
    })
    .await;
}

#[derive(Debug, serde::Deserialize)]
struct Number {
    #[expect(dead_code, reason = "never read")]
    n: u32,
}

#[tokio::test]
async fn json_that_does_not_fit_is_said_without_its_values() {
    bounded(async {
        let server =
            Server::answering(|_, _| async { Body::from(r#"{"n": "hunter2"}"#).into_response() }).await;
        let response = client(&quick()).get(server.url("/")).send().await.unwrap();
        let error = response.json::<Number>().await.unwrap_err();
        assert!(error.to_string().contains("line 1, column"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    })
    .await;
}

#[tokio::test]
async fn json_forms_and_queries_arrive_as_they_were_meant() {
    bounded(async {
        let server = Server::answering(|_, request| async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1000).await.unwrap();
            let kind = parts.headers["content-type"].to_str().unwrap().to_owned();
            format!("{} {kind} {}", parts.uri, String::from_utf8_lossy(&body)).into_response()
        })
        .await;
        let client = client(&quick());
        let sent = client.post(server.url("/a?b=1")).query([("c", "x y")]).json(&[1, 2]).send().await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "/a?b=1&c=x+y application/json [1,2]");
        let sent = client.post(server.url("/")).form([("k", "a&b")]).send().await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "/ application/x-www-form-urlencoded k=a%26b");
    })
    .await;
}
