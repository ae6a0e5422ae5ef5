use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::Service;

use crate::problem;
use crate::shared::Shared;

/// Where requests wait for the routes of a service that starts on a listener that was handed over: their clients had
/// been told that somebody listens before we were there. How long they wait at most is the request timeout, as for a
/// handler.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let shared = shared.clone();
    Router::new().fallback(move |request| wait(shared, request))
}

async fn wait(shared: Arc<Shared>, request: Request) -> Response {
    // A service that stops before it has started will have none.
    let _stopped = shared.crew.stop().unless(shared.serving.cancelled()).await;
    let Some(table) = shared.routes.get() else { return problem::starting().into_response() };
    let (mut service, _) = table.find(request.method(), request.uri().path());
    match service.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::routing::get;
    use groundcrew_runtime::Crew;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::listener::Listener;
    use crate::probes::Probes;
    use crate::server::Http;
    use crate::{HttpConfig, ProbesConfig};

    async fn handed_over(crew: &Crew, config: HttpConfig) -> (Http, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = Listener::Tcp { listener, handed_over: true };
        let probes = Probes::new(crew, ProbesConfig::default(), false);
        let http = Http::start(listener, Shared::try_new("http", crew, config, probes, true).unwrap());
        let address = http.local_addr().unwrap();
        (http, address)
    }

    async fn ask(address: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Asks, and returns once the request has arrived: a connection that came later has been answered.
    async fn ask_early(address: SocketAddr) -> TcpStream {
        let early = ask(address, "/hello").await;
        let health = answer(ask(address, "/health").await).await;
        assert!(health.starts_with("HTTP/1.1 200"), "{health}");
        early
    }

    #[tokio::test]
    async fn a_request_waits_for_the_routes_and_is_answered_by_them() {
        let crew = Crew::builder("test", "1.0.0").build();
        let (http, address) = handed_over(&crew, HttpConfig::default()).await;
        let early = ask_early(address).await;
        http.serve(Router::new().route("/hello", get(|| async { "hello" })));
        let answer = answer(early).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_waits_for_the_routes_no_longer_than_its_timeout() {
        let crew = Crew::builder("test", "1.0.0").build();
        let config = HttpConfig { request_timeout: Duration::from_millis(50), ..HttpConfig::default() };
        let (_http, address) = handed_over(&crew, config).await;
        let answer = answer(ask(address, "/hello").await).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("STARTING"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_that_waits_for_routes_does_not_hold_the_shutdown_up() {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
        let (_http, address) = handed_over(&crew, HttpConfig::default()).await;
        let early = ask_early(address).await;
        let receipt = crew.land().await;
        let answer = answer(early).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("STARTING"), "{answer}");
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
    }
}
