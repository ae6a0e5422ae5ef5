use axum::body::HttpBody;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Version};

use crate::answer::Meta;
use crate::edge::REQUEST_ID;
use crate::problem;
use crate::shared::{Shared, Stage};

/// Set on every response that does not say otherwise (OWASP secure headers).
static SECURITY: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The headers that every response carries.
pub(crate) fn headers(response: Response, meta: &Meta) -> Response {
    let mut response = explain_bare_error(response);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_bytes(meta.context.request_id().as_bytes()) {
        headers.insert(REQUEST_ID, id);
    }
    if meta.shared().config.security_headers {
        for (name, value) in &SECURITY {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    #[cfg(feature = "cors")]
    if let (Some(config), Some(origin)) = (&meta.shared().config.cors, &meta.origin) {
        crate::cors::admit(config, origin, headers);
    }
    // Who pipelines has its next request here already: answering comes first, closing when it is quiet.
    if !meta.pipelined() {
        close_if_leaving(&mut response, meta.shared(), meta.version);
    }
    response
}

/// From the first sign of the shutdown on, every HTTP/1 client is asked to come back on a new connection.
pub(crate) fn close_if_leaving(response: &mut Response, shared: &Shared, version: Version) {
    let http1 = version <= Version::HTTP_11;
    if http1 && shared.stage() > Stage::Open && response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// An error status without a body (axum's own 404 and 405) becomes a problem; its headers stay.
fn explain_bare_error(response: Response) -> Response {
    let status = response.status();
    let bare = status.is_client_error() || status.is_server_error();
    if !bare
        || response.headers().contains_key(CONTENT_TYPE)
        || response.body().size_hint().upper() != Some(0)
    {
        return response;
    }
    let mut explained = problem::for_bare_status(status).into_response();
    for (name, value) in response.headers() {
        if name != http::header::CONTENT_LENGTH {
            explained.headers_mut().append(name, value.clone());
        }
    }
    explained
}

pub(crate) fn is_event_stream<B>(response: &http::Response<B>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}
