//! OAuth2: signing in with Discord. Codes with PKCE, tokens that are renewed and revoked.

mod authorize;
mod token;

pub(crate) use authorize::authorize;

use crate::Snowflake;
use crate::rest::{App, Caller};
use crate::snowflake::{now_ms, timestamp};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Discord's: a week.
const ACCESS_LIFETIME: Duration = Duration::from_secs(604_800);
const CODE_LIFETIME: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(crate) struct OAuth {
    /// What the next user at the consent page does. None: the page asks.
    pub(crate) answer: Option<Consent>,
    codes: HashMap<String, Code>,
    access: HashMap<String, Grant>,
    refresh: HashMap<String, Grant>,
}

/// What a user does at the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Agrees(Snowflake),
    Refuses,
}

#[derive(Debug, Clone)]
struct Code {
    user: Snowflake,
    scopes: Vec<String>,
    redirect_uri: String,
    /// The method and the challenge.
    challenge: Option<(String, String)>,
    made: Instant,
}

#[derive(Debug, Clone)]
struct Grant {
    user: Snowflake,
    scopes: Vec<String>,
    made: Instant,
    /// The other token of the pair, which goes with it.
    partner: String,
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oauth2/authorize", get(authorize))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/token/revoke", post(token::revoke))
        .route("/oauth2/@me", get(current))
}

async fn current(State(app): State<App>, caller: Caller) -> Result<Json<Value>, crate::error::ApiError> {
    let Caller::User { user, scopes } = caller else { return Err(crate::error::ApiError::unauthorized()) };
    let state = app.look();
    let lifetime = u64::try_from(ACCESS_LIFETIME.as_millis()).unwrap_or_default();
    Ok(Json(json!({
        "application": {"id": state.world.application.id, "name": state.world.application.name},
        "scopes": scopes, "expires": timestamp(now_ms() + lifetime),
        "user": state.world.users.get(&user).map(crate::world::user::User::json),
    })))
}

// === impl OAuth ===

impl OAuth {
    /// Whose access token it is, and what it is good for.
    pub(crate) fn holder(&self, token: &str) -> Option<(Snowflake, Vec<String>)> {
        let grant = self.access.get(token).filter(|grant| grant.made.elapsed() < ACCESS_LIFETIME)?;
        Some((grant.user, grant.scopes.clone()))
    }

    /// Ends all access at once, as when a user removes the application.
    pub(crate) fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }
}
