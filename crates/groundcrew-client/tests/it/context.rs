use axum::response::IntoResponse;
use groundcrew_telemetry::Context;

use crate::support::{Server, bounded, client, crew, quick};

/// A server that says which ids it was sent.
async fn telling() -> Server {
    Server::answering(|_, request| async move {
        let text = |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap_or("?"));
        format!("{} {}", text("traceparent"), text("x-request-id")).into_response()
    })
    .await
}

#[tokio::test]
async fn the_ids_of_the_current_request_go_along_but_not_to_strangers() {
    bounded(async {
        let server = telling().await;
        let request = Context::random().into_arc();
        let trace = String::from_utf8(request.trace().traceparent().to_vec()).unwrap();
        let id = request.request_id().as_str().to_owned();
        let usual = client(&quick());
        let sent = request.clone().scope(usual.get(server.url("/")).send()).await.unwrap();
        assert_eq!(sent.text().await.unwrap(), format!("{trace} {id}"));

        let by_hand = usual.get(server.url("/")).header("x-request-id", "mine").send();
        let sent = request.clone().scope(by_hand).await.unwrap();
        assert_eq!(sent.text().await.unwrap(), format!("{trace} mine"));

        let guarded = quick().named("strangers").allow_http().exempt(["127.0.0.1"]).build(&crew()).unwrap();
        let sent = request.scope(guarded.get(server.url("/")).send()).await.unwrap();
        assert_eq!(sent.text().await.unwrap(), "- -");

        let sent = usual.get(server.url("/")).send().await.unwrap();
        assert_eq!(sent.text().await.unwrap(), "- -", "without a request there are none");
    })
    .await;
}

#[tokio::test]
async fn a_client_says_who_it_is() {
    bounded(async {
        let server = Server::answering(|_, request| async move {
            request.headers()["user-agent"].to_str().unwrap().to_owned().into_response()
        })
        .await;
        let sent = client(&quick()).get(server.url("/")).send().await.unwrap();
        let expected = format!("tests groundcrew-client/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(sent.text().await.unwrap(), expected);
    })
    .await;
}
