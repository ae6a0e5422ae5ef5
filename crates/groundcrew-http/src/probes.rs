use axum::body::Body;
use axum::response::{IntoResponse, Response};
use groundcrew_runtime::{CheckReport, CheckStatus, Crew, Impact, Readiness};
use groundcrew_telemetry::Metrics;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::{HealthBody, ProbesConfig};
use crate::system::System;
use crate::timestamp;

/// Where liveness is asked.
pub const HEALTH_PATH: &str = "/health";
/// Where readiness is asked.
pub const READY_PATH: &str = "/ready";
/// Where Prometheus scrapes.
pub const METRICS_PATH: &str = "/metrics";

/// Answers the probes before any router, limit, redirect or authentication is asked.
#[derive(Debug)]
pub(crate) struct Probes {
    crew: Crew,
    config: ProbesConfig,
    metrics: bool,
    system: System,
}

// === impl Probes ===

impl Probes {
    pub(crate) fn new(crew: &Crew, config: ProbesConfig, metrics: bool) -> Self {
        Self { crew: crew.clone(), config, metrics, system: System::default() }
    }

    /// The answer, if this path is a probe's; with or without a trailing slash.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Option<Response> {
        let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
        let answer: fn(&Self) -> Response = match path {
            HEALTH_PATH => Self::health,
            READY_PATH => Self::ready,
            METRICS_PATH if self.metrics => Self::exposition,
            _ => return None,
        };
        if *method != Method::GET && *method != Method::HEAD {
            let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
            return Some((StatusCode::METHOD_NOT_ALLOWED, allow).into_response());
        }
        Some(answer(self))
    }

    fn health(&self) -> Response {
        let liveness = self.crew.liveness();
        if !liveness.alive {
            let error = format!("the runtime has not turned for {:?}", liveness.silent_for);
            return json_response(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({"status": "unhealthy", "error": error, "timestamp": timestamp::now()}),
            );
        }
        match self.config.health {
            HealthBody::Brief if !self.config.health_fails_with_dependencies => {
                json_response(StatusCode::OK, &json!({"status": "ok", "timestamp": timestamp::now()}))
            }
            _ => self.detailed_health(),
        }
    }

    fn detailed_health(&self) -> Response {
        let readiness = self.crew.readiness();
        let mut failing =
            readiness.checks.iter().filter(|check| !check.passing && check.impact == Impact::Required);
        if let (true, Some(check)) = (self.config.health_fails_with_dependencies, failing.next()) {
            let error = check.last_error.clone().unwrap_or_else(|| check.status.name().to_owned());
            let error = format!("{}: {error}", check.name);
            return json_response(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({"status": "unhealthy", "error": error}),
            );
        }
        let mut members = Map::new();
        members.insert("status".into(), "healthy".into());
        for check in &readiness.checks {
            members.insert(check.name.clone(), check.status.name().into());
        }
        members.insert("memory_usage".into(), self.system.memory_percent().into());
        members.insert("cpu_usage".into(), self.system.cpu_percent().into());
        members.insert("timestamp".into(), timestamp::now().into());
        json_response(StatusCode::OK, &Value::Object(members))
    }

    fn ready(&self) -> Response {
        let readiness = self.crew.readiness();
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json_response(status, &ready_body(&readiness))
    }

    fn exposition(&self) -> Response {
        let body = Body::from(self.crew.metrics().encode());
        ([(CONTENT_TYPE, HeaderValue::from_static(Metrics::CONTENT_TYPE))], body).into_response()
    }
}

fn ready_body(readiness: &Readiness) -> Value {
    let status = match (readiness.ready, readiness.degraded) {
        (false, _) => "unhealthy",
        (true, true) => "degraded",
        (true, false) => "healthy",
    };
    let checks: Map<String, Value> =
        readiness.checks.iter().map(|check| (check.name.clone(), check_body(check))).collect();
    let mut body = json!({"status": status, "checks": checks, "timestamp": timestamp::now()});
    if !readiness.ready {
        body["reasons"] = readiness.reasons.clone().into();
    }
    body
}

fn check_body(check: &CheckReport) -> Value {
    let latency = (check.latency.as_secs_f64() * 1e6).round() / 1e3;
    let mut body = json!({"status": check.status.name(), "latency_ms": latency});
    if check.status != CheckStatus::Healthy
        && let Some(error) = &check.last_error
    {
        body["error"] = error.clone().into();
    }
    body
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}
