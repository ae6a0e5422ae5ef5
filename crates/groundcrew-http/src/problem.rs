use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error that a client can act upon: problem details by RFC 9457.
///
/// Besides the standard members it carries a stable `code`, whether trying again may help (`retryable`) and, once it
/// passes the server, the `request_id`.
///
/// ```
/// use groundcrew_http::Problem;
/// use http::StatusCode;
///
/// async fn handler() -> Result<&'static str, Problem> {
///     Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INSUFFICIENT_CONTENT")
///         .detail("3 messages were given, at least 5 are needed")
///         .with("minimum", 5))
/// }
/// # assert_eq!(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").status(), StatusCode::NOT_FOUND);
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<u32>,
    retryable: Option<bool>,
    members: Map<String, Value>,
}

// === impl Problem ===

impl Problem {
    /// A problem with this status and a stable, upper-case code.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self { status, code, detail: None, retry_after: None, retryable: None, members: Map::new() }
    }

    /// What went wrong this time and what to do, for a person.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when to try again, in seconds (`Retry-After`).
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says whether sending the same again may help. Unless this is said, it may where there is a `Retry-After`, and
    /// with the statuses 408, 425, 429, 502, 503 and 504.
    pub fn retryable(mut self, yes: bool) -> Self {
        self.retryable = Some(yes);
        self
    }

    /// Adds an extension member.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether sending the same again may help.
    pub fn is_retryable(&self) -> bool {
        self.retryable.unwrap_or_else(|| {
            self.retry_after.is_some() || matches!(self.status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504)
        })
    }

    /// The body that a client gets, with the id of the current request: for problems that are told later, or
    /// in another way than by an answer of this status.
    ///
    /// ```
    /// # use groundcrew_http::{Problem, StatusCode};
    /// let told = Problem::new(StatusCode::NOT_FOUND, "NO_SUCH_PARCEL").to_json();
    /// assert_eq!(told["code"], "NO_SUCH_PARCEL");
    /// ```
    pub fn to_json(&self) -> Value {
        let mut members = self.members.clone();
        members.insert("type".into(), "about:blank".into());
        members.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        members.insert("status".into(), self.status.as_u16().into());
        members.insert("code".into(), (*self.code).into());
        members.insert("retryable".into(), self.is_retryable().into());
        if let Some(detail) = &self.detail {
            members.insert("detail".into(), (**detail).into());
        }
        if let Some(id) = groundcrew_telemetry::with_current(|context| {
            context.map(|context| context.request_id().as_str().to_owned())
        }) {
            members.insert("request_id".into(), id.into());
        }
        Value::Object(members)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// There are no routes yet.
pub(crate) fn starting() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "STARTING")
        .detail("the service is still starting; /ready says what it waits for")
        .retry_after(1)
}

/// The problem that stands for a status which came without a body.
pub(crate) fn for_bare_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::new(status, "NOT_FOUND").detail("there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "METHOD_NOT_ALLOWED")
            .detail("the `Allow` header says which methods this path has"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "BODY_TOO_LARGE"),
        status => {
            let reason = status.canonical_reason().unwrap_or("ERROR");
            Problem::new(status, reason.to_uppercase().replace([' ', '-'], "_"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_whether_trying_again_may_help() {
        let says = |problem: Problem| problem.to_json()["retryable"] == true;
        assert!(says(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "AWAY")));
        assert!(says(Problem::new(StatusCode::CONFLICT, "UNDER_WAY").retry_after(1)));
        assert!(!says(Problem::new(StatusCode::CONFLICT, "TAKEN")));
        assert!(!says(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")));
        assert!(!says(Problem::new(StatusCode::TOO_MANY_REQUESTS, "BUDGET_SPENT").retryable(false)));
    }
}
