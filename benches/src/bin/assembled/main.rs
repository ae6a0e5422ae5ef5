//! `GET /hello` as one would assemble it by hand from what the ecosystem offers: request ids, spans and an
//! access log in JSON, metrics by route, timeout, body limit, panic guard, security headers.
//!
//! `ACCESS_LOG=off` leaves the line per request out.

mod metrics;

use std::time::Duration;

use axum::http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use axum::{Json, Router, middleware, routing::get};
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use crate::metrics::HttpMetrics;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    let listener = tokio::net::TcpListener::bind(benches::address()).await?;
    axum::serve(listener, routes()).await
}

fn routes() -> Router {
    let access_log = std::env::var("ACCESS_LOG").is_ok_and(|value| value != "off");
    let traced = TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(
        move |response: &Response<_>, latency, _: &Span| {
            if access_log {
                log(response, latency);
            }
        },
    );
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(traced)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
        .layer(RequestBodyLimitLayer::new(10 << 20))
        .layer(CatchPanicLayer::new());
    Router::new()
        .route("/hello", get(hello))
        .route_layer(middleware::from_fn_with_state(HttpMetrics::new(), metrics::observe))
        .layer(layers)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn span<B>(request: &Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), request_id = id)
}

fn log<B>(response: &Response<B>, latency: Duration) {
    tracing::info!(status = response.status().as_u16(), latency_ms = latency.as_secs_f64() * 1e3, "answered");
}

async fn hello() -> Json<Value> {
    Json(json!({"hello": "world"}))
}
