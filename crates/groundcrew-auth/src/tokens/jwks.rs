use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_client::{Client, ClientError};
use groundcrew_telemetry::Context;
use jsonwebtoken::jwk::Jwk;
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::TokenError;
use super::key::Key;

/// The keys that somebody else publishes, whose tokens are to be believed: fetched when one is asked for that is not
/// known, at most every 30 s, and anew after an hour.
///
/// ```no_run
/// # async fn example(crew: groundcrew_runtime::Crew) -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_auth::{AuthConfig, Jwks};
/// use groundcrew_client::ClientConfig;
///
/// let client = ClientConfig::default().named("identity").build(&crew)?;
/// let jwks = Jwks::new(client, "https://id.example/.well-known/jwks.json", "https://id.example");
/// let tokens = AuthConfig::default().tokens(&crew)?.trusting(jwks);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Jwks {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    url: String,
    issuer: String,
    held: RwLock<Held>,
    fetching: Arc<Mutex<()>>,
    pause: Duration,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, Key>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    failed: bool,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// After so long the keys are fetched anew, and after so long without success they are not believed.
const FRESH: Duration = Duration::from_secs(3_600);
const GOOD: Duration = Duration::from_secs(24 * 3_600);
/// So many keys are taken of one set.
const MOST: usize = 100;

// === impl Jwks ===

impl Jwks {
    /// The set at this address, for tokens of this issuer (`iss`). Its audience is `auth.audience`, as for our own.
    pub fn new(client: Client, url: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self::with_pause(client, url, issuer, Duration::from_secs(30))
    }

    /// As [`new`](Self::new), with another time between two fetches: whoever makes up key ids makes no more of them.
    pub fn with_pause(
        client: Client,
        url: impl Into<String>,
        issuer: impl Into<String>,
        pause: Duration,
    ) -> Self {
        let inner = Inner {
            client,
            url: url.into(),
            issuer: issuer.into(),
            held: RwLock::default(),
            fetching: Arc::default(),
            pause,
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    pub(super) async fn find(&self, kid: &str) -> Result<Option<Key>, TokenError> {
        let known = self.known(kid);
        if known.is_some() && self.is_younger(FRESH) {
            return Ok(known);
        }
        let is_settled = within_deadline(self.renew(kid, known.is_some())).await.unwrap_or(false);
        match self.known(kid) {
            Some(key) if self.is_younger(GOOD) => Ok(Some(key)),
            None if is_settled && !self.inner.held.read().failed => Ok(None),
            _ => Err(TokenError::KeysUnavailable),
        }
    }

    /// Has the keys fetched where it is time for that; whether it is known what comes of it. Who is dropped meanwhile
    /// ends only their own waiting, or one client that hangs up would keep the keys from all.
    async fn renew(&self, kid: &str, is_known: bool) -> bool {
        let fetching = self.inner.fetching.clone();
        // Who knows the key already does not wait for another's fetch.
        let turn = if is_known { fetching.try_lock_owned().ok() } else { Some(fetching.lock_owned().await) };
        let Some(turn) = turn.filter(|_| self.may_fetch(kid)) else { return true };
        let jwks = self.clone();
        let fetch = async move {
            jwks.fetch().await;
            drop(turn);
        };
        spawn(fetch).await.is_ok()
    }

    fn known(&self, kid: &str) -> Option<Key> {
        self.inner.held.read().keys.get(kid).cloned()
    }

    fn is_younger(&self, age: Duration) -> bool {
        self.inner.held.read().fetched.is_some_and(|at| at.elapsed() < age)
    }

    /// Another may have fetched while this one waited.
    fn may_fetch(&self, kid: &str) -> bool {
        let held = self.inner.held.read();
        let is_rested = held.tried.is_none_or(|at| at.elapsed() >= self.inner.pause);
        let is_fresh = held.fetched.is_some_and(|at| at.elapsed() < FRESH);
        is_rested && !(held.keys.contains_key(kid) && is_fresh)
    }

    async fn fetch(&self) {
        // Noted before: the pause is between the beginnings of two.
        self.inner.held.write().tried = Some(Instant::now());
        match self.keys().await {
            Ok(keys) => {
                let mut held = self.inner.held.write();
                (held.keys, held.fetched, held.failed) = (keys, Some(Instant::now()), false);
            }
            Err(error) => {
                self.inner.held.write().failed = true;
                tracing::warn!(jwks.issuer = self.inner.issuer, %error, "the keys of an issuer could not be fetched");
            }
        }
    }

    async fn keys(&self) -> Result<HashMap<String, Key>, ClientError> {
        let response = self.inner.client.get(&self.inner.url).max_response(1 << 20).send().await?;
        let set: Set = response.error_for_status()?.json().await?;
        // A key of a kind that is not known makes the others no worse.
        let jwks = set.keys.into_iter().take(MOST).filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok());
        Ok(jwks.filter_map(|jwk| Key::of_jwk(&jwk)).map(|key| (key.kid.clone(), key)).collect())
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

/// On a task of its own, in the trace of whoever wants it, but without their deadline: it is for everybody who waits.
fn spawn(fetch: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    match groundcrew_telemetry::current() {
        Some(context) => tokio::spawn(context.detached().into_arc().scope(fetch)),
        None => tokio::spawn(fetch),
    }
}

/// Waits as long as the request or job has that is current, if it has a deadline.
async fn within_deadline<F: Future>(wait: F) -> Option<F::Output> {
    match groundcrew_telemetry::with_current(|context| context.and_then(Context::remaining)) {
        Some(left) => tokio::time::timeout(left, wait).await.ok(),
        None => Some(wait.await),
    }
}
