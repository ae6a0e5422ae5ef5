use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use groundcrew_limit::{Decision, Limiter, digest};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use tower::{Layer, Service};

use crate::client::FORWARDED_FOR;
use crate::rate_limit_fields::{Fields, seconds};
use crate::{ClientAddress, Problem, cidr};

/// Answers 429 to whoever asks more often than a [`Limiter`] allows: a layer for a router or for single routes.
///
/// Clients are told apart by their address behind `http.trusted_proxies`, IPv6 ones by their /64. The probes and
/// `/metrics` of this crate's server are answered before any layer, and so are never limited.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use axum::{Router, routing::{get, post}};
/// use groundcrew_http::RateLimit;
/// use groundcrew_limit::LimitConfig;
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
///
/// let everybody = LimitConfig::of(100, Duration::from_secs(60)).limiter("clients", &crew)?;
/// let webhooks = LimitConfig::of(10, Duration::from_secs(1)).limiter("webhooks", &crew)?;
///
/// let routes: Router = Router::new()
///     .route("/webhook", post(|| async { "taken" }).layer(RateLimit::new(webhooks).by_bearer_token()))
///     .route("/parcels", get(|| async { "all of them" }))
///     .route_layer(RateLimit::new(everybody)); // around both, and a miss costs nothing
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RateLimit {
    inner: Arc<Inner>,
    by: By,
}

/// What a request is counted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// The address of its client.
    Client,
    /// This name. It stands in the store as it is, so a secret is to be handed through
    /// [`digest`](groundcrew_limit::digest) first.
    Named(String),
    /// Nothing: it is not limited.
    Exempt,
}

type By = Arc<dyn Fn(&Request) -> RateKey + Send + Sync>;

struct Inner {
    limiter: Limiter,
    fields: Fields,
    warned: AtomicBool,
}

/// What [`RateLimit`] makes of a service.
#[derive(Clone)]
pub struct RateLimited<S> {
    inner: S,
    limit: RateLimit,
}

// === impl RateLimit ===

impl RateLimit {
    /// By the client's address.
    pub fn new(limiter: Limiter) -> Self {
        let (fields, warned) = (Fields::new(&limiter), AtomicBool::new(false));
        Self { inner: Arc::new(Inner { limiter, fields, warned }), by: Arc::new(|_| RateKey::Client) }
    }

    /// By the token of `Authorization: Bearer`, of which only a digest is kept; without one, by address.
    ///
    /// A token is counted before anybody has looked whether it is valid, and tokens are easily made up. Unless a layer
    /// further out refuses the invalid ones, put a limit by address around this one.
    pub fn by_bearer_token(self) -> Self {
        self.by(|request| match bearer(request.headers()) {
            Some(token) => RateKey::Named(format!("bearer:{}", digest(token))),
            None => RateKey::Client,
        })
    }

    /// By whatever this function says. It sees what layers further out left in the extensions, a user for example.
    pub fn by(self, key: impl Fn(&Request) -> RateKey + Send + Sync + 'static) -> Self {
        Self { by: Arc::new(key), ..self }
    }

    fn key(&self, request: &Request) -> Option<String> {
        match (self.by)(request) {
            RateKey::Exempt => None,
            RateKey::Named(name) => Some(name),
            RateKey::Client => {
                self.warn_of_a_proxy_that_is_not_trusted(request);
                Some(address_key(ClientAddress::of(request.extensions())))
            }
        }
    }

    /// Behind a proxy that nobody named, all clients have one address and use up one quota. Said once, since the header
    /// may as well come from a client.
    fn warn_of_a_proxy_that_is_not_trusted(&self, request: &Request) {
        let is_proxied = request.headers().contains_key(FORWARDED_FOR);
        let is_walked = request.extensions().get::<ClientAddress>().is_some();
        if is_proxied && !is_walked && !self.inner.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                limiter.name = self.inner.limiter.name(),
                "a request that is limited by address came through a proxy, and http.trusted_proxies is empty: if the \
                 proxy is yours, name its network there, or all its clients share one limit"
            );
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("limiter", &self.inner.limiter).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RateLimit {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { inner, limit: self.clone() }
    }
}

// === impl RateLimited ===

impl<S> Service<Request> for RateLimited<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let waiting = self.inner.clone();
        // The one that was asked whether it is ready must be the one that is called.
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let (key, limit) = (self.limit.key(&request), self.limit.inner.clone());
        Box::pin(async move {
            let Some(key) = key else { return Ok(inner.call(request).await?.into_response()) };
            let decision = limit.limiter.take(&key).await;
            if !decision.allowed {
                return Ok(refused(&limit, &decision));
            }
            let mut response = inner.call(request).await?.into_response();
            // A client that has little left might wait before it follows.
            if !response.status().is_redirection() {
                limit.fields.write(&decision, response.headers_mut());
            }
            Ok(response)
        })
    }
}

impl<S> fmt::Debug for RateLimited<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimited").field("limit", &self.limit).finish_non_exhaustive()
    }
}

fn refused(limit: &Inner, decision: &Decision) -> Response {
    let wait = seconds(decision.retry_after.unwrap_or(decision.reset_after)).max(1);
    let mut response = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED")
        .detail(format!("the quota is used up; there is more in {wait} s"))
        .retry_after(u32::try_from(wait).unwrap_or(u32::MAX))
        .with("violated-policies", vec![limit.limiter.name()])
        .into_response();
    limit.fields.write(decision, response.headers_mut());
    response
}

/// One household, one server, one machine: who has an IPv6 address has the whole /64 to choose from.
fn address_key(client: Option<ClientAddress>) -> String {
    match client.map(|client| client.0) {
        Some(IpAddr::V4(address)) => format!("ip:{address}"),
        Some(address) => format!("ip:{}/64", cidr::masked(address, 64)),
        None => "ip:local".to_owned(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}
