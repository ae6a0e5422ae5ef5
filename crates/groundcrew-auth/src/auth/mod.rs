mod credentials;
mod identity;
mod judge;
mod layer;
mod site;

use groundcrew_runtime::Crew;
use groundcrew_telemetry::MetricsError;
use http::request::Parts;

pub(crate) use self::credentials::cookies;
use self::credentials::{Credential, credential};
pub(crate) use self::identity::{Identity, Refusal, State};
use self::judge::Judge;
pub use self::layer::Authenticated;
use crate::auth_metrics::{AuthMetrics, Outcome, Shown};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::{ApiKeys, Sessions};
use crate::{Principal, PrincipalKind, SessionCookie, TokenError, Tokens};

/// Finds out who asks: a layer for the routes on which somebody is to be known.
///
/// It looks at `Authorization: Bearer` (a token or an API key), `X-API-Key` and the session's cookie, in this order
/// (for what only reads also at `Authorization: Basic` with an API key as the password, RFC 7617), and tells the [`Principal`] extractor and [`RequireScope`](crate::RequireScope), who refuse. What is shown and not
/// good is refused by them, too, whatever else would have been allowed. On routes without them everybody passes.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, routing::{get, post}};
/// use groundcrew_auth::{Auth, AuthConfig, Principal, RequireScope};
///
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
/// let tokens = AuthConfig::of("a secret of at least thirty-two characters").tokens(&crew)?;
/// let auth = Auth::new(&crew)?.tokens(tokens);
///
/// let routes: Router = Router::new()
///     .route("/parcels", post(|| async { "sent" }).layer(RequireScope::new("parcels:write")))
///     .route("/me", get(|who: Principal| async move { who.subject }))
///     .layer(auth); // around both
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Auth {
    metrics: AuthMetrics,
    tokens: Option<Tokens>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    keys: Option<ApiKeys>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    sessions: Option<Sessions>,
    cookie: Option<SessionCookie>,
    local: Option<Principal>,
    judge: Option<Judge>,
}

// === impl Auth ===

impl Auth {
    /// Knows nobody yet.
    ///
    /// # Errors
    ///
    /// When its metrics are registered already, with other labels.
    pub fn new(crew: &Crew) -> Result<Self, MetricsError> {
        Ok(Self {
            metrics: AuthMetrics::register(crew.metrics())?,
            tokens: None,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            keys: None,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            sessions: None,
            cookie: None,
            local: None,
            judge: None,
        })
    }

    /// Knows who shows a signed token.
    pub fn tokens(self, tokens: Tokens) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// Knows who shows an API key, as a bearer or in `X-API-Key`, and as a password to read (`GET`, `HEAD`).
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn keys(self, keys: ApiKeys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Knows browsers by their session's cookie. A request that changes something must come from a page of ours.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn sessions(self, sessions: Sessions, cookie: SessionCookie) -> Self {
        Self { sessions: Some(sessions), cookie: Some(cookie), ..self }
    }

    /// Takes who shows nothing for this principal: for a service that listens on loopback, on the machine of who
    /// develops it. Requests that a browser sends for another site's page are refused all the same, and so is a
    /// `Host` that is neither `localhost` nor an address. Who is connected from another machine is nobody, and so is
    /// who comes through a proxy that says so (`X-Forwarded-For`, `X-Real-IP`, `Forwarded`): one on this machine that
    /// says nothing cannot be told from it.
    pub fn local(self, who: Principal) -> Self {
        Self { local: Some(Principal { kind: PrincipalKind::Local, ..who }), ..self }
    }

    /// Has everybody who is known judged anew, at each request: what they might do when their session, token or key was
    /// made, they may have lost since.
    ///
    /// ```
    /// # fn example(auth: groundcrew_auth::Auth, is_admin: fn(&str) -> bool) -> groundcrew_auth::Auth {
    /// use groundcrew_auth::Scopes;
    ///
    /// auth.judge(move |mut who| {
    ///     if who.may("admin") && !is_admin(&who.subject) {
    ///         who.scopes = Scopes::none();
    ///     }
    ///     who
    /// })
    /// # }
    /// ```
    pub fn judge(self, judge: impl Fn(Principal) -> Principal + Send + Sync + 'static) -> Self {
        Self { judge: Some(Judge::new(judge)), ..self }
    }

    pub(crate) async fn identify(&self, parts: &Parts) -> Identity {
        let (shown, state) = match credential(&parts.headers, self.cookie.as_ref().map(SessionCookie::name)) {
            Ok(Credential::Nothing) => (Shown::Nothing, State::Nobody),
            Ok(Credential::Token(token)) => (Shown::Token, self.by_token(token).await),
            Ok(Credential::Key(key)) => (Shown::Key, self.by_key(key).await),
            // A browser that was once given a password sends it by itself, for whichever page.
            Ok(Credential::Password(_)) if site::changes(parts) => {
                (Shown::Key, State::Refused(Refusal::Password))
            }
            Ok(Credential::Password(_)) if site::is_foreign(parts) => {
                (Shown::Key, State::Refused(Refusal::CrossSite))
            }
            Ok(Credential::Password(key)) => (Shown::Key, self.by_key(&key).await),
            Ok(Credential::Session(_)) if site::changes(parts) && !site::is_ours(parts) => {
                (Shown::Session, State::Refused(Refusal::CrossSite))
            }
            Ok(Credential::Session(cookie)) => (Shown::Session, self.by_session(cookie).await),
            Err((shown, refusal)) => (shown, State::Refused(refusal)),
        };
        let (shown, state) = match (&self.local, state) {
            (Some(local), State::Nobody) => (Shown::Local, site::local(parts, local)),
            (_, state) => (shown, state),
        };
        let state = match &self.judge {
            Some(judge) => judge.judge(state),
            None => state,
        };
        match &state {
            State::Known(_) => self.metrics.count(shown, Outcome::Allowed),
            State::Refused(_) => self.metrics.count(shown, Outcome::Refused),
            State::Unavailable => self.metrics.count(shown, Outcome::Unavailable),
            State::Nobody => {}
        }
        Identity { state, shown, metrics: self.metrics.clone() }
    }

    async fn by_token(&self, token: &str) -> State {
        let Some(tokens) = &self.tokens else { return State::Refused(Refusal::Kind) };
        match tokens.verify(token).await {
            Ok(who) => State::Known(who),
            Err(TokenError::KeysUnavailable) => State::Unavailable,
            Err(error) => State::Refused(Refusal::Token(error)),
        }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    async fn by_key(&self, key: &str) -> State {
        match &self.keys {
            Some(keys) => found(keys.verify(key).await),
            None => State::Refused(Refusal::Kind),
        }
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    async fn by_key(&self, _key: &str) -> State {
        std::future::ready(State::Refused(Refusal::Unknown)).await
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    async fn by_session(&self, cookie: &str) -> State {
        match &self.sessions {
            Some(sessions) => found(sessions.find(cookie).await),
            None => State::Refused(Refusal::Kind),
        }
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    async fn by_session(&self, _cookie: &str) -> State {
        std::future::ready(State::Refused(Refusal::Unknown)).await
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn found(found: Result<Option<Principal>, groundcrew_sql::sqlx::Error>) -> State {
    match found {
        Ok(Some(who)) => State::Known(who),
        Ok(None) => State::Refused(Refusal::Unknown),
        Err(error) => {
            // An outage is told by the database's own check; at the rate of requests this would bury it.
            tracing::debug!(%error, "nobody could be looked up");
            State::Unavailable
        }
    }
}
