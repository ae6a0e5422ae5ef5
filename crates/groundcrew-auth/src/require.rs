use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use tower::{Layer, Service};

use crate::auth::Identity;
use crate::{Denied, Principal};

/// Lets through who may do this: a layer for routes inside of an [`Auth`](crate::Auth).
///
/// Who is not known is answered 401, who may not 403. Without an `Auth` around it, it answers 500.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use groundcrew_auth::RequireScope;
///
/// let parcels = post(|| async {})
///     .layer(RequireScope::new("parcels:write"))
///     .merge(get(|| async {}).layer(RequireScope::new("parcels:read")));
/// # let _: Router = Router::new().route("/parcels", parcels);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequireScope {
    scope: Option<&'static str>,
    realm: Option<&'static str>,
}

/// What [`RequireScope`] makes of a service.
#[derive(Debug, Clone)]
pub struct Required<S> {
    inner: S,
    needed: RequireScope,
}

// === impl RequireScope ===

impl RequireScope {
    /// Who has this scope.
    pub const fn new(scope: &'static str) -> Self {
        Self { scope: Some(scope), realm: None }
    }

    /// Whoever is known.
    pub const fn none() -> Self {
        Self { scope: None, realm: None }
    }

    /// Also asks for an API key as a password (RFC 7617), for programs that send one only where they are asked, such as
    /// feed readers. The realm is what they show, in letters, digits and hyphens. Not for routes that your pages fetch:
    /// browsers ask the person for the password then.
    #[must_use]
    pub const fn basic(self, realm: &'static str) -> Self {
        Self { realm: Some(realm), ..self }
    }

    fn ask_for_password(self, response: &mut Response) {
        let Some(realm) = self.realm.filter(|_| response.status() == StatusCode::UNAUTHORIZED) else {
            return;
        };
        if let Ok(challenge) = HeaderValue::try_from(format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")) {
            response.headers_mut().append(WWW_AUTHENTICATE, challenge);
        }
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        Required { inner, needed: *self }
    }
}

// === impl Required ===

impl<S> Service<Request> for Required<S>
where
    S: Service<Request>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match judge(&request, self.needed.scope) {
            Ok(()) => {
                let answer = self.inner.call(request);
                Box::pin(async { Ok(answer.await?.into_response()) })
            }
            Err(denied) => {
                let mut response = denied.into_response();
                self.needed.ask_for_password(&mut response);
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }
}

fn judge(request: &Request, scope: Option<&str>) -> Result<(), Denied> {
    let who = Identity::known(request.extensions())?;
    match scope {
        Some(scope) if !who.may(scope) => {
            if let Some(identity) = request.extensions().get::<Identity>() {
                identity.forbidden();
            }
            Err(Denied::forbidden(scope))
        }
        _ => Ok(()),
    }
}

// === impl Principal ===

impl Principal {
    /// As [`RequireScope`], within a handler.
    ///
    /// # Errors
    ///
    /// 403 for who may not.
    pub fn require(&self, scope: &str) -> Result<(), Denied> {
        if self.may(scope) { Ok(()) } else { Err(Denied::forbidden(scope)) }
    }
}
