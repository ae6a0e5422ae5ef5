//! Sign-in at somebody else's: OAuth 2 with an authorization code, PKCE (S256) and a state that is bound to the browser
//! by a signed cookie of ten minutes.
//!
//! ```no_run
//! # async fn example(crew: groundcrew_runtime::Crew, headers: http::HeaderMap) -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_auth::oauth::{Callback, OAuth, Provider};
//! use groundcrew_client::ClientConfig;
//!
//! let provider = Provider::new("https://id.example/authorize", "https://id.example/token")
//!     .with_userinfo("https://id.example/me")
//!     .with_scopes("identify");
//! let client = ClientConfig::default().named("sign_in").build(&crew)?;
//! let oauth = OAuth::new(client, provider, "our-id", "our-secret", "https://parcels.example/auth/callback");
//!
//! let started = oauth.start("/parcels"); // answer 303 with `Location` and `Set-Cookie`
//! # let callback = Callback::default();
//! let granted = oauth.finish(&callback, &headers).await?; // at /auth/callback, with its query and headers
//! let who: serde_json::Value = oauth.userinfo(&granted.access_token).await?;
//! # let _ = (started, who, granted.return_to);
//! # Ok(()) }
//! ```
//!
//! It verifies no id tokens of OpenID Connect: who it is says the provider's userinfo, asked over TLS. It keeps none of
//! the provider's tokens.

mod error;
mod provider;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_client::Client;
use groundcrew_config::Secret;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use self::error::OAuthError;
pub use self::provider::Provider;
use self::state::{Pending, Seal};
use crate::SessionCookie;

/// Signs people in at one provider.
#[derive(Clone)]
pub struct OAuth {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    provider: Provider,
    id: String,
    secret: Secret<String>,
    redirect: String,
    cookie: SessionCookie,
    seal: Seal,
}

/// A sign-in that was started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Started {
    /// Where the browser is to go.
    pub location: String,
    /// The `Set-Cookie` that lets only this browser come back.
    pub cookie: HeaderValue,
}

/// The query with which the provider sends the browser back.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// What the provider has granted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Granted {
    /// For [`OAuth::userinfo`] and [`OAuth::get`].
    pub access_token: Secret<String>,
    /// What it allows, as the provider says it.
    pub scope: Option<String>,
    /// Where the person wanted to go: a path of ours.
    pub return_to: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    scope: Option<String>,
    error: Option<String>,
}

/// For so long a person may take to sign in.
const WITHIN: Duration = Duration::from_secs(600);

// === impl OAuth ===

impl OAuth {
    /// With what the provider knows us by. `redirect` is our address of the callback as the provider has it; where it
    /// begins with `https:`, cookies are sent over TLS only.
    pub fn new(
        client: Client,
        provider: Provider,
        id: impl Into<String>,
        secret: impl Into<String>,
        redirect: impl Into<String>,
    ) -> Self {
        let (secret, redirect) = (Secret::new(secret.into()), redirect.into());
        let cookie = if redirect.starts_with("https:") {
            SessionCookie::new("sign-in")
        } else {
            SessionCookie::insecure("sign-in")
        };
        // Of the secret that all replicas share, so that another one may finish what this one started.
        let seal = Seal::of(secret.expose());
        Self { inner: Arc::new(Inner { client, provider, id: id.into(), secret, redirect, cookie, seal }) }
    }

    /// Begins a sign-in, after which the person is to see this path of ours; anything else becomes `/`.
    pub fn start(&self, return_to: &str) -> Started {
        let pending = Pending::new(return_to, WITHIN);
        let Inner { provider, id, redirect, cookie, seal, .. } = &*self.inner;
        let challenge = pending.challenge();
        let query = [
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", redirect),
            ("scope", provider.scopes()),
            ("state", &pending.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let location = Url::parse_with_params(provider.authorize(), query);
        Started {
            location: location.map_or_else(|_| provider.authorize().to_owned(), String::from),
            cookie: cookie.written(&seal.close(&pending), WITHIN),
        }
    }

    /// Ends a sign-in: checks that this browser began it, and takes the code for an access token. Answer with
    /// [`forget`](Self::forget) in any case.
    ///
    /// # Errors
    ///
    /// When the person said no, this browser did not begin it, it took too long, or the provider does not answer.
    pub async fn finish(&self, callback: &Callback, headers: &HeaderMap) -> Result<Granted, OAuthError> {
        let Inner { cookie, seal, .. } = &*self.inner;
        let sealed = cookie.read(headers).ok_or(OAuthError::NotStarted)?;
        let pending = seal.open(sealed).ok_or(OAuthError::NotStarted)?;
        // Before anything else that stands in the query: without it, another site may have made it up.
        if !pending.is_answered_by(callback.state.as_deref().unwrap_or_default()) {
            return Err(OAuthError::NotStarted);
        }
        if let Some(error) = &callback.error {
            return Err(OAuthError::Refused(error::tidy(error)));
        }
        let code = callback.code.as_deref().ok_or_else(|| OAuthError::Refused("no code".to_owned()))?;
        let answer = self.exchange(code, &pending).await?;
        match (answer.access_token, answer.error) {
            (Some(token), None) => Ok(Granted {
                access_token: Secret::new(token),
                scope: answer.scope,
                return_to: pending.return_to,
            }),
            (_, Some(error)) => Err(OAuthError::Refused(error::tidy(&error))),
            (None, None) => Err(OAuthError::Answer("no access token")),
        }
    }

    /// Who has signed in, as the provider's userinfo says it.
    ///
    /// # Errors
    ///
    /// When the provider has no such address, does not answer, or says something else.
    pub async fn userinfo<T: DeserializeOwned>(&self, token: &Secret<String>) -> Result<T, OAuthError> {
        let url = self.inner.provider.userinfo().ok_or(OAuthError::Answer("no userinfo is configured"))?;
        self.get(url, token).await
    }

    /// What another address of the provider says to this person's token.
    pub async fn get<T: DeserializeOwned>(&self, url: &str, token: &Secret<String>) -> Result<T, OAuthError> {
        let response = self.inner.client.get(url).bearer(token).max_response(1 << 20).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    /// The `Set-Cookie` that makes the browser forget what [`start`](Self::start) gave it.
    pub fn forget(&self) -> HeaderValue {
        self.inner.cookie.clear()
    }

    async fn exchange(&self, code: &str, pending: &Pending) -> Result<Answer, OAuthError> {
        let Inner { client, provider, id, secret, redirect, .. } = &*self.inner;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("client_id", id),
            ("client_secret", secret.expose()),
            ("code_verifier", &pending.verifier),
        ];
        // A code is good once: a second attempt would be refused, and might be taken for a theft.
        let request = client.post(provider.token()).form(form).header("accept", "application/json");
        let response = request.at_most_once().max_response(1 << 20).send().await?;
        let status = response.status();
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            response.error_for_status()?;
            return Err(OAuthError::Answer("an error"));
        }
        Ok(response.json().await?)
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { provider, id, redirect, .. } = &*self.inner;
        f.debug_struct("OAuth")
            .field("provider", provider)
            .field("id", id)
            .field("redirect", redirect)
            .finish_non_exhaustive()
    }
}

// A code is worth a token for a moment.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("error", &self.error).finish_non_exhaustive()
    }
}
