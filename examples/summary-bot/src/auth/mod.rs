//! Who asks, and what they may.

mod admins;
mod config;
mod deed;
mod desk;
mod guilds;
mod issue;
mod keys;
mod reader;
mod scope;
mod sign_in;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use groundcrew::Crew;
use groundcrew::auth::{ApiKeys, Auth, Principal, PrincipalKind, Scopes, SessionCookie, Sessions};
use groundcrew::sql::Database;

use admins::Admins;
pub use config::SignInConfig;
pub(crate) use deed::{Deed, too_low};
pub(crate) use desk::offer;
pub(crate) use issue::{Issuer, paths as token_paths, routes as token_routes, schema as token_schema};
pub(crate) use keys::{paths as key_paths, routes as key_routes, schemas as key_schemas};
pub(crate) use reader::{Reader, Readers, is_person};
pub(crate) use scope::{guarded, scope_of};
pub(crate) use sign_in::{ME, SignIn, me_operation, me_schema, routes as sign_in_routes, words};

use crate::Config;

/// What the routes need to know about who asks.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The layer around all routes.
    pub(crate) auth: Auth,
    pub(crate) keys: ApiKeys,
    pub(crate) sessions: Sessions,
    pub(crate) cookie: SessionCookie,
    /// Signing in with Discord, where it is configured.
    pub(crate) sign_in: Option<SignIn>,
    /// Tokens for programs of people, where that is switched on.
    pub(crate) issuer: Option<Issuer>,
}

/// What is kept of those who ask.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    keys: ApiKeys,
    sessions: Sessions,
    /// How long is known that a session was there: while one of its refresh tokens may come again.
    kept: Duration,
}

// === impl Accounts ===

impl Accounts {
    /// Removes the keys and sessions of somebody; how many there were.
    pub(crate) async fn erase(&self, subject: &str) -> sqlx::Result<u64> {
        Ok(self.keys.erase(subject).await? + self.sessions.erase(subject).await?)
    }

    /// Removes sessions that have been over for a while; how many there were.
    pub(crate) async fn sweep(&self) -> sqlx::Result<u64> {
        self.sessions.sweep(self.kept).await
    }
}

// === impl Access ===

impl Access {
    pub(crate) fn accounts(&self, config: &Config) -> Accounts {
        let kept = config.auth.refresh_expiry;
        Accounts { keys: self.keys.clone(), sessions: self.sessions.clone(), kept }
    }

    pub(crate) async fn connect(
        config: &Config,
        crew: &Crew,
        database: &Database,
        address: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let keys = config.auth.keys(crew, database).await.context("API keys cannot be kept")?;
        let sessions = config.auth.sessions(crew, database).await.context("sessions cannot be kept")?;
        let sign_in = SignIn::of(config, crew, address)?;
        let cookie = match &sign_in {
            Some(sign_in) if !sign_in.is_secure() => SessionCookie::insecure("summary-bot"),
            _ => SessionCookie::new("summary-bot"),
        };
        let admins = Admins::of(&config.sign_in);
        let auth = Auth::new(crew)?.keys(keys.clone()).sessions(sessions.clone(), cookie.clone());
        let mut auth = auth.judge(move |who| admins.judge(who));
        let tokens = if config.auth.has_keys() { Some(config.auth.tokens(crew)?) } else { None };
        let issuer = Issuer::of(config, crew, tokens.as_ref(), &sessions)?;
        if let Some(tokens) = tokens {
            auth = auth.tokens(tokens);
        }
        if is_open(config, crew, address) {
            auth = auth.local(Principal::new(OPERATOR, Scopes::all(), PrincipalKind::Local));
        }
        Ok(Self { auth, keys, sessions, cookie, sign_in, issuer })
    }
}

/// Who is on the machine on which the bot was started without any set-up.
pub(crate) const OPERATOR: &str = "operator";

/// Whether whoever reaches the service may use it: on loopback alone, not in production, behind no proxy, and only
/// until somebody has configured who may. `address` is where it listens: a listener that was handed over may be open to
/// others than the configuration says.
pub(crate) fn is_open(config: &Config, crew: &Crew, address: Option<SocketAddr>) -> bool {
    let is_meant = config.http.host.0.is_loopback() && config.http.socket.is_none();
    let is_loopback = is_meant && address.is_some_and(|address| address.ip().is_loopback());
    let is_configured = config.auth.has_keys() || config.sign_in.is_on();
    let is_proxied = !config.http.trusted_proxies.is_empty();
    is_loopback && !is_proxied && !is_configured && !crew.environment().is_production()
}
