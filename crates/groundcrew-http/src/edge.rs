use std::convert::Infallible;
#[cfg(feature = "limit")]
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use groundcrew_telemetry::{Context, RequestId, TraceContext, TraceState};
use http::{HeaderMap, HeaderValue, Request, Response, header::HeaderName};
use hyper::body::{Body as _, Incoming};
use tower::Service;

use crate::answer::{Answer, Meta};
use crate::body::{InFlight, ResponseBody};
use crate::connection::Connection;
use crate::shared::Shared;
#[cfg(feature = "limit")]
use crate::{ClientAddress, peer::Peer};
use crate::{HttpConfig, waiting_room};

/// The header that carries a request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a request enters: everything that happens around the router, as one service and one future.
#[derive(Debug)]
pub(crate) struct Edge {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
}

// === impl Edge ===

impl Edge {
    pub(crate) fn new(shared: Arc<Shared>, connection: Arc<Connection>) -> Self {
        Self { shared, connection }
    }
}

impl hyper::service::Service<Request<Incoming>> for Edge {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let in_flight = InFlight::begin(&self.shared, &self.connection);
        if let Some(response) = self.shared.probes.answer(request.method(), request.uri().path()) {
            return Answer::ready(response, in_flight, &request);
        }
        let mut meta = meta(&request, in_flight, &self.shared.config);
        let (service, route) = match self.shared.routes.get() {
            Some(table) => table.find(&meta.method, meta.uri.path()),
            None if self.shared.handed_over => (waiting_room::router(&self.shared), None),
            None => return Answer::not_yet(meta),
        };
        meta.route = route;
        let span = span();
        meta.context.adopt(&span);
        Answer::handle(handle(service, request, &meta), span, meta)
    }
}

fn meta(request: &Request<Incoming>, in_flight: InFlight, config: &HttpConfig) -> Meta {
    let started = Instant::now();
    let context = context(request.headers(), config.trace_share);
    let context = match started.checked_add(config.request_timeout) {
        Some(deadline) => context.with_deadline(deadline),
        None => context,
    };
    let context = Arc::new(context);
    #[cfg(feature = "limit")]
    let client = find_client(request.headers(), in_flight.connection.peer.as_ref(), config);
    #[cfg(not(feature = "limit"))]
    let client = None;
    Meta {
        started,
        method: request.method().clone(),
        uri: request.uri().clone(),
        version: request.version(),
        request_bytes: request.body().size_hint().exact(),
        context,
        client,
        route: None,
        #[cfg(feature = "cors")]
        origin: config.cors.as_ref().and_then(|_| request.headers().get(http::header::ORIGIN).cloned()),
        in_flight: Some(in_flight),
    }
}

fn handle(
    mut router: Router,
    mut request: Request<Incoming>,
    meta: &Meta,
) -> axum::routing::future::RouteFuture<Infallible> {
    if let Some(peer) = meta.peer() {
        request.extensions_mut().insert(ConnectInfo(peer.address));
    }
    #[cfg(feature = "limit")]
    if let Some(client) = meta.client {
        request.extensions_mut().insert(ClientAddress(client));
    }
    if request.body().is_end_stream() {
        // A GET without a body costs no boxed body. An upgrade lies in the extensions, not here.
        return router.call(request.map(|_nothing| Body::empty()));
    }
    let limit = meta.shared().config.body_limit.as_usize();
    DefaultBodyLimit::max(limit).apply(&mut request);
    router.call(request)
}

/// Only behind proxies that are named, and behind one on this machine, is the client another than the peer.
#[cfg(feature = "limit")]
fn find_client(headers: &HeaderMap, peer: Option<&Peer>, config: &HttpConfig) -> Option<IpAddr> {
    let trusted = &config.trusted_proxies;
    if trusted.is_empty() && peer.is_some() {
        return None;
    }
    ClientAddress::behind(peer.map(|peer| peer.address.ip()), headers, trusted).map(|client| client.0)
}

/// The span of a request. Its ids stand in the context, which every line reads, so it needs no fields of its
/// own.
fn span() -> tracing::Span {
    tracing::info_span!(target: "groundcrew::http", "request")
}

/// The caller's request id and trace where they are valid, new ones otherwise.
fn context(headers: &HeaderMap, trace_share: f64) -> Context {
    let given = Given::find(headers);
    let id = given.request_id.and_then(|value| RequestId::parse(value.as_bytes()));
    let id = id.unwrap_or_else(RequestId::random);
    let parent = given.traceparent.and_then(|value| TraceContext::parse(value.as_bytes()));
    let context = match parent {
        Some(caller) => Context::continuing(id, caller),
        None => Context::new(id, TraceContext::random().sampled_at(trace_share)),
    };
    let state = parent.and_then(|_| given.tracestate?.to_str().ok()).and_then(TraceState::parse);
    match state {
        Some(state) => context.with_trace_state(state),
        None => context,
    }
}

/// The headers that carry a context, the first of each name.
#[derive(Default)]
struct Given<'a> {
    request_id: Option<&'a HeaderValue>,
    traceparent: Option<&'a HeaderValue>,
    tracestate: Option<&'a HeaderValue>,
}

// === impl Given ===

impl<'a> Given<'a> {
    /// One walk over the few headers there are: to look up three names means to hash three names.
    fn find(headers: &'a HeaderMap) -> Self {
        let mut given = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "x-request-id" => &mut given.request_id,
                "traceparent" => &mut given.traceparent,
                "tracestate" => &mut given.tracestate,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        given
    }
}

impl Shared {
    pub(crate) fn count_503(&self) {
        self.tally.answered_503.fetch_add(1, Relaxed);
    }
}
