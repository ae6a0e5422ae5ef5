//! `/api/v1/webhooks`: who is told of summaries, and what became of it.

mod deliveries;
mod operations;

use groundcrew::auth::Principal;
use groundcrew::auth::standard_webhooks::WebhookSecret;
use groundcrew::http::axum::extract::rejection::{PathRejection, QueryRejection};
use groundcrew::http::axum::extract::{Path, Query, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::http::header::LOCATION;
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::{MethodRouter, get, post};
use groundcrew::http::{Json, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, visible};
use crate::auth::{Deed, too_low};
use crate::discord::access::Level;
use crate::webhooks::{EVENTS, NewWebhook, Webhook, invalid};
use crate::workshop::storage_problem;

pub(super) use operations::{paths, schemas};

/// Where webhooks are.
const WEBHOOKS: &str = "/api/v1/webhooks";
/// Where one webhook is.
const WEBHOOK: &str = "/api/v1/webhooks/{id}";
/// Where a webhook gets another secret.
const SECRET: &str = "/api/v1/webhooks/{id}/secret";
/// Where a webhook is enabled again.
const ENABLE: &str = "/api/v1/webhooks/{id}/enable";
/// Where a webhook's deliveries are.
const DELIVERIES: &str = "/api/v1/webhooks/{id}/deliveries";
/// Where a delivery is sent again.
const REPLAY: &str = "/api/v1/webhooks/{id}/deliveries/{delivery}/replay";

/// The longest description.
const LONGEST: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    url: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    guild_id: Option<String>,
    #[serde(default)]
    events: Option<Vec<String>>,
}

/// Each route with what may be done there, by the names of the operations.
pub(super) fn routes(
    counted: impl Fn(&str, MethodRouter<App>) -> MethodRouter<App>,
) -> [(&'static str, MethodRouter<App>); 6] {
    let all = counted("create_webhook", post(create)).merge(counted("list_webhooks", get(list)));
    let one = counted("get_webhook", get(read))
        .merge(counted("delete_webhook", groundcrew::http::axum::routing::delete(delete)));
    [
        (WEBHOOKS, all),
        (WEBHOOK, one),
        (SECRET, counted("rotate_webhook", post(rotate))),
        (ENABLE, counted("enable_webhook", post(enable))),
        (DELIVERIES, counted("list_deliveries", get(deliveries::list))),
        (REPLAY, counted("replay_delivery", post(deliveries::replay))),
    ]
}

async fn create(
    State(app): State<App>,
    who: Principal,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let new = checked(wanted)?;
    let (reader, guild) = (app.readers.of(&who), new.guild_id.as_deref());
    let unseen = || match guild {
        Some(_) => too_low(Deed::ManageWebhooks.level(), Level::None),
        None => visible::which_server(),
    };
    reader.admit(Deed::ManageWebhooks, guild, unseen).await?;
    let owner = reader.person().map(str::to_owned);
    let (webhook, secret) = app.webhooks.create(NewWebhook { owner, ..new }).await?;
    let location = format!("{WEBHOOKS}/{}", webhook.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(with_secret(&webhook, &secret))).into_response())
}

async fn list(
    State(app): State<App>,
    who: Principal,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let guild = guild(&query?.0)?;
    let named = guild.as_deref();
    app.readers.of(&who).admit(Deed::ManageWebhooks, named, || visible::hidden(named)).await?;
    let mut webhooks = app.store.webhooks().await.map_err(|error| storage_problem(&error))?;
    webhooks.retain(|webhook| guild.is_none() || webhook.guild_id == guild);
    Ok(Json(json!({"items": webhooks})))
}

async fn read(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(found(&app, &who, id(path)?).await?))
}

async fn delete(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let webhook = found(&app, &who, id(path)?).await?;
    let deleted = app.store.delete_webhook(webhook.id).await.map_err(|error| storage_problem(&error))?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

async fn rotate(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let webhook = found(&app, &who, id(path)?).await?;
    let (webhook, secret) = app.webhooks.rotate(webhook.id).await?.ok_or_else(not_found)?;
    Ok(Json(with_secret(&webhook, &secret)))
}

async fn enable(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Webhook>, Problem> {
    let id = found(&app, &who, id(path)?).await?.id;
    app.store.enable_webhook(id).await.map_err(|error| storage_problem(&error))?;
    Ok(Json(found(&app, &who, id).await?))
}

/// The webhook, for those who may manage it; one that is of no server is the operator's.
pub(super) async fn found(app: &App, who: &Principal, id: Uuid) -> Result<Webhook, Problem> {
    let webhook = app.store.webhook(id).await.map_err(|error| storage_problem(&error))?;
    let webhook = webhook.ok_or_else(not_found)?;
    app.readers.of(who).admit(Deed::ManageWebhooks, webhook.guild_id.as_deref(), not_found).await?;
    Ok(webhook)
}

/// The one server whose webhooks are wanted.
fn guild(query: &[(String, String)]) -> Result<Option<String>, Problem> {
    match query {
        [] => Ok(None),
        [(name, guild)] if name == "guild_id" && is_snowflake(guild) => Ok(Some(guild.clone())),
        [(name, _)] if name == "guild_id" => Err(invalid("guild_id", "expected up to 20 digits")),
        _ => Err(invalid("query", "there is one parameter, guild_id, to be given once")),
    }
}

/// The only two answers in which a secret stands.
fn with_secret(webhook: &Webhook, secret: &WebhookSecret) -> Value {
    let mut answer = json!(webhook);
    answer["secret"] = secret.expose().into();
    answer
}

fn checked(wanted: Wanted) -> Result<NewWebhook, Problem> {
    let Wanted { url, description, guild_id, events } = wanted;
    if description.chars().count() > LONGEST {
        return Err(invalid("description", &format!("expected at most {LONGEST} characters")));
    }
    if guild_id.as_ref().is_some_and(|guild| !is_snowflake(guild)) {
        return Err(invalid("guild_id", "expected Discord's id of a server, up to 20 digits"));
    }
    let mut events = events.unwrap_or_else(|| EVENTS.map(str::to_owned).to_vec());
    events.sort();
    events.dedup();
    if events.is_empty() || events.iter().any(|event| !EVENTS.contains(&event.as_str())) {
        return Err(invalid("events", &format!("expected one or more of {}", EVENTS.join(", "))));
    }
    Ok(NewWebhook { url, description, guild_id, events, owner: None })
}

fn is_snowflake(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is no id is the id of nothing.
fn id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Problem> {
    let Path(text) = path?;
    Uuid::try_parse(&text).map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("there is no webhook with this id")
}
