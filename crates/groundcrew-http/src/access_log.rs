use std::time::Duration;

use http::StatusCode;

use crate::answer::Meta;
use crate::http_metrics::UNMATCHED;
use crate::peer::Peer;

/// One line per request: what was asked (without the query, which may carry secrets), by whom (and through
/// which proxy, if one is trusted), and how it went. Sampled by configuration; server errors are always written.
pub(crate) fn write(meta: &Meta, status: StatusCode, response_bytes: Option<u64>, elapsed: Duration) {
    if !wanted(meta, status) {
        return;
    }
    // Without proxies that are trusted nothing is allocated: the peer's text is made once for its connection.
    let behind = meta.client_behind_proxies().map(|client| client.to_string());
    let peer = meta.peer().map(Peer::text);
    let (client, proxy) = match &behind {
        Some(client) => (Some(client.as_str()), peer),
        None => (peer, None),
    };
    tracing::info!(
        target: "groundcrew::access",
        {
            http.method = meta.method.as_str(),
            http.path = meta.uri.path(),
            http.route = meta.route.as_ref().map_or(UNMATCHED, |route| &*route.path),
            http.status = status.as_u16(),
            http.response_bytes = response_bytes.unwrap_or(0),
            duration_ms = milliseconds(elapsed),
            client.address = client,
            network.peer.address = proxy,
        },
        "request"
    );
}

/// To the microsecond: more digits say nothing, and cost more to write.
fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_micros() as f64 / 1e3
}

/// The sample is drawn from the trace id, so that all services log the same requests.
fn wanted(meta: &Meta, status: StatusCode) -> bool {
    let share = meta.shared().config.access_log;
    if share >= 1.0 || status.is_server_error() {
        return true;
    }
    share > 0.0 && unit(meta.context.trace().trace_id) < share
}

/// The random low bits of a trace id as a number in [0, 1).
fn unit(trace_id: u128) -> f64 {
    let bits = u64::try_from(trace_id & u128::from(u64::MAX)).unwrap_or(u64::MAX) >> 11;
    bits as f64 / (1u64 << 53) as f64
}
