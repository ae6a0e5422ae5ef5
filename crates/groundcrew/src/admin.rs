use std::net::SocketAddr;
use std::time::Duration;

use groundcrew_config::Secret;
use groundcrew_http::Problem;
use groundcrew_http::axum::extract::{ConnectInfo, State};
use groundcrew_http::axum::http::header::AUTHORIZATION;
use groundcrew_http::axum::http::{HeaderMap, StatusCode};
use groundcrew_http::axum::routing::get;
use groundcrew_http::axum::{Json, Router};
use groundcrew_telemetry::{Directives, LogHandle};
use serde_json::{Value, json};

/// After how long a changed level returns when nothing else is said.
const DEFAULT_RETURN: Duration = Duration::from_secs(15 * 60);

/// What an operator may do over the admin listener besides reading.
#[derive(Clone)]
struct Operator {
    log: LogHandle,
    token: Option<Secret<String>>,
}

/// `GET /log-level` says which level is in force; `PUT /log-level {"level": "debug", "seconds": 60}` changes it
/// until it returns by itself.
pub(crate) fn routes(log: LogHandle, token: Option<Secret<String>>) -> Router {
    let operator = Operator { log, token };
    Router::new().route("/log-level", get(show).put(change)).with_state(operator)
}

async fn show(State(operator): State<Operator>) -> Json<Value> {
    Json(body(&operator.log))
}

async fn change(
    State(operator): State<Operator>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(wish): Json<Value>,
) -> Result<Json<Value>, Problem> {
    operator.permit(peer, &headers)?;
    let invalid = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(detail);
    let level =
        wish["level"].as_str().ok_or_else(|| invalid("`level` must be text such as `debug`".into()))?;
    let level: Directives = level.parse().map_err(|error| invalid(format!("level: {error}")))?;
    let seconds = match &wish["seconds"] {
        Value::Null => DEFAULT_RETURN,
        seconds => Duration::from_secs(
            seconds.as_u64().ok_or_else(|| invalid("`seconds` must be a whole number".into()))?,
        ),
    };
    tracing::info!(log.level = %level, returns_in = ?seconds, "log level changed");
    operator.log.set_level(level, Some(seconds));
    Ok(Json(body(&operator.log)))
}

fn body(log: &LogHandle) -> Value {
    json!({"level": log.level().to_string(), "returns_in_seconds": log.reverts_in().map(|left| left.as_secs())})
}

impl Operator {
    /// With `admin.token` its bearer may change things; without it only this machine may.
    fn permit(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let permitted = match &self.token {
            Some(token) => given.is_some_and(|given| same(given, token.expose().as_bytes())),
            None => peer.ip().is_loopback(),
        };
        if permitted {
            return Ok(());
        }
        let detail = "changes need the token in admin.token, or without one a connection from this machine";
        Err(Problem::new(StatusCode::FORBIDDEN, "ADMIN_ONLY").detail(detail))
    }
}

/// Compares in a time that does not tell how much was right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let differences = given.iter().zip(wanted).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == wanted.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(token: Option<&str>) -> Operator {
        let (_, log) = groundcrew_telemetry::Logging::new("test", groundcrew_telemetry::LogConfig::default())
            .with_sink(std::io::sink())
            .build()
            .unwrap();
        Operator { log, token: token.map(|token| Secret::new(token.to_owned())) }
    }

    fn bearer(token: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
    }

    const NEAR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
    const FAR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 1);

    #[test]
    fn without_a_token_only_this_machine_may_change_things() {
        assert!(operator(None).permit(NEAR, &HeaderMap::new()).is_ok());
        assert!(operator(None).permit(FAR, &bearer("guess")).is_err());
    }

    #[test]
    fn with_a_token_only_its_bearer_may_from_wherever() {
        let operator = operator(Some("right"));
        assert!(operator.permit(FAR, &bearer("right")).is_ok());
        assert!(operator.permit(NEAR, &bearer("wrong")).is_err());
        assert!(operator.permit(NEAR, &HeaderMap::new()).is_err());
    }
}
