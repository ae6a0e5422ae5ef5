use std::sync::{Arc, OnceLock};
use std::time::Instant;

use groundcrew_telemetry::{CounterFamily, HistogramFamily, Metrics, MetricsError, RateGauge};
use http::{Method, StatusCode};
use prometheus::{Histogram, IntCounter, IntGauge};

/// The label of requests that no route matched.
pub const UNMATCHED: &str = "unmatched";

/// Buckets of `http_request_duration_seconds`.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Buckets of the size histograms, in bytes.
const BYTES: [f64; 6] = [256.0, 1024.0, 8192.0, 65_536.0, 1_048_576.0, 10_485_760.0];

/// The methods that have a label of their own; all others are `OTHER`, so that a scanner cannot make series.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "OTHER"];

/// The HTTP metrics of a service, registered once.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: CounterFamily<3>,
    duration: HistogramFamily<2>,
    request_size: HistogramFamily<2>,
    response_size: HistogramFamily<2>,
    closed: CounterFamily<1>,
    pub(crate) in_flight: IntGauge,
    pub(crate) connections: IntGauge,
    pub(crate) accept_errors: IntCounter,
    pub(crate) late_bytes: IntCounter,
    rate: RateGauge,
    unmatched: OnceLock<Arc<Route>>,
}

/// One route's handles, looked up once and kept by the route itself.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: Box<str>,
    methods: [OnceLock<RouteMethod>; METHODS.len()],
}

#[derive(Debug)]
struct RouteMethod {
    duration: Histogram,
    request_size: Histogram,
    response_size: Histogram,
    /// By the hundreds of the status first, so that a route pays only for what it answers.
    statuses: [OnceLock<Box<[OnceLock<IntCounter>; 100]>>; 5],
}

/// What one answered request adds to the metrics.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) route: Option<&'a Arc<Route>>,
    pub(crate) method: &'a Method,
    pub(crate) status: StatusCode,
    pub(crate) seconds: f64,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: Option<u64>,
    /// When it was answered.
    pub(crate) now: Instant,
}

// === impl HttpMetrics ===

impl HttpMetrics {
    /// The public listener counts into the service's registry. What the admin listener serves is nobody's
    /// traffic: it counts into one that is thrown away, as does a second public listener in one process.
    pub(crate) fn for_listener(section: &str, metrics: &Metrics) -> Arc<Self> {
        let public = (section == "http").then(|| Self::register(metrics));
        let registered = match public {
            Some(Ok(registered)) => Some(registered),
            Some(Err(error)) => {
                tracing::warn!(%error, "a second HTTP listener is not counted in the metrics");
                None
            }
            None => None,
        };
        let uncounted =
            || Self::register(&Metrics::new(section, "")).expect("a new registry has every name free");
        Arc::new(registered.unwrap_or_else(uncounted))
    }

    fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let route = ["method", "path"];
        Ok(Self {
            requests: metrics.counters(
                "http_requests_total",
                "Requests answered, by matched route.",
                ["method", "path", "status"],
            )?,
            duration: metrics.histograms(
                "http_request_duration_seconds",
                "From the head of a request to the head of its response.",
                route,
                &SECONDS,
            )?,
            request_size: metrics.histograms(
                "http_request_size_bytes",
                "Size of request bodies, as announced.",
                route,
                &BYTES,
            )?,
            response_size: metrics.histograms(
                "http_response_size_bytes",
                "Size of response bodies of known length.",
                route,
                &BYTES,
            )?,
            closed: metrics.counters(
                "http_connections_closed_total",
                "Connections that we closed because of a limit.",
                ["cause"],
            )?,
            in_flight: metrics.gauge("http_requests_in_flight", "Requests that are being answered.")?,
            connections: metrics.gauge("http_connections", "Open connections.")?,
            accept_errors: metrics
                .counter("http_accept_errors_total", "Connections that could not be accepted.")?,
            late_bytes: metrics.counter(
                "http_late_bytes_total",
                "Bytes that came after we had closed our side of a connection.",
            )?,
            rate: metrics.rate("requests_per_second", "Requests per second over the last ten seconds.")?,
            unmatched: OnceLock::new(),
        })
    }

    pub(crate) fn connection_closed(&self, cause: &str) {
        self.closed.handle([cause]).inc();
    }

    pub(crate) fn route(path: &str) -> Arc<Route> {
        Arc::new(Route { path: path.into(), methods: Default::default() })
    }

    pub(crate) fn observe(&self, seen: &Observation<'_>) {
        let route = seen.route.unwrap_or_else(|| self.unmatched.get_or_init(|| Self::route(UNMATCHED)));
        let index = method_index(seen.method);
        let of_method = route.methods[index].get_or_init(|| self.route_method(&route.path, METHODS[index]));
        of_method.duration.observe(seen.seconds);
        of_method.request_size.observe(seen.request_bytes as f64);
        if let Some(bytes) = seen.response_bytes {
            of_method.response_size.observe(bytes as f64);
        }
        self.count_status(route, of_method, index, seen.status);
        self.rate.mark_at(seen.now);
    }

    fn count_status(&self, route: &Route, of_method: &RouteMethod, method: usize, status: StatusCode) {
        let code = usize::from(status.as_u16());
        let counter = || self.requests.handle([METHODS[method], &route.path, status.as_str()]);
        match of_method.statuses.get(code / 100 - 1) {
            Some(class) => {
                let class = class.get_or_init(|| Box::new([const { OnceLock::new() }; 100]));
                class[code % 100].get_or_init(counter).inc();
            }
            // 600 to 999 are valid for the `http` crate and for nobody else.
            None => counter().inc(),
        }
    }

    fn route_method(&self, path: &str, method: &str) -> RouteMethod {
        RouteMethod {
            duration: self.duration.handle([method, path]),
            request_size: self.request_size.handle([method, path]),
            response_size: self.response_size.handle([method, path]),
            statuses: [const { OnceLock::new() }; 5],
        }
    }
}

fn method_index(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::POST => 1,
        Method::PUT => 2,
        Method::DELETE => 3,
        Method::PATCH => 4,
        Method::HEAD => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(metrics: &HttpMetrics, route: Option<&Arc<Route>>, method: &Method, status: u16) {
        metrics.observe(&Observation {
            route,
            method,
            status: StatusCode::from_u16(status).unwrap(),
            seconds: 0.003,
            request_bytes: 0,
            response_bytes: Some(17),
            now: Instant::now(),
        });
    }

    /// The value of the one line of `http_requests_total` with these labels, in whatever order.
    fn count(text: &str, labels: &[&str]) -> u64 {
        let mut lines = text.lines().filter(|line| line.starts_with("http_requests_total{"));
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label))).expect("a line");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let registry = Metrics::new("hello", "1.0.0");
        let metrics = HttpMetrics::for_listener("http", &registry);
        let route = HttpMetrics::route("/users/{id}");
        observe(&metrics, Some(&route), &Method::GET, 200);
        observe(&metrics, Some(&route), &Method::GET, 200);
        observe(&metrics, Some(&route), &Method::GET, 404);
        let text = registry.encode();
        assert_eq!(count(&text, &[r#"method="GET""#, r#"path="/users/{id}""#, r#"status="200""#]), 2);
        assert_eq!(count(&text, &[r#"method="GET""#, r#"path="/users/{id}""#, r#"status="404""#]), 1);
    }

    #[test]
    fn what_no_route_matched_and_odd_methods_cannot_make_series() {
        let registry = Metrics::new("hello", "1.0.0");
        let metrics = HttpMetrics::for_listener("http", &registry);
        for method in ["PROPFIND", "BREW", "X"] {
            observe(&metrics, None, &Method::from_bytes(method.as_bytes()).unwrap(), 404);
        }
        let text = registry.encode();
        assert_eq!(count(&text, &[r#"method="OTHER""#, r#"path="unmatched""#, r#"status="404""#]), 3);
    }
}
