//! One call: its attempts, the pauses between them, and what is learned from each.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use groundcrew_runtime::Backoff;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use url::Url;

use crate::breaker::{News, Permit};
use crate::client::Place;
use crate::deadline::{Deadline, Limit};
use crate::hosts::{Host, name_of};
use crate::metrics::Outcome;
use crate::request::Parts;
use crate::response::Received;
use crate::retry_after::retry_after;
use crate::verdict::{self, Failure};
use crate::{Client, ClientError, Response};

/// One call under way. Dropped without an outcome, it was cancelled.
struct Call {
    client: Client,
    host: Arc<Host>,
    url: Url,
    parts: Parts,
    deadline: Deadline,
    attempts: u32,
    started: Instant,
    counted: bool,
}

/// What an attempt brought.
enum Attempted {
    /// With its place among those under way, unless it was given back while we waited for the next attempt.
    Answered(reqwest::Response, Option<Place>),
    Failed(Failure),
}

pub(crate) async fn send(client: Client, url: Url, mut parts: Parts) -> Result<Response, ClientError> {
    if client.inner.trace {
        add_trace(&mut parts.headers);
    }
    let host = client.inner.hosts.get(&name_of(&url));
    let total = parts.total.unwrap_or(client.inner.config.total_timeout);
    let deadline = Deadline::after(total, Limit::Total).min(Deadline::of_request());
    let started = Instant::now();
    let mut call = Call { client, host, url, parts, deadline, attempts: 0, started, counted: false };
    let result = call.run().await;
    call.count(outcome(&result));
    result
}

// === impl Call ===

impl Call {
    async fn run(&mut self) -> Result<Response, ClientError> {
        self.host.budget.deposit();
        let mut last = None;
        loop {
            let (place, permit) = match self.enter().await {
                Ok(entered) => entered,
                // What the attempt before brought says more.
                Err(refused) => return last.map_or(Err(refused), |last| self.finish(last)),
            };
            drop(last.take());
            let mut attempted = self.attempt(place, permit).await;
            let Some(pause) = self.pause_before_retry(&attempted) else { return self.finish(attempted) };
            attempted.give_place_back();
            sleep(pause).await;
            self.host.metrics.retried();
            last = Some(attempted);
        }
    }

    /// Waits for a place, for a turn in our own rate, and asks whether the host is left alone.
    async fn enter(&self) -> Result<(Place, Permit), ClientError> {
        // First, so that nobody waits for a place that would not be used.
        if let Some(retry_in) = self.host.breaker.refuses() {
            return Err(self.left_alone(retry_in));
        }
        let over = || Failure::Timeout(self.deadline.limit(), self.deadline.within());
        if self.deadline.is_over() {
            return Err(self.error(over()));
        }
        let Ok(Some(place)) = timeout_at(self.deadline.at(), self.client.inner.place()).await else {
            return Err(ClientError::Saturated {
                client: self.client.inner.name.clone(),
                host: self.host.name.to_string(),
                max_in_flight: self.client.inner.config.max_in_flight,
            });
        };
        if let Some(rate) = &self.client.inner.rate {
            let turn = rate.reserve(self.deadline.at()).map_err(|retry_in| ClientError::RateLimited {
                client: self.client.inner.name.clone(),
                host: self.host.name.to_string(),
                retry_in,
            })?;
            sleep_until(turn).await;
        }
        let permit = self.host.breaker.admit().map_err(|retry_in| self.left_alone(retry_in))?;
        self.host.metrics.breaker(self.host.breaker.level());
        Ok((place, permit))
    }

    async fn attempt(&mut self, place: Place, permit: Permit) -> Attempted {
        self.attempts += 1;
        let (inner, begun) = (&self.client.inner, Instant::now());
        let within = self.parts.attempt.unwrap_or(inner.config.attempt_timeout);
        let until = Deadline::after(within, Limit::Attempt).min(Some(self.deadline));
        let sent = timeout_at(until.at(), inner.http.execute(self.request())).await;
        let attempted = match sent {
            Ok(Ok(answer)) => Attempted::Answered(answer, Some(place)),
            Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                Attempted::Failed(Failure::Timeout(Limit::Connect, inner.config.connect_timeout))
            }
            Ok(Err(error)) => Attempted::Failed(Failure::of(error)),
            Err(_) => Attempted::Failed(Failure::Timeout(until.limit(), until.within())),
        };
        self.learn(permit, &attempted, begun.elapsed());
        attempted
    }

    fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.parts.method.clone(), self.url.clone());
        *request.headers_mut() = self.parts.headers.clone();
        *request.body_mut() = self.parts.body.clone().map(Into::into);
        request
    }

    /// Tells the breaker what the attempt says about the host.
    fn learn(&self, permit: Permit, attempted: &Attempted, took: Duration) {
        let news = match attempted {
            Attempted::Answered(answer, _) if is_blamed(answer.status()) => permit.failed(),
            Attempted::Answered(..) => permit.succeeded(),
            Attempted::Failed(Failure::Invalid(_) | Failure::Blocked(_)) => None,
            // Who gives the host no time learns nothing about it.
            Attempted::Failed(Failure::Timeout(Limit::Total | Limit::Request, _))
                if took < self.client.inner.config.connect_timeout =>
            {
                None
            }
            Attempted::Failed(_) => permit.failed(),
        };
        self.host.metrics.breaker(self.host.breaker.level());
        let (client, host) = (&self.client.inner.name, &self.host.name);
        match news {
            Some(News::Opened { pause }) => {
                tracing::warn!(client.name = %client, client.host = %host, ?pause, "host fails and is left alone");
            }
            Some(News::Closed) => {
                tracing::info!(client.name = %client, client.host = %host, "host answers again");
            }
            None => {}
        }
    }

    /// How long to wait before another attempt; none if there should not be one.
    fn pause_before_retry(&self, attempted: &Attempted) -> Option<Duration> {
        let config = &self.client.inner.config;
        let (passing, safe, asked) = match attempted {
            Attempted::Answered(answer, _) => (
                verdict::is_passing(answer.status()),
                self.parts.idempotent,
                retry_after(answer.headers(), SystemTime::now()),
            ),
            Attempted::Failed(failure) => {
                (failure.is_passing(), self.parts.idempotent || failure.never_sent(), None)
            }
        };
        if !passing || !safe || self.attempts > config.max_retries {
            return None;
        }
        let backoff = Backoff::new(config.retry_initial, config.retry_max).delay(self.attempts - 1);
        let pause = asked.unwrap_or_default().max(backoff);
        let in_time = Instant::now().checked_add(pause).is_some_and(|then| then < self.deadline.at());
        if !in_time || self.host.breaker.refuses().is_some_and(|refused_for| refused_for > pause) {
            return None;
        }
        if !self.host.budget.withdraw() {
            self.host.metrics.retry_refused();
            return None;
        }
        tracing::debug!(
            client.name = %self.client.inner.name,
            client.host = %self.host.name,
            client.attempt = self.attempts,
            ?pause,
            "call is tried again"
        );
        Some(pause)
    }

    fn finish(&self, attempted: Attempted) -> Result<Response, ClientError> {
        match attempted {
            Attempted::Failed(failure) => Err(self.error(failure)),
            Attempted::Answered(answer, place) => Ok(Response::new(Received {
                client: self.client.clone(),
                host: Arc::clone(&self.host),
                answer,
                place,
                attempts: self.attempts,
                deadline: self.deadline,
                total: self.parts.total.map(|_| self.deadline),
                max_response: self
                    .parts
                    .max_response
                    .unwrap_or_else(|| self.client.inner.config.max_response.bytes()),
                read: 0,
            })),
        }
    }

    fn error(&self, failure: Failure) -> ClientError {
        failure.into_error(&self.client.inner.name, &self.host.name, self.attempts)
    }

    fn left_alone(&self, retry_in: Duration) -> ClientError {
        ClientError::CircuitOpen {
            client: self.client.inner.name.clone(),
            host: self.host.name.to_string(),
            retry_in,
        }
    }

    fn count(&mut self, outcome: Outcome) {
        self.counted = true;
        self.host.metrics.ended(outcome, self.started.elapsed());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.counted {
            self.count(Outcome::Cancelled);
        }
    }
}

// === impl Attempted ===

impl Attempted {
    fn give_place_back(&mut self) {
        if let Self::Answered(_, place) = self {
            drop(place.take());
        }
    }
}

/// Whether a status says that the host is in trouble. One that asks for patience is not.
fn is_blamed(status: StatusCode) -> bool {
    status.is_server_error() && verdict::is_passing(status)
}

fn outcome(result: &Result<Response, ClientError>) -> Outcome {
    match result {
        Ok(response) => match response.status() {
            StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
            status if status.is_client_error() => Outcome::ClientError,
            status if status.is_server_error() => Outcome::ServerError,
            _ => Outcome::Ok,
        },
        Err(ClientError::Connect { .. } | ClientError::Timeout { limit: Limit::Connect, .. }) => {
            Outcome::Connect
        }
        Err(ClientError::Timeout { .. }) => Outcome::Timeout,
        Err(ClientError::Blocked { .. }) => Outcome::Blocked,
        Err(ClientError::Invalid { .. }) => Outcome::Invalid,
        Err(error) if error.never_sent() => Outcome::Refused,
        Err(_) => Outcome::Interrupted,
    }
}

/// The ids of the current request or job; what was set by hand stays.
fn add_trace(headers: &mut HeaderMap) {
    let Some(context) = groundcrew_telemetry::current() else { return };
    let mut add = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.entry(HeaderName::from_static(name)).or_insert(value);
        }
    };
    add("traceparent", &context.trace().traceparent());
    if let Some(state) = context.trace_state() {
        add("tracestate", state.as_str().as_bytes());
    }
    add("x-request-id", context.request_id().as_bytes());
}
