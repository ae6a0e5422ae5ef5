//! `Idempotency-Key`: a request that is sent again is answered as it was, and done once.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use groundcrew::Crew;
use groundcrew::http::Problem;
use groundcrew::http::axum::body::{Body, to_bytes};
use groundcrew::http::axum::extract::{FromRequest, Request, State};
use groundcrew::http::axum::http::header::{CONTENT_LOCATION, CONTENT_TYPE, LINK, LOCATION};
use groundcrew::http::axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use groundcrew::http::axum::middleware::Next;
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::telemetry::{self, Context};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::SummariesConfig;
use crate::scribe::internal_error;
use crate::store::{Answer, Claimed, Name, Store};
use crate::workshop::storage_problem;

/// The header.
pub(crate) const KEY: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: &str = "idempotency-replayed";
/// The longest key.
pub(crate) const LONGEST: usize = 255;
/// The longest answer that is kept.
const LARGEST: usize = 8 << 20;
/// How much longer than its timeout a request may go on after its client has gone.
const GRACE: Duration = Duration::from_secs(60);
/// Which headers of an answer are kept.
static KEPT: [HeaderName; 5] =
    [CONTENT_TYPE, LOCATION, CONTENT_LOCATION, LINK, HeaderName::from_static("preference-applied")];

/// Which refusals are not kept.
static PASSING: [StatusCode; 4] =
    [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];

/// Answers that are given again.
#[derive(Debug, Clone)]
pub(crate) struct Replays {
    crew: Crew,
    store: Store,
    /// A request without an answer for so long has died with its process.
    lease: Duration,
}

/// What tells a request from another one with the same key.
#[derive(Debug)]
pub(crate) struct Asked {
    name: Option<Name>,
    hash: Sha256,
}

/// What is to be done about a request.
enum Turn {
    /// It is ours since then, and makes the thing with this id.
    Ours { result: Uuid, claimed_ms: i64 },
    /// It was answered, about the thing with this id.
    Answered { result: Uuid, answer: Answer },
}

// === impl Asked ===

impl Asked {
    /// Reads the key, and everything but the body.
    pub(crate) fn of(
        asker: Option<&str>,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let mut keys = headers.get_all(KEY).iter();
        let key = keys.next().map(valid).transpose()?;
        if keys.next().is_some() {
            return Err(invalid("given more than once"));
        }
        let mut hash = Sha256::new();
        for part in [method.as_str().as_bytes(), target.as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        for name in ["content-type", "prefer"] {
            for value in headers.get_all(name) {
                hash.update(value.as_bytes());
            }
            hash.update([0]);
        }
        let name = key.map(|key| Name { asker: asker.unwrap_or_default().to_owned(), key });
        Ok(Self { name, hash })
    }

    fn fingerprint(self, body: &[u8]) -> Option<(Name, String)> {
        let digest = self.hash.chain_update(body).finalize();
        let hex = digest.iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        });
        Some((self.name?, hex))
    }
}

fn valid(value: &HeaderValue) -> Result<String, Problem> {
    let key = value.as_bytes().trim_ascii();
    // The draft of the header wants a string in quotes; most clients send it bare.
    let key = key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\"")).unwrap_or(key);
    let fits = (1..=LONGEST).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(key) if fits => Ok(key.to_owned()),
        _ => Err(invalid("expected 1 to 255 visible ASCII characters")),
    }
}

fn invalid(words: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
        .detail(format!("`Idempotency-Key`: {words}"))
        .with("field", "Idempotency-Key")
}

// === impl Replays ===

impl Replays {
    pub(crate) fn new(crew: &Crew, store: Store, config: &SummariesConfig) -> Self {
        Self { crew: crew.clone(), store, lease: config.timeout + GRACE }
    }

    /// Does `work` for a request, which is handed the id of what it makes: the same one however often the request
    /// is begun. With a key it is done to its end although the client may go away, and its answer is kept.
    pub(crate) async fn once<F, W>(&self, asked: Asked, body: &[u8], work: W) -> Result<Response, Problem>
    where
        W: FnOnce(Uuid) -> F + Send + 'static,
        F: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        self.once_to(Uuid::now_v7(), asked, body, work).await
    }

    /// As [`once`](Self::once), for a request that makes or changes the thing with this id, with which its answer goes.
    async fn once_to<F, W>(
        &self,
        fresh: Uuid,
        asked: Asked,
        body: &[u8],
        work: W,
    ) -> Result<Response, Problem>
    where
        W: FnOnce(Uuid) -> F + Send + 'static,
        F: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        let Some((name, fingerprint)) = asked.fingerprint(body) else { return work(fresh).await };
        let (result, claimed_ms) = match self.turn(&name, &fingerprint, fresh).await? {
            Turn::Answered { result, answer } => return Ok(again(result, answer)),
            Turn::Ours { result, claimed_ms } => (result, claimed_ms),
        };
        let this = self.clone();
        let context = telemetry::current().unwrap_or_else(|| Context::random().into_arc());
        // The work has the request's time; what came of it is kept whenever that is.
        let keeping = context.detached().into_arc();
        let done = async move {
            let response = context.scope(work(result)).await.unwrap_or_else(IntoResponse::into_response);
            this.keep(&name, claimed_ms, response).await
        };
        let receiver = self.crew.detach("idempotent request", keeping.scope(done));
        receiver.await.map_err(|_| internal_error())
    }

    async fn turn(&self, name: &Name, fingerprint: &str, fresh: Uuid) -> Result<Turn, Problem> {
        let now_ms = Timestamp::now().as_millisecond();
        let failed = |error: sqlx::Error| storage_problem(&error);
        if self.store.claim(name, fingerprint, fresh, now_ms).await.map_err(failed)? {
            return Ok(Turn::Ours { result: fresh, claimed_ms: now_ms });
        }
        let Some(claimed) = self.store.claimed(name).await.map_err(failed)? else {
            return Err(under_way(1)); // forgotten just now: the next attempt gets it
        };
        if claimed.fingerprint != fingerprint {
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED")
                .detail("this key came with another request before: use a new key for each request"));
        }
        let Claimed { result, since_ms: claimed_ms, answer, .. } = claimed;
        if let Some(answer) = answer {
            return Ok(Turn::Answered { result, answer });
        }
        let lease_ms = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        let left_ms = claimed_ms.saturating_add(lease_ms) - now_ms;
        if left_ms > 0 || !self.store.reclaim(name, claimed_ms, now_ms).await.map_err(failed)? {
            return Err(under_way(u32::try_from(left_ms / 1000).unwrap_or(0).clamp(1, 5)));
        }
        Ok(Turn::Ours { result, claimed_ms: now_ms })
    }

    /// Keeps an answer, unless it may be another one the next time, as to who may since then what they might not: then
    /// the key is free for the next attempt.
    async fn keep(&self, name: &Name, claimed_ms: i64, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, LARGEST).await else {
            tracing::error!("an answer is too large to be kept for its Idempotency-Key");
            return internal_error().into_response();
        };
        let passes = parts.status.is_server_error() || PASSING.contains(&parts.status);
        let kept = if passes {
            self.store.reclaim(name, claimed_ms, 0).await.map(drop)
        } else {
            let headers = KEPT.iter().filter_map(|name| {
                Some((name.as_str().to_owned(), parts.headers.get(name)?.to_str().ok()?.to_owned()))
            });
            let (status, headers) = (parts.status.as_u16(), headers.collect());
            self.store.settle(name, claimed_ms, Answer { status, headers, body: body.to_vec() }).await
        };
        if let Err(error) = kept {
            // It is done all the same, and whoever sends it again gets the same thing once the lease is over.
            tracing::warn!(%error, "an answer could not be kept for its Idempotency-Key");
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// In the extensions of a request: the id of what it is to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Makes(pub(crate) Uuid);

/// In the extensions of an answer that was given before: the id of what it is about. Whoever asks may have lost it since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replayed(pub(crate) Uuid);

/// For routes with small bodies. What they make has the id [`Makes`]; what is changed has the first one in the path.
pub(crate) async fn layer(
    State(replays): State<Replays>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return Ok(next.run(request).await);
    }
    let asker = crate::api::asker(request.extensions());
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let repeat = Asked::of(asker.as_deref(), request.method(), target, request.headers())?;
    let (parts, body) = request.into_parts();
    let mut read = Request::new(body);
    // The limit of the route stands in the extensions.
    *read.extensions_mut() = parts.extensions.clone();
    let body = Bytes::from_request(read, &()).await?;
    let request = Request::from_parts(parts, Body::from(body.clone()));
    let named = request.uri().path().split('/').find_map(|part| Uuid::try_parse(part).ok());
    let work = move |result| async move {
        let mut request = request;
        request.extensions_mut().insert(Makes(result));
        Ok(next.run(request).await)
    };
    replays.once_to(named.unwrap_or_else(Uuid::now_v7), repeat, &body, work).await
}

/// For routes that are sent or answer secrets: kept answers can be read in the database.
pub(crate) async fn refuse(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method() == Method::POST && request.headers().contains_key(KEY) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_REFUSED").detail(
            "what is sent and answered here is secret, so that no answer is kept to be given again: leave out the \
             header `Idempotency-Key`",
        ));
    }
    Ok(next.run(request).await)
}

fn under_way(seconds: u32) -> Problem {
    Problem::new(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_IN_USE")
        .detail("a request with this key is under way: ask again for its answer")
        .retry_after(seconds)
}

fn again(result: Uuid, answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    response.extensions_mut().insert(Replayed(result));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
