use std::time::Duration;

use http::StatusCode;

use crate::{Limit, Refusal};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// TLS or the resolver could not be set up.
    #[error(
        "the HTTP client `{client}` cannot be set up: {cause}; if it is about certificates, install the package \
         ca-certificates or point SSL_CERT_FILE at a bundle"
    )]
    Setup {
        /// The client's name.
        client: String,
        /// What went wrong.
        cause: String,
    },
    /// A value of the configuration cannot be used.
    #[error("the HTTP client `{client}` cannot be set up: {problem}")]
    Config {
        /// The client's name.
        client: String,
        /// Which value, why, and what would be right.
        problem: String,
    },
    /// The metrics could not be registered: another client of the service has the same name.
    #[error(
        "the metrics of the HTTP client `{client}` cannot be registered; give each client a name of its own"
    )]
    Metrics {
        /// The client's name.
        client: String,
        /// What the registry said.
        source: groundcrew_telemetry::MetricsError,
    },
}

/// Why a call has no answer, or none that can be used.
///
/// No message shows a path, a query, credentials, a header or a body: paths of webhooks are secrets. `attempts` counts
/// the requests that were made, or may have been.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientError {
    /// The request cannot be made as it was described.
    #[error("{client}: the request cannot be made: {problem}")]
    Invalid {
        /// The client's name.
        client: String,
        /// What is wrong with it, without any secret.
        problem: String,
    },
    /// The guard of a client for public hosts does not let it through. Nothing was sent.
    #[error("{client}: calls to {host} are refused: {refusal}")]
    Blocked {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// Why.
        refusal: Refusal,
    },
    /// There was no connection. Nothing was sent.
    #[error(
        "{client}: no connection to {host} ({}): {cause}; check the URL, and whether this machine may reach it",
        count(*attempts)
    )]
    Connect {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        cause: String,
    },
    /// A limit passed. Whether the server did what was asked is not known, unless the limit was
    /// [`Limit::Connect`].
    #[error("{client}: no answer from {host} within {within:?} ({limit}; {})", count(*attempts))]
    Timeout {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// Which limit.
        limit: Limit,
        /// How long that limit is; for the request: how much of its time was left when the call began.
        within: Duration,
    },
    /// The connection broke, or what came was no HTTP. Whether the server did what was asked is not known.
    #[error("{client}: the answer of {host} broke off ({}): {cause}", count(*attempts))]
    Interrupted {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        cause: String,
    },
    /// The host failed again and again and is left alone for now. Nothing was sent.
    #[error("{client}: {host} failed again and again and is left alone; try again in {retry_in:?}")]
    CircuitOpen {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// When it makes sense to try again.
        retry_in: Duration,
    },
    /// Too many calls are under way or waiting, or none ended in time. Nothing was sent.
    #[error(
        "{client}: no place for a call to {host}: {max_in_flight} are under way (max_in_flight) and others wait"
    )]
    Saturated {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// How many may be under way.
        max_in_flight: u32,
    },
    /// Our own `rate` has no room for the call before its deadline. Nothing was sent.
    #[error(
        "{client}: no room in our own rate for a call to {host} before its deadline; try again in {retry_in:?}"
    )]
    RateLimited {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// When there is room.
        retry_in: Duration,
    },
    /// The body of the answer is longer than allowed.
    #[error("{client}: the answer of {host} is longer than {limit} bytes (max_response)")]
    TooLarge {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// How long it may be.
        limit: u64,
    },
    /// The body of the answer is not the JSON that was expected.
    #[error("{client}: the answer of {host} is not the JSON that was expected: {problem}")]
    Json {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// What is wrong and where, without any of its values.
        problem: String,
    },
    /// The server refused; only from [`Response::error_for_status`](crate::Response::error_for_status).
    #[error("{client}: {host} answered {status} ({})", count(*attempts))]
    Status {
        /// The client's name.
        client: String,
        /// The host, with a port that is not the usual one.
        host: String,
        /// The status.
        status: StatusCode,
        /// How often it was tried.
        attempts: u32,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
}

// === impl ClientError ===

impl ClientError {
    /// Whether it is certain that the server did not see the request, so that it may be sent again whatever it asks.
    pub fn never_sent(&self) -> bool {
        match self {
            Self::Timeout { limit, .. } => *limit == Limit::Connect,
            Self::Invalid { .. }
            | Self::Blocked { .. }
            | Self::Connect { .. }
            | Self::CircuitOpen { .. }
            | Self::Saturated { .. }
            | Self::RateLimited { .. } => true,
            _ => false,
        }
    }

    /// Whether the same call may succeed later. Whether it is safe to make it again is another question: see
    /// [`never_sent`](Self::never_sent).
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Blocked { .. } | Self::TooLarge { .. } | Self::Json { .. } => false,
            Self::Status { status, .. } => crate::verdict::is_passing(*status),
            _ => true,
        }
    }

    /// Whether a limit passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// When it makes sense to try again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen { retry_in, .. } | Self::RateLimited { retry_in, .. } => Some(*retry_in),
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn count(attempts: u32) -> String {
    match attempts {
        0 => "before the first attempt".to_owned(),
        1 => "1 attempt".to_owned(),
        more => format!("{more} attempts"),
    }
}
