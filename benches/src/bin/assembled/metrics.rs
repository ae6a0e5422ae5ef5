//! What a metrics middleware does: labels looked up for every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{HistogramVec, IntCounterVec, IntGauge, Opts};

/// The usual three.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    pending: IntGauge,
}

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        let labels = ["method", "endpoint", "status"];
        let requests = IntCounterVec::new(Opts::new("http_requests_total", "Requests."), &labels);
        let seconds = HistogramVec::new(
            prometheus::HistogramOpts::new("http_request_duration_seconds", "Durations."),
            &labels,
        );
        let pending = IntGauge::new("http_requests_pending", "Requests being answered.");
        Self {
            requests: requests.expect("the name and labels are valid"),
            seconds: seconds.expect("the name and labels are valid"),
            pending: pending.expect("the name is valid"),
        }
    }
}

pub(crate) async fn observe(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let endpoint = request.extensions().get::<MatchedPath>().cloned();
    metrics.pending.inc();
    let response = next.run(request).await;
    metrics.pending.dec();
    let endpoint = endpoint.as_ref().map_or("unmatched", MatchedPath::as_str);
    let status = response.status();
    let labels = [method.as_str(), endpoint, status.as_str()];
    metrics.requests.with_label_values(&labels).inc();
    metrics.seconds.with_label_values(&labels).observe(began.elapsed().as_secs_f64());
    response
}
