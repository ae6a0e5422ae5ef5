//! `POST /api/v1/auth/tokens`, `/refresh` and `/revoke`, and `/.well-known/jwks.json`: a program acts for somebody who
//! has signed in, without their browser.

use anyhow::bail;
use groundcrew::Crew;
use groundcrew::auth::{Principal, PrincipalKind, RefreshError, Scopes, Session, Sessions, Tokens};
use groundcrew::http::axum::Router;
use groundcrew::http::axum::extract::State;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::http::header::CACHE_CONTROL;
use groundcrew::http::axum::response::IntoResponse;
use groundcrew::http::axum::routing::{get, post};
use groundcrew::http::{Json, Problem};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Access, Admins, guarded};
use crate::Config;
use crate::api::openapi::{answer, later, problem};
use crate::scribe::internal_error;
use crate::workshop::storage_problem;

/// Where one gets the first pair of tokens.
pub(crate) const TOKENS: &str = "/api/v1/auth/tokens";
/// Where a refresh token is taken for the next pair.
pub(crate) const REFRESH: &str = "/api/v1/auth/refresh";
/// Where a refresh token is given back.
pub(crate) const REVOKE: &str = "/api/v1/auth/revoke";
/// Where the keys are that tokens are verified with.
pub(crate) const JWKS: &str = "/.well-known/jwks.json";

/// Gives out tokens.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    crew: Crew,
    tokens: Tokens,
    sessions: Sessions,
    admins: Admins,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    refresh_token: String,
}

// === impl Issuer ===

impl Issuer {
    /// `None` where nobody has switched it on.
    pub(super) fn of(
        config: &Config,
        crew: &Crew,
        tokens: Option<&Tokens>,
        sessions: &Sessions,
    ) -> anyhow::Result<Option<Self>> {
        if !config.sign_in.tokens {
            return Ok(None);
        }
        let Some(tokens) = tokens else {
            bail!(
                "sign_in.tokens is true, and there is nothing to sign tokens with: set JWT_SECRET (auth.jwt_secret) to \
                 at least 32 random characters, or auth.keys"
            );
        };
        let admins = Admins::of(&config.sign_in);
        Ok(Some(Self { crew: crew.clone(), tokens: tokens.clone(), sessions: sessions.clone(), admins }))
    }

    /// The pair, as it is answered.
    fn pair(&self, session: &Session) -> Result<Value, Problem> {
        let name = session.who.data.get("name").cloned();
        // The servers of somebody may be many, and a token goes with every request.
        let data: Map<String, Value> = name.map(|name| ("name".to_owned(), name)).into_iter().collect();
        // Other services believe what stands in the token.
        let who = self.admins.judge(session.who.clone()).with_data(data);
        let access = self.tokens.issue(&who).map_err(|error| {
            tracing::error!(%error, "a token cannot be issued");
            internal_error()
        })?;
        Ok(json!({
            "token_type": "Bearer",
            "access_token": access.token.expose(),
            "expires_at": Timestamp::from_second(access.expires_at).ok(),
            "refresh_token": session.token.expose(),
            "refresh_expires_at": Timestamp::from_second(session.expires_at).ok(),
            "scopes": who.scopes.iter().collect::<Vec<_>>(),
        }))
    }
}

pub(crate) fn routes(access: Access) -> Router {
    Router::new()
        .route(TOKENS, guarded("issue_tokens", post(issue)))
        // The token in the body says who it is.
        .route(REFRESH, post(refresh))
        .route(REVOKE, post(revoke))
        .route(JWKS, get(jwks))
        .with_state(access)
}

async fn issue(
    State(access): State<Access>,
    who: Principal,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let issuer = access.issuer.ok_or_else(off)?;
    // What comes of a key would outlive it, and what comes of a token would outlive the session that it is of.
    if who.kind != PrincipalKind::Session {
        return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN")
            .detail("tokens are for people who have signed in: ask for them with the session of a browser"));
    }
    let scopes = match wanted.scopes {
        None => who.scopes.clone(),
        Some(scopes) => Scopes::of(&scopes).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
                .detail(format!("scopes: {error}"))
                .with("field", "scopes")
        })?,
    };
    if !who.scopes.allow_all(&scopes) {
        let words = format!("the tokens would be allowed more than you are: {}", who.scopes);
        return Err(Problem::new(StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE").detail(words));
    }
    let mut who = who;
    who.scopes = scopes;
    let session = issuer.sessions.open(&who).await.map_err(|error| storage_problem(&error))?;
    tracing::info!(subject = who.subject, session.id = session.id, "tokens were issued");
    Ok((StatusCode::CREATED, Json(issuer.pair(&session)?)))
}

/// To its end although the client may hang up: it would have neither token.
async fn refresh(State(access): State<Access>, Json(shown): Json<Shown>) -> Result<Json<Value>, Problem> {
    let issuer = access.issuer.ok_or_else(off)?;
    let crew = issuer.crew.clone();
    let refreshed = crew.detach("refresh", async move {
        let session = issuer.sessions.refresh(&shown.refresh_token).await.map_err(|error| refused(&error))?;
        issuer.pair(&session)
    });
    refreshed.await.unwrap_or_else(|_| Err(internal_error())).map(Json)
}

/// Whatever is shown: who gives back what is good no more has what they want (RFC 7009, 2.2).
async fn revoke(State(access): State<Access>, Json(shown): Json<Shown>) -> Result<StatusCode, Problem> {
    let issuer = access.issuer.ok_or_else(off)?;
    issuer.sessions.revoke(&shown.refresh_token).await.map_err(|error| storage_problem(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Public (RFC 7517): empty where a secret signs.
async fn jwks(State(access): State<Access>) -> Result<impl IntoResponse, Problem> {
    let issuer = access.issuer.ok_or_else(off)?;
    Ok(([(CACHE_CONTROL, "public, max-age=300")], Json(issuer.tokens.jwks())))
}

fn refused(error: &RefreshError) -> Problem {
    let code = match error {
        RefreshError::Database(error) => return storage_problem(error),
        RefreshError::Reused => "TOKEN_REUSED",
        RefreshError::Ended => "TOKEN_EXPIRED",
        _ => "INVALID_CREDENTIALS",
    };
    Problem::new(StatusCode::UNAUTHORIZED, code).detail(error.to_string())
}

fn off() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "TOKENS_OFF")
        .detail("no tokens are given out here: sign_in.tokens and JWT_SECRET turn it on")
}

/// What the OpenAPI document says of the paths.
pub(crate) fn paths() -> [(&'static str, Value); 4] {
    let body = |schema: Value| json!({"required": true, "content": {"application/json": {"schema": schema}}});
    let shown = body(json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["refresh_token"],
        "properties": {"refresh_token": {"type": "string", "maxLength": 200}},
    }));
    let issue = json!({
        "operationId": "issue_tokens",
        "tags": ["access"],
        "summary": "Get tokens for a program of one's own",
        "description": "For people who have signed in; off unless `sign_in.tokens` is on. An access token is good for \
            `auth.jwt_expiry` (15 min), a refresh token once, within `auth.refresh_expiry` (7 days). A person has at \
            most `auth.max_sessions` (5) sessions, those of browsers included: the oldest ends.",
        "requestBody": body(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "scopes": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string"},
                    "description": "What they may; by default all that one may oneself."},
            },
        })),
        "responses": {
            "201": answer("The pair, which is shown nowhere else.", "TokenPair"),
            "400": problem("`INVALID_REQUEST`, `INVALID_JSON`."),
            "403": problem("`CROSS_SITE`, `INSUFFICIENT_SCOPE`. `FORBIDDEN` without the session of a browser."),
            "404": problem("`TOKENS_OFF`."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "422": problem("`INVALID_REQUEST`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let refresh = json!({
        "operationId": "refresh_tokens",
        "tags": ["access"],
        "summary": "Take a refresh token for the next pair",
        "description": "The token in the body says who it is. One that comes twice was stolen, or its answer was lost: \
            the session ends, and whoever has it signs in again.",
        "security": [],
        "requestBody": shown,
        "responses": {
            "200": answer("The next pair; the tokens before are good no more, but for what is left of the access token's \
                time.", "TokenPair"),
            "400": problem("`INVALID_REQUEST`, `INVALID_JSON`."),
            "401": problem("`INVALID_CREDENTIALS`, `TOKEN_EXPIRED`; `TOKEN_REUSED`: the session has ended now."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`TOKENS_OFF`."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "422": problem("`INVALID_REQUEST`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `AUTH_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let revoke = json!({
        "operationId": "revoke_tokens",
        "tags": ["access"],
        "summary": "Give a refresh token back",
        "description": "Its session ends: no token of it is taken for another. An access token is good for what is \
            left of its time. What is no such token is answered alike (RFC 7009).",
        "security": [],
        "requestBody": shown,
        "responses": {
            "204": {"description": "It is good no more."},
            "400": problem("`INVALID_REQUEST`, `INVALID_JSON`."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`TOKENS_OFF`."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "422": problem("`INVALID_REQUEST`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `AUTH_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let keys = json!({
        "operationId": "list_public_keys",
        "tags": ["access"],
        "summary": "The keys that tokens are verified with",
        "description": "A JWK set (RFC 7517), for other services; empty where a secret signs.",
        "security": [],
        "responses": {
            "200": {"description": "The set.", "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["keys"],
                "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
            }}}},
            "403": problem("`CROSS_SITE`."),
            "404": problem("`TOKENS_OFF`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let post = |operation: Value| json!({"post": operation});
    [(TOKENS, post(issue)), (REFRESH, post(refresh)), (REVOKE, post(revoke)), (JWKS, json!({"get": keys}))]
}

/// What the OpenAPI document says of what is answered.
pub(crate) fn schema() -> Value {
    let text = |words: &str| json!({"type": "string", "description": words});
    let time = |words: &str| json!({"type": ["string", "null"], "format": "date-time", "description": words});
    json!({
        "type": "object",
        "description": "An access token, and what the next one is had with.",
        "additionalProperties": false,
        "required": ["token_type", "access_token", "expires_at", "refresh_token", "refresh_expires_at", "scopes"],
        "properties": {
            "token_type": {"type": "string", "enum": ["Bearer"]},
            "access_token": text("For `Authorization: Bearer`."),
            "expires_at": time("Until when it is good."),
            "refresh_token": text("Good once (`gcr_…`)."),
            "refresh_expires_at": time("Until when, if it is not used."),
            "scopes": {"type": "array", "items": {"type": "string"}, "description": "What the tokens may."},
        },
    })
}
