//! Discord's REST API: what the bot says and asks, within Discord's limits.
//!
//! Not serenity's own client: its rate limiter leaves a configured address aside, waits without a bound, and forgets
//! `Retry-After` when it is switched off; and its models refuse a page of history for one message that they do not
//! know.

mod body;
mod calls;
mod error;
mod interactions;
mod limit;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use groundcrew::Crew;
use groundcrew::client::{BuildError, Client, ClientConfig};
use groundcrew::config::{ByteSize, Secret};
use groundcrew::http::axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use groundcrew::http::axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

pub(crate) use self::body::Body;
pub(crate) use self::calls::Page;
pub(crate) use self::error::RestError;
use self::limit::{Answered, Limits, Route};
pub(crate) use self::wire::{
    Application, Channel, Gateway, Guild, Member, Message, Overwrite, Threads, User,
};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long a call waits for Discord's limits and for Discord itself, all in all, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often something that can safely be repeated is tried.
const TRIES: u32 = 4;
/// The longest answer that is read: a page of a hundred long messages is far below.
const LONGEST: u64 = 16 << 20;
/// Discord is left alone for so long when it fails again and again: shorter than anybody waits for a first word.
const BREAK: Duration = Duration::from_secs(2);

/// Discord's REST API. Clones share connections and limits.
#[derive(Clone)]
pub(crate) struct Rest(Arc<Inner>);

struct Inner {
    client: Client,
    /// With the version, without a `/` at the end.
    base: String,
    token: Secret<String>,
    /// The token as a header.
    bearer: Secret<String>,
    limits: Limits,
    /// Discord has said 401 to the token: after ten thousand of these in ten minutes it shuts the address out.
    refused: AtomicBool,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    route: Route,
    path: String,
    body: Body,
    /// Whether the bot's token goes with it, or a token is in the path.
    authorized: bool,
    /// Whether doing it twice is the same as doing it once.
    repeatable: bool,
    patience: Duration,
}

/// What Discord says when it does not do something.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Complaint {
    code: i64,
    message: String,
    retry_after: Option<f64>,
    global: bool,
}

// === impl Rest ===

impl Rest {
    /// Talks to the Discord at `url`, such as `https://discord.com`, with a bot's token.
    pub(crate) fn new(crew: &Crew, url: &str, token: Secret<String>) -> Result<Self, BuildError> {
        let agent =
            concat!("DiscordBot (", env!("CARGO_PKG_REPOSITORY"), ", ", env!("CARGO_PKG_VERSION"), ")");
        let config = ClientConfig {
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: ATTEMPT,
            total_timeout: ATTEMPT,
            // Ours, in `send`: the limits of all other calls have to learn from each 429.
            max_retries: 0,
            breaker_failures: 10,
            breaker_pause: BREAK,
            max_in_flight: 256,
            idle_timeout: Duration::from_secs(60),
            max_response: ByteSize(LONGEST),
            user_agent: Some(agent.to_owned()),
            ..ClientConfig::default()
        };
        let client = config.named("discord").trace(false).build(crew)?;
        let base = format!("{}/api/v10", url.trim_end_matches('/'));
        let bearer = Secret::new(format!("Bot {}", token.expose().trim()));
        let (limits, refused) = (Limits::default(), AtomicBool::new(false));
        Ok(Self(Arc::new(Inner { client, base, token, bearer, limits, refused })))
    }

    /// Whether Discord has refused the token; nothing is sent any more then.
    pub(crate) fn is_refused(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn token(&self) -> &Secret<String> {
        &self.0.token
    }

    /// Sends it and reads what comes back.
    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, RestError> {
        let path = call.route;
        let bytes = self.send(call).await?;
        serde_json::from_slice(&bytes).map_err(|error| RestError::unreadable(path.template, &error))
    }

    /// Sends it, as often as it takes and is allowed.
    async fn send(&self, call: Call) -> Result<Bytes, RestError> {
        let deadline = Instant::now() + call.patience;
        let mut tries = 0;
        loop {
            if call.authorized && self.is_refused() {
                return Err(RestError::Unauthorized);
            }
            self.0.limits.wait(&call.route, deadline).await?;
            let error = match self.attempt(&call).await {
                Ok(bytes) => return Ok(bytes),
                // The limits know for how long.
                Err(RestError::Limited { .. }) if Instant::now() < deadline => continue,
                Err(error) => error,
            };
            tries += 1;
            let pause = Duration::from_millis(250 << tries);
            let harmless = call.repeatable || error.never_sent();
            let again = harmless && error.is_passing() && tries < TRIES;
            if !again || Instant::now() + pause >= deadline {
                return Err(error);
            }
            sleep(groundcrew::runtime::jittered(pause, 30)).await;
        }
    }

    async fn attempt(&self, call: &Call) -> Result<Bytes, RestError> {
        let mut request = self.0.client.request(call.method.clone(), format!("{}{}", self.0.base, call.path));
        if call.authorized {
            request = request.secret_header(AUTHORIZATION, &self.0.bearer);
        }
        if let Some((kind, bytes)) = call.body.encoded() {
            request = request.header(CONTENT_TYPE, kind).body(bytes);
        }
        let failed = |error| RestError::failed(call.route.template, error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut answered = Answered::of(status, response.headers());
        let bytes = response.bytes().await.map_err(failed)?;
        if status.is_success() {
            self.0.limits.learn(&call.route, &answered);
            return Ok(bytes);
        }
        let complaint: Complaint = serde_json::from_slice(&bytes).unwrap_or_default();
        answered.complain(complaint.retry_after, complaint.global);
        self.0.limits.learn(&call.route, &answered);
        Err(self.refusal(call, status, complaint))
    }

    fn refusal(&self, call: &Call, status: StatusCode, complaint: Complaint) -> RestError {
        let route = call.route.template;
        match status {
            StatusCode::TOO_MANY_REQUESTS => RestError::Limited { route },
            StatusCode::UNAUTHORIZED if call.authorized => {
                if !self.0.refused.swap(true, Ordering::Relaxed) {
                    tracing::error!(discord.route = route, "{}", RestError::Unauthorized);
                }
                RestError::Unauthorized
            }
            _ => RestError::Refused {
                route,
                status: status.as_u16(),
                code: complaint.code,
                message: complaint.message,
            },
        }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("base", &self.0.base).finish_non_exhaustive()
    }
}

// === impl Call ===

impl Call {
    /// `template` names the route for limits and errors; `major` is the id that Discord limits by: of the channel, the
    /// server, or the webhook with its token.
    fn new(method: Method, template: &'static str, major: &str, path: String) -> Self {
        let repeatable = method != Method::POST;
        let route = Route::new(&method, template, major);
        Self { method, route, path, body: Body::None, authorized: true, repeatable, patience: PATIENCE }
    }

    fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// A token is in its path; the bot's own does not go with it.
    fn without_token(self) -> Self {
        Self { authorized: false, ..self }
    }

    /// Doing it twice is the same as doing it once, although it is a POST.
    fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}
