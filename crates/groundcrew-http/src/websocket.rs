use std::future::Future;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use groundcrew_runtime::{Crew, Stop};

/// Upgrades requests to WebSockets that the shutdown knows of: each is told, closed with 1001 (going away) and
/// waited for.
///
/// ```
/// use axum::{Router, extract::ws::WebSocketUpgrade, routing::get};
/// use groundcrew_http::WebSockets;
/// use groundcrew_runtime::Crew;
///
/// fn routes(crew: &Crew) -> Router {
///     let sockets = WebSockets::new(crew);
///     Router::new().route(
///         "/echo",
///         get(move |upgrade: WebSocketUpgrade| async move {
///             sockets.upgrade(upgrade, |mut socket, stop| async move {
///                 while let Some(Some(Ok(message))) = stop.unless(socket.recv()).await {
///                     if socket.send(message).await.is_err() {
///                         break;
///                     }
///                 }
///                 socket // handed back: closed for you
///             })
///         }),
///     )
/// }
/// ```
#[derive(Debug, Clone)]
pub struct WebSockets {
    crew: Crew,
}

// === impl WebSockets ===

impl WebSockets {
    /// For the routes of this crew.
    pub fn new(crew: &Crew) -> Self {
        Self { crew: crew.clone() }
    }

    /// Runs `serve` on the upgraded connection. It is given the stop token and hands the socket back when it
    /// is done, or soon after the token fires.
    pub fn upgrade<F, Fut>(self, upgrade: WebSocketUpgrade, serve: F) -> Response
    where
        F: FnOnce(WebSocket, Stop) -> Fut + Send + 'static,
        Fut: Future<Output = WebSocket> + Send + 'static,
    {
        let crew = self.crew;
        upgrade.on_upgrade(move |socket| async move {
            let stop = crew.stop();
            let served = serve(socket, stop.clone());
            let done = crew.detach("websocket", async move { close(served.await, &stop).await });
            // The drain waits for the detached work, whether this future is still there or not.
            let _gone = done.await;
        })
    }
}

async fn close(mut socket: WebSocket, stop: &Stop) {
    let (code, reason) =
        if stop.is_requested() { (close_code::AWAY, "going away") } else { (close_code::NORMAL, "") };
    // A peer that is gone needs no good-bye.
    let _gone = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
