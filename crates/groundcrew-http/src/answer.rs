use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use http::{Method, Request, StatusCode, Uri, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tracing::Span;

use crate::body::{InFlight, ResponseBody};
use crate::http_metrics::{Observation, Route};
use crate::peer::Peer;
use crate::shared::Shared;
use crate::{Problem, access_log, finish, problem, slot};

/// What the server knows of a request while it is answered.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) started: Instant,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    /// Of a chunked body the length is not known.
    pub(crate) request_bytes: Option<u64>,
    pub(crate) context: Arc<groundcrew_telemetry::Context>,
    /// Who asks, where there are proxies that are trusted; the one who is connected, if that is who asks.
    pub(crate) client: Option<IpAddr>,
    pub(crate) route: Option<Arc<Route>>,
    /// The page that asks, where pages of other origins may.
    #[cfg(feature = "cors")]
    pub(crate) origin: Option<http::HeaderValue>,
    /// Handed to the response's body in the end.
    pub(crate) in_flight: Option<InFlight>,
}

pin_project! {
    /// One request being answered: router, span, deadline, panic guard, metrics and headers in one future.
    #[project = AnswerProject]
    pub(crate) enum Answer {
        Ready { response: Option<http::Response<ResponseBody>> },
        Handled {
            #[pin]
            future: RouteFuture<Infallible>,
            span: Span,
            meta: Meta,
            patience: Option<Pin<Box<Patience>>>,
        },
    }
}

pin_project! {
    /// How long we wait for a handler. Made only when it does not answer at once: most do, and pay for no
    /// timer.
    pub(crate) struct Patience {
        #[pin] timeout: Sleep,
        #[pin] cutting: WaitForCancellationFutureOwned,
    }
}

/// What a timeout that no clock can hold comes to: a year.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Why we stopped waiting.
enum GaveUp {
    Timeout,
    ShuttingDown,
}

// === impl Meta ===

impl Meta {
    /// Whether an HTTP/1 client has sent its next request already.
    pub(crate) fn pipelined(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|request| request.is_followed(self.request_bytes))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.in_flight.as_ref().expect("a request is completed once").shared
    }

    /// The one who is connected; unknown on a Unix socket.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.in_flight.as_ref()?.connection.peer.as_ref()
    }

    /// Who asks, where that is another than the one who is connected.
    pub(crate) fn client_behind_proxies(&self) -> Option<IpAddr> {
        let client = self.client?;
        let peer = self.peer().map(|peer| peer.address.ip().to_canonical());
        (peer != Some(client)).then_some(client)
    }

    fn learn(&mut self, route: Arc<Route>) {
        if let Some(routes) = self.shared().routes.get() {
            routes.learn(&self.method, self.uri.path(), &route);
        }
        self.route = Some(route);
    }
}

// === impl Answer ===

impl Answer {
    /// An answer of our own that is nobody's traffic: a probe.
    pub(crate) fn ready(response: Response, in_flight: InFlight, request: &Request<Incoming>) -> Self {
        let mut response = response;
        if !in_flight.is_followed(request.body().size_hint().exact()) {
            finish::close_if_leaving(&mut response, &in_flight.shared, request.version());
        }
        Answer::Ready { response: Some(response.map(|body| ResponseBody::new(body, in_flight))) }
    }

    /// The service has not been built yet.
    pub(crate) fn not_yet(mut meta: Meta) -> Self {
        let _entered = meta.context.clone().enter();
        let response = problem::starting().into_response();
        Answer::Ready { response: Some(complete(&mut meta, response)) }
    }

    pub(crate) fn handle(future: RouteFuture<Infallible>, span: Span, meta: Meta) -> Self {
        Answer::Handled { future, span, meta, patience: None }
    }
}

impl Future for Answer {
    type Output = Result<http::Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProject::Ready { response } => {
                Poll::Ready(Ok(response.take().expect("a future is not polled after it is ready")))
            }
            AnswerProject::Handled { future, span, meta, patience } => {
                let _entered = meta.context.enter();
                let _in_span = span.enter();
                slot::polled(Some(meta.started));
                let polled = catch_unwind(AssertUnwindSafe(|| future.poll(cx)));
                slot::polled(None);
                if let Some(route) = slot::take_route() {
                    meta.learn(route);
                }
                let own_timeout = slot::take_timeout();
                let response = match polled {
                    Ok(Poll::Ready(Ok(response))) => response,
                    Ok(Poll::Ready(Err(never))) => match never {},
                    Ok(Poll::Pending) => match ready!(wait(meta, patience, own_timeout, cx)) {
                        GaveUp::Timeout => timed_out(meta),
                        GaveUp::ShuttingDown => shutting_down(meta),
                    },
                    Err(panic) => panicked(meta, panic.as_ref()),
                };
                Poll::Ready(Ok(complete(meta, response)))
            }
        }
    }
}

fn wait(
    meta: &Meta,
    patience: &mut Option<Pin<Box<Patience>>>,
    own_timeout: Option<Duration>,
    cx: &mut Context<'_>,
) -> Poll<GaveUp> {
    let until = |timeout| {
        let deadline = meta.started.checked_add(timeout).unwrap_or_else(|| meta.started + FOR_EVER);
        tokio::time::Instant::from_std(deadline)
    };
    let patience = patience.get_or_insert_with(|| {
        Box::pin(Patience {
            timeout: tokio::time::sleep_until(until(meta.shared().config.request_timeout)),
            cutting: meta.shared().cutting.clone().cancelled_owned(),
        })
    });
    let mut waited = patience.as_mut().project();
    // The route says so when it is reached, which a layer that waits first may delay.
    if let Some(timeout) = own_timeout {
        waited.timeout.as_mut().reset(until(timeout));
    }
    if waited.timeout.poll(cx).is_ready() {
        return Poll::Ready(GaveUp::Timeout);
    }
    waited.cutting.poll(cx).map(|()| GaveUp::ShuttingDown)
}

fn timed_out(meta: &Meta) -> Response {
    if meta.shared().routes.get().is_none() {
        return problem::starting().into_response();
    }
    tracing::warn!(http.path = meta.uri.path(), "the handler did not answer in time");
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "REQUEST_TIMEOUT")
        .detail("the request took longer than its timeout allows; it may be tried again")
        .into_response()
}

fn shutting_down(meta: &Meta) -> Response {
    meta.shared().count_503();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "SHUTTING_DOWN")
        .detail("this replica is shutting down and could not finish the request; try again")
        .retry_after(1)
        .into_response()
}

fn panicked(meta: &Meta, panic: &(dyn Any + Send)) -> Response {
    let message = groundcrew_runtime::panic_message(panic);
    tracing::error!(http.path = meta.uri.path(), panic.message = message, "the handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
        .detail("something went wrong on our side; the log has it under this request id")
        .into_response()
}

/// Metrics, access log, headers: once per request, whoever made the response.
fn complete(meta: &mut Meta, response: Response) -> http::Response<ResponseBody> {
    let response = finish::headers(response, meta);
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(meta.started);
    let response_bytes = response.body().size_hint().exact();
    // A stream has no length that is known beforehand.
    let is_stream = response_bytes.is_none() && finish::is_event_stream(&response);
    meta.shared().metrics.observe(&Observation {
        route: meta.route.as_ref(),
        method: &meta.method,
        status: response.status(),
        seconds: elapsed.as_secs_f64(),
        request_bytes: meta.request_bytes.unwrap_or(0),
        response_bytes,
        now,
    });
    access_log::write(meta, response.status(), response_bytes, elapsed);
    let stop = is_stream.then(|| meta.shared().crew.stop());
    let in_flight = meta.in_flight.take().expect("a request is completed once");
    response.map(|body| {
        let body = ResponseBody::new(body, in_flight);
        match stop {
            Some(stop) => body.ending_with(stop),
            None => body,
        }
    })
}
