use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use groundcrew_telemetry::Scope;
use tower::{Layer, Service};

use crate::http_metrics::{HttpMetrics, Route, UNMATCHED};
use crate::slot;

/// Tells the server which route matched. axum makes one of these per route, so each keeps its own handles.
#[derive(Debug, Clone)]
pub(crate) struct MarkRoute;

#[derive(Debug, Clone)]
pub(crate) struct Marked<S> {
    inner: S,
    route: Arc<OnceLock<Arc<Route>>>,
}

impl<S> Layer<S> for MarkRoute {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked { inner, route: Arc::default() }
    }
}

impl<S: Service<Request>> Service<Request> for Marked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        let route = self.route.get_or_init(|| {
            let path = request.extensions().get::<MatchedPath>();
            HttpMetrics::route(path.map_or(UNMATCHED, MatchedPath::as_str))
        });
        slot::matched(route.clone());
        self.inner.call(request)
    }
}

/// Gives a route its own request timeout instead of the server's, for what its handlers call as well: they find what is
/// left of it as the deadline of [`groundcrew_telemetry::current`].
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::post};
/// use groundcrew_http::RequestTimeout;
///
/// let app: Router = Router::new()
///     .route("/reports", post(|| async { "done" }).layer(RequestTimeout::new(Duration::from_secs(120))));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequestTimeout(Duration);

impl RequestTimeout {
    /// A handler of this route may take so long, counted from the head of the request.
    pub fn new(timeout: Duration) -> Self {
        Self(timeout)
    }
}

impl<S> Layer<S> for RequestTimeout {
    type Service = OwnTimeout<S>;

    fn layer(&self, inner: S) -> OwnTimeout<S> {
        OwnTimeout { inner, timeout: self.0 }
    }
}

/// What [`RequestTimeout`] makes of a route.
#[derive(Debug, Clone)]
pub struct OwnTimeout<S> {
    inner: S,
    timeout: Duration,
}

impl<S: Service<Request>> Service<Request> for OwnTimeout<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scope<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Scope<S::Future> {
        slot::override_timeout(self.timeout);
        let began = slot::started().unwrap_or_else(Instant::now);
        let ids = groundcrew_telemetry::current();
        let context = ids.map_or_else(groundcrew_telemetry::Context::random, |context| context.detached());
        let context = match began.checked_add(self.timeout) {
            Some(deadline) => context.with_deadline(deadline),
            None => context,
        };
        let context = context.into_arc();
        let entered = context.enter();
        let future = self.inner.call(request);
        drop(entered);
        context.scope(future)
    }
}
