use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_client::{Client, ClientError};
use jsonwebtoken::jwk::Jwk;
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
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
    fetching: Mutex<()>,
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
            fetching: Mutex::default(),
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
        // Who knows the key already does not wait for another's fetch.
        let turn = match &known {
            Some(_) => self.inner.fetching.try_lock().ok(),
            None => Some(self.inner.fetching.lock().await),
        };
        if turn.is_some() && self.may_fetch(kid) {
            self.fetch().await;
        }
        match self.known(kid) {
            Some(key) if self.is_younger(GOOD) => Ok(Some(key)),
            None if !self.inner.held.read().failed => Ok(None),
            _ => Err(TokenError::KeysUnavailable),
        }
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
        {
            // Noted before: who hangs up meanwhile must not let the next one fetch at once.
            let mut held = self.inner.held.write();
            (held.tried, held.failed) = (Some(Instant::now()), true);
        }
        match self.keys().await {
            Ok(keys) => {
                let mut held = self.inner.held.write();
                (held.keys, held.fetched, held.failed) = (keys, Some(Instant::now()), false);
            }
            Err(error) => {
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
