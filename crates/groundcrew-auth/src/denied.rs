use axum::response::{IntoResponse, Response};
use groundcrew_http::{Problem, StatusCode};
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;

use crate::TokenError;
use crate::auth::Refusal;

/// Why a request is not answered: 401 with `WWW-Authenticate`, 403, 503 while nobody can be looked up, or 500 where
/// no layer looked.
#[derive(Debug)]
pub struct Denied {
    problem: Problem,
    challenge: Option<String>,
}

// === impl Denied ===

impl Denied {
    /// The problem that is the answer.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(crate) fn nobody() -> Self {
        let words = "say who asks: `Authorization: Bearer` with a token or an API key";
        Self::challenged("UNAUTHENTICATED", words, "Bearer".to_owned())
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        let (code, words) = match refusal {
            Refusal::CrossSite => {
                let problem = Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE")
                    .detail("a browser sent this for a page of another site");
                return Self { problem, challenge: None };
            }
            Refusal::Malformed => (
                "INVALID_CREDENTIALS",
                "what is shown does not read: one `Authorization: Bearer` with a token or an API key is needed".to_owned(),
            ),
            Refusal::Password => (
                "INVALID_CREDENTIALS",
                "as a password an API key is good for reading alone: show it as `Authorization: Bearer`".to_owned(),
            ),
            Refusal::Kind => {
                ("INVALID_CREDENTIALS", "this service does not take what is shown".to_owned())
            }
            Refusal::Unknown => (
                "INVALID_CREDENTIALS",
                "the key or session is not known, was taken back, or has expired".to_owned(),
            ),
            Refusal::Token(TokenError::Expired) => ("TOKEN_EXPIRED", TokenError::Expired.to_string()),
            Refusal::Token(error) => ("INVALID_CREDENTIALS", error.to_string()),
        };
        Self::challenged(code, words, "Bearer error=\"invalid_token\"".to_owned())
    }

    pub(crate) fn forbidden(scope: &str) -> Self {
        let problem = Problem::new(StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE")
            .detail(format!("this needs the scope `{scope}`"))
            .with("scope", scope);
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Self { problem, challenge: Some(challenge) }
    }

    pub(crate) fn unavailable() -> Self {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "AUTH_UNAVAILABLE")
            .detail("who asks cannot be looked up at the moment")
            .retry_after(5);
        Self { problem, challenge: None }
    }

    pub(crate) fn not_layered() -> Self {
        tracing::error!(
            "a route asks who is there, and no `Auth` layer is around it: it answers 500 to everybody"
        );
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR");
        Self { problem, challenge: None }
    }

    fn challenged(
        code: &'static str,
        words: impl Into<std::borrow::Cow<'static, str>>,
        challenge: String,
    ) -> Self {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, code).detail(words);
        Self { problem, challenge: Some(challenge) }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        // Scopes are visible ASCII without quotes, so that this reads.
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        denied.problem
    }
}
