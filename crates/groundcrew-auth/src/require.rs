use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
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
}

/// What [`RequireScope`] makes of a service.
#[derive(Debug, Clone)]
pub struct Required<S> {
    inner: S,
    scope: Option<&'static str>,
}

// === impl RequireScope ===

impl RequireScope {
    /// Who has this scope.
    pub const fn new(scope: &'static str) -> Self {
        Self { scope: Some(scope) }
    }

    /// Whoever is known.
    pub const fn none() -> Self {
        Self { scope: None }
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        Required { inner, scope: self.scope }
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
        match judge(&request, self.scope) {
            Ok(()) => {
                let answer = self.inner.call(request);
                Box::pin(async { Ok(answer.await?.into_response()) })
            }
            Err(denied) => Box::pin(std::future::ready(Ok(denied.into_response()))),
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
