//! What an answer or a failure means: try again, and is the host to blame?

use std::error::Error;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::deadline::Limit;
use crate::{ClientError, Refusal};

/// Why an attempt brought no answer, before it is known which call it belongs to.
#[derive(Debug)]
pub(crate) enum Failure {
    Invalid(String),
    Blocked(Refusal),
    Connect(String),
    Timeout(Limit, Duration),
    Interrupted(String),
}

/// Whether the same request may be answered otherwise later.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
        other => other.is_server_error(),
    }
}

/// Whether a method may be repeated without being asked, by RFC 9110.
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    )
}

// === impl Failure ===

impl Failure {
    pub(crate) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let refusal = chain(&error).find_map(|cause| cause.downcast_ref::<Refusal>());
        if let Some(refusal) = refusal {
            return Self::Blocked(refusal.clone());
        }
        if error.is_connect() {
            return Self::Connect(words(&error));
        }
        if error.is_builder() || error.is_redirect() {
            return Self::Invalid(words(&error));
        }
        Self::Interrupted(words(&error))
    }

    /// Whether nothing can have reached the server.
    pub(crate) fn never_sent(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout(Limit::Connect, _))
    }

    /// Whether another attempt may end otherwise.
    pub(crate) fn is_passing(&self) -> bool {
        !matches!(self, Self::Invalid(_) | Self::Blocked(_))
    }

    pub(crate) fn into_error(self, client: &str, host: &str, attempts: u32) -> ClientError {
        let (client, host) = (client.to_owned(), host.to_owned());
        match self {
            Self::Invalid(problem) => ClientError::Invalid { client, problem },
            Self::Blocked(refusal) => ClientError::Blocked { client, host, refusal },
            Self::Connect(cause) => ClientError::Connect { client, host, attempts, cause },
            Self::Timeout(limit, within) => ClientError::Timeout { client, host, attempts, limit, within },
            Self::Interrupted(cause) => ClientError::Interrupted { client, host, attempts, cause },
        }
    }
}

/// An error and what caused it, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// What went wrong in words; the outermost error says no more than that something did.
pub(crate) fn words(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in chain(error).skip(1) {
        let text = cause.to_string();
        if !words.iter().any(|known| known.contains(&text)) {
            words.push(text);
        }
    }
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passing: Vec<u16> = (100..600)
            .filter(|code| StatusCode::from_u16(*code).is_ok_and(is_passing))
            .filter(|code| *code < 506)
            .collect();
        assert_eq!(passing, [408, 425, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn a_post_is_not_idempotent() {
        assert!(is_idempotent(&Method::GET) && is_idempotent(&Method::PUT));
        assert!(!is_idempotent(&Method::POST) && !is_idempotent(&Method::PATCH));
    }
}
