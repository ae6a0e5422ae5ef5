//! `/auth/login`, `/auth/callback`, `/auth/logout` and `GET /api/v1/me`: people, by their accounts on Discord.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use groundcrew::Crew;
use groundcrew::auth::oauth::{Callback, Granted, OAuth, OAuthError, Provider};
use groundcrew::auth::{Principal, PrincipalKind, RequireScope, Scopes};
use groundcrew::client::{Client, ClientConfig};
use groundcrew::config::Secret;
use groundcrew::http::axum::Router;
use groundcrew::http::axum::extract::rejection::QueryRejection;
use groundcrew::http::axum::extract::{Query, State};
use groundcrew::http::axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use groundcrew::http::axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::{get, post};
use groundcrew::http::{Json, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::guilds::{self, Guild};
use super::{Access, Admins, is_open, scope};
use crate::Config;
use crate::api::openapi::{answer, later, problem};
use crate::workshop::storage_problem;

/// Where one learns who one is.
pub(crate) const ME: &str = "/api/v1/me";
const CALLBACK: &str = "/auth/callback";

/// Signing in with Discord.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    oauth: OAuth,
    client: Client,
    api: String,
    bot: Option<Secret<String>>,
    admins: Admins,
    guilds: Vec<String>,
    is_secure: bool,
}

/// Who somebody is, as Discord says it.
#[derive(Debug, Deserialize)]
struct Account {
    id: String,
    username: String,
    #[serde(default)]
    global_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wish {
    #[serde(default)]
    return_to: Option<String>,
}

// === impl SignIn ===

impl SignIn {
    /// `None` where it is not configured.
    pub(super) fn of(
        config: &Config,
        crew: &Crew,
        address: Option<SocketAddr>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(secret) = &config.sign_in.client_secret else { return Ok(None) };
        let id = config.sign_in.client_id.clone().or_else(|| config.discord.application_id.clone());
        let id = id.context(
            "sign_in.client_secret is set, and nobody knows the client's id: set DISCORD_CLIENT_ID \
             (sign_in.client_id) to the one beside it in Discord's developer portal",
        )?;
        let base = match (&config.sign_in.public_url, address) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(address)) if !crew.environment().is_production() => format!("http://{address}"),
            _ => bail!(
                "sign_in.client_secret is set, and nobody knows where browsers reach this service: set PUBLIC_URL \
                 (sign_in.public_url) to its address, as https://bot.example"
            ),
        };
        let api = config.discord.api_url.trim_end_matches('/').to_owned();
        let provider =
            Provider::new(format!("{api}/oauth2/authorize"), format!("{api}/api/v10/oauth2/token"))
                .with_userinfo(format!("{api}/api/v10/users/@me"))
                .with_scopes("identify guilds");
        let client = ClientConfig::default().named("sign_in").build(crew)?;
        let redirect = format!("{base}{CALLBACK}");
        let oauth = OAuth::new(client.clone(), provider, id, secret.expose().clone(), redirect);
        Ok(Some(Self {
            oauth,
            client,
            api,
            bot: config.discord.token.clone(),
            admins: Admins::of(&config.sign_in),
            guilds: config.sign_in.guilds.clone(),
            is_secure: base.starts_with("https:"),
        }))
    }

    /// Whether cookies go over TLS only.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Who it is that was granted something; a refusal for who has no server in common with the bot.
    async fn who(&self, granted: &Granted) -> Result<Principal, Problem> {
        let token = &granted.access_token;
        let account: Account = self.oauth.userinfo(token).await.map_err(|error| refused(&error))?;
        if !super::is_person(&account.id) {
            return Err(refused(&OAuthError::Answer("no account")));
        }
        let theirs = format!("{}/api/v10/users/@me/guilds", self.api);
        let theirs: Vec<Guild> = self.oauth.get(&theirs, token).await.map_err(|error| refused(&error))?;
        let is_admin = self.admins.contains(&account.id);
        let shared = self.shared(theirs).await?;
        if shared.is_empty() && !is_admin {
            return Err(Problem::new(StatusCode::FORBIDDEN, "NO_COMMON_SERVER")
                .detail("you are in none of the servers that this bot serves"));
        }
        let scopes = if is_admin { Scopes::all() } else { of_people()? };
        let guilds: Vec<Value> =
            shared.into_iter().map(|guild| json!({"id": guild.id, "name": guild.name})).collect();
        let name = account.global_name.unwrap_or(account.username);
        let data = Map::from_iter([("name".to_owned(), name.into()), ("guilds".to_owned(), guilds.into())]);
        Ok(Principal::new(account.id, scopes, PrincipalKind::Session).with_data(data))
    }

    /// Those of somebody's servers that the bot is for.
    async fn shared(&self, theirs: Vec<Guild>) -> Result<Vec<Guild>, Problem> {
        let ours = if self.guilds.is_empty() { self.ours().await? } else { self.guilds.clone() };
        Ok(theirs.into_iter().filter(|guild| ours.contains(&guild.id)).collect())
    }

    /// The servers that the bot is in: none without a bot.
    async fn ours(&self) -> Result<Vec<String>, Problem> {
        let Some(token) = &self.bot else { return Ok(Vec::new()) };
        let guilds = guilds::of_bot(&self.client, &self.api, token).await;
        let guilds = guilds.map_err(|error| refused(&OAuthError::Unavailable(error)))?;
        Ok(guilds.into_iter().map(|guild| guild.id).collect())
    }
}

fn of_people() -> Result<Scopes, Problem> {
    scope::OF_PEOPLE.parse().map_err(|_| crate::scribe::internal_error())
}

pub(crate) fn routes(access: Access) -> Router {
    Router::new()
        .route("/auth/login", get(login))
        .route(CALLBACK, get(callback))
        .route("/auth/state", get(state))
        .route("/auth/logout", post(logout))
        .route(ME, get(me).route_layer(RequireScope::none()))
        .with_state(access)
}

async fn login(
    State(access): State<Access>,
    query: Result<Query<Wish>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wish) = query?;
    let sign_in = access.sign_in.as_ref().ok_or_else(off)?;
    let started = sign_in.oauth.start(wish.return_to.as_deref().unwrap_or("/"));
    Ok(go(&started.location, [started.cookie]))
}

async fn callback(
    State(access): State<Access>,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(callback) = query?;
    let sign_in = access.sign_in.as_ref().ok_or_else(off)?;
    let granted = match sign_in.oauth.finish(&callback, &headers).await {
        Ok(granted) => granted,
        // A person looks at this: the page says it in words.
        Err(OAuthError::NotStarted) => return Ok(back("not-started", sign_in)),
        Err(OAuthError::Refused(_)) => return Ok(back("refused", sign_in)),
        Err(error) => return Err(refused(&error)),
    };
    let who = match sign_in.who(&granted).await {
        Ok(who) => who,
        Err(problem) if problem.status() == StatusCode::FORBIDDEN => {
            return Ok(back("no-common-server", sign_in));
        }
        Err(problem) => return Err(problem),
    };
    let session = access.sessions.open_browser(&who).await.map_err(|error| storage_problem(&error))?;
    tracing::info!(subject = who.subject, "somebody has signed in");
    Ok(go(&granted.return_to, [sign_in.oauth.forget(), access.cookie.set(&session)]))
}

/// Only for a page of ours: the layer around has refused other sites' before.
async fn logout(State(access): State<Access>, who: Option<Principal>) -> Result<Response, Problem> {
    let session = who.filter(|who| who.kind == PrincipalKind::Session).and_then(|who| who.credential);
    if let Some(id) = session {
        access.sessions.end(&id).await.map_err(|error| storage_problem(&error))?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(SET_COOKIE, access.cookie.clear());
    Ok(response)
}

/// For the page, which asks before it shows itself: never refused, whatever the browser still has.
async fn state(State(access): State<Access>, extensions: Extensions) -> Json<Value> {
    let who = Principal::of(&extensions);
    Json(json!({
        "known": who.is_some(),
        "kind": who.map(|who| who.kind.name()),
        "name": who.and_then(|who| who.data.get("name")),
        "sign_in": access.sign_in.is_some(),
    }))
}

async fn me(State(access): State<Access>, who: Principal) -> Json<Value> {
    Json(json!({
        "subject": who.subject,
        "kind": who.kind.name(),
        "name": who.data.get("name"),
        "guilds": who.data.get("guilds").cloned().unwrap_or_else(|| json!([])),
        "scopes": who.scopes.iter().collect::<Vec<_>>(),
        "sign_in": access.sign_in.is_some(),
    }))
}

fn go(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(to) {
        headers.insert(LOCATION, location);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

/// To the page, which says why nobody was signed in.
fn back(why: &str, sign_in: &SignIn) -> Response {
    go(&format!("/?sign-in={why}"), [sign_in.oauth.forget()])
}

fn off() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "SIGN_IN_OFF")
        .detail("nobody signs in here: DISCORD_CLIENT_SECRET and DISCORD_CLIENT_ID turn it on")
}

fn refused(error: &OAuthError) -> Problem {
    let (status, code) = match error {
        OAuthError::NotStarted => (StatusCode::BAD_REQUEST, "SIGN_IN_NOT_STARTED"),
        OAuthError::Refused(_) => (StatusCode::FORBIDDEN, "SIGN_IN_REFUSED"),
        _ => {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "Discord was asked who signs in, in vain"
            );
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DISCORD_UNAVAILABLE")
                .detail("Discord does not say who you are at the moment")
                .retry_after(10);
        }
    };
    Problem::new(status, code).detail(error.to_string())
}

/// What there is to say at the start about who may use the API.
pub(crate) fn words(config: &Config, crew: &Crew, address: Option<SocketAddr>) -> &'static str {
    if is_open(config, crew, address) {
        "open to this machine alone, without a key; JWT_SECRET or DISCORD_CLIENT_SECRET closes it"
    } else if config.sign_in.is_on() {
        "for those who sign in with Discord, and for API keys: `summary-bot keys create NAME`"
    } else {
        "for API keys alone: `summary-bot keys create NAME` makes one"
    }
}

/// What the OpenAPI document says of it.
pub(crate) fn me_operation() -> Value {
    json!({
        "operationId": "who_am_i",
        "tags": ["access"],
        "summary": "Who one is, and what one may",
        "responses": {
            "200": answer("Whoever asks.", "Me"),
            "403": problem("`CROSS_SITE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`AUTH_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

/// What the OpenAPI document says of the answer.
pub(crate) fn me_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["subject", "kind", "name", "guilds", "scopes", "sign_in"],
        "properties": {
            "subject": {"type": "string", "description": "Discord's id of a person, or the name of a key's owner."},
            "kind": {"type": "string", "enum": ["token", "key", "session", "local"]},
            "name": {"type": ["string", "null"], "description": "As Discord shows it."},
            "guilds": {"type": "array", "description": "The servers in common with the bot, when they signed in.",
                "items": {"type": "object", "required": ["id", "name"], "additionalProperties": false,
                    "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}},
            "scopes": {"type": "array", "items": {"type": "string"}},
            "sign_in": {"type": "boolean", "description": "Whether people can sign in here."},
        },
    })
}
