//! What every request passes: faults, limits, the ledger.

use super::App;
use crate::fault::Effect;
use crate::ledger::Request as Entry;
use crate::limit::{Allowance, Route, Verdict};
use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use std::fmt::Display;
use std::time::Duration;

/// Bodies up to here are kept in the ledger.
const KEPT_BODY: usize = 64 * 1024;

/// How a request is dealt with, decided under one lock.
enum Way {
    On(Option<Allowance>, Option<Effect>),
    Back(Response),
    Cut,
}

pub(crate) async fn pass(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().to_string();
    let path = uri.path().trim_start_matches("/api").trim_start_matches("/v10").to_owned();
    let route = Route::of(&path);
    let (request, body) = keep_body(request).await;
    let way = app.change(|state| decide(state, &app.options, &method, &path, &route));
    let (response, effect) = match way {
        Way::Cut => (cut(), Some(Effect::Cut)),
        Way::Back(response) => (response, None),
        Way::On(allowance, effect) => {
            let mut response = next.run(request).await;
            if let Some(allowance) = allowance {
                headers(response.headers_mut(), &allowance);
            }
            (response, effect)
        }
    };
    let cut_off = matches!(effect, Some(Effect::Cut | Effect::CutAfter));
    let status = if cut_off { 0 } else { response.status().as_u16() };
    let shared = response.headers().get("x-ratelimit-scope").is_some_and(|scope| scope == "shared");
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    app.change(|state| {
        let at_ms = state.ledger.at_ms();
        let entry = Entry { at_ms, method, path: path + &query, route: route.template, status, body };
        state.ledger.enter(entry, matches!(status, 401 | 403 | 429) && !shared);
    });
    match effect {
        Some(Effect::Slow { ms }) => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                () = app.stopped() => {}
            }
            response
        }
        Some(Effect::CutAfter) => cut(),
        _ => response,
    }
}

fn decide(
    state: &mut crate::shared::State,
    options: &crate::Options,
    method: &str,
    path: &str,
    route: &Route,
) -> Way {
    if state.ledger.invalid() >= options.invalid_requests {
        let page = "<html><body>Access denied | error 1015: you are being rate limited</body></html>";
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Html(page)).into_response();
        set(response.headers_mut(), "retry-after", 600);
        return Way::Back(response);
    }
    match state.faults.take(method, path) {
        Some(Effect::TooMany { retry_after, global, shared }) => {
            return Way::Back(too_many(retry_after, global, shared, None));
        }
        Some(Effect::Status { status, code }) => return Way::Back(failure(status, code)),
        Some(Effect::Cut) => return Way::Cut,
        Some(effect @ (Effect::Slow { .. } | Effect::CutAfter)) => return Way::On(None, Some(effect)),
        None => {}
    }
    match state.buckets.take(method, route) {
        Verdict::Free => Way::On(None, None),
        Verdict::Allowed(allowance) => Way::On(Some(allowance), None),
        Verdict::Refused(allowance) => {
            Way::Back(too_many(allowance.reset_after.as_secs_f64(), false, false, Some(&allowance)))
        }
        Verdict::RefusedGlobally(wait) => Way::Back(too_many(wait.as_secs_f64(), true, false, None)),
    }
}

/// Reads a JSON body so that it can be looked at and still be read again.
async fn keep_body(request: Request) -> (Request, Option<Value>) {
    let json = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, super::LARGEST_BODY).await.unwrap_or_default();
    let kept = (bytes.len() <= KEPT_BODY).then(|| serde_json::from_slice(&bytes).ok()).flatten();
    (Request::from_parts(parts, Body::from(bytes)), kept)
}

/// An answer that breaks off before its first byte: hyper closes the connection without having sent anything.
fn cut() -> Response {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Body::from_stream(broken).into_response()
}

fn failure(status: u16, code: u64) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        return (status, Html(format!("<html><body>{status}</body></html>"))).into_response();
    }
    let message = format!("{}: {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    (status, Json(json!({"message": message, "code": code}))).into_response()
}

fn too_many(retry_after: f64, global: bool, shared: bool, allowance: Option<&Allowance>) -> Response {
    let body =
        json!({"message": "You are being rate limited.", "retry_after": retry_after, "global": global});
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    let map = response.headers_mut();
    if let Some(allowance) = allowance {
        headers(map, allowance);
    }
    set(map, "retry-after", retry_after.ceil());
    let scope = match (global, shared) {
        (true, _) => "global",
        (_, true) => "shared",
        _ => "user",
    };
    set(map, "x-ratelimit-scope", scope);
    if global {
        set(map, "x-ratelimit-global", true);
    }
    response
}

fn headers(map: &mut HeaderMap, allowance: &Allowance) {
    let reset_after = allowance.reset_after.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of this century fit")]
    let now = crate::snowflake::now_ms() as f64 / 1000.0;
    set(map, "x-ratelimit-limit", allowance.limit);
    set(map, "x-ratelimit-remaining", allowance.remaining);
    set(map, "x-ratelimit-reset", format!("{:.3}", now + reset_after));
    set(map, "x-ratelimit-reset-after", format!("{reset_after:.3}"));
    set(map, "x-ratelimit-bucket", &allowance.bucket);
}

fn set(map: &mut HeaderMap, name: &'static str, value: impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        map.insert(HeaderName::from_static(name), value);
    }
}
