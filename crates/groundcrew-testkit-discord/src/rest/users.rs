//! Who one is, and where the gateway is.

use super::guilds::Page;
use super::{App, Bot, Caller};
use crate::Snowflake;
use crate::error::ApiError;
use crate::validate::message::Body;
use crate::world::guild::Guild;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

type Answer = Result<Json<Value>, ApiError>;

pub(crate) async fn gateway(State(app): State<App>) -> Json<Value> {
    Json(json!({"url": format!("ws://{}", app.address)}))
}

pub(crate) async fn gateway_bot(State(app): State<App>, _: Bot) -> Json<Value> {
    let limit = app.change(|state| state.sessions.start_limit());
    Json(json!({"url": format!("ws://{}", app.address), "shards": 1, "session_start_limit": limit}))
}

pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Answer {
    let state = app.look();
    let (id, email) = match &caller {
        Caller::Bot => (state.world.application.bot, true),
        Caller::User { user, scopes } => {
            needs(scopes, "identify")?;
            (*user, scopes.iter().any(|scope| scope == "email"))
        }
    };
    let user = state.world.users.get(&id).ok_or_else(ApiError::not_found)?;
    Ok(Json(user.own_json(email)))
}

pub(crate) async fn user(State(app): State<App>, _: Bot, Path(id): Path<Snowflake>) -> Answer {
    let state = app.look();
    let user = state.world.users.get(&id).ok_or_else(|| ApiError::new(404, 10013, "Unknown User"))?;
    Ok(Json(user.json()))
}

/// Those of a bot or a person, a page of them, in the order of their ids.
pub(crate) async fn guilds(State(app): State<App>, caller: Caller, Query(page): Query<Page>) -> Answer {
    let state = app.look();
    let id = match &caller {
        Caller::Bot => state.world.application.bot,
        Caller::User { user, scopes } => {
            needs(scopes, "guilds")?;
            *user
        }
    };
    let after = page.after.unwrap_or_default();
    let theirs = |guild: &&Guild| guild.id > after && guild.members.contains_key(&id);
    let guilds = state.world.guilds.values().filter(theirs).take(page.limit.unwrap_or(200).clamp(1, 200));
    Ok(Json(guilds.map(|guild| state.world.guild_info_json(guild, id)).collect()))
}

pub(crate) async fn guild_member(
    State(app): State<App>,
    caller: Caller,
    Path(guild): Path<Snowflake>,
) -> Answer {
    let state = app.look();
    let Caller::User { user, scopes } = caller else {
        return Err(ApiError::new(403, 20001, "Bots cannot use this endpoint"));
    };
    needs(&scopes, "guilds.members.read")?;
    state.world.member_json(guild, user).map(Json).ok_or_else(ApiError::unknown_guild)
}

pub(crate) async fn application(State(app): State<App>, _: Bot) -> Json<Value> {
    Json(app.look().world.application_json())
}

/// Only the endpoint for interactions can be changed; it is examined before it is saved.
pub(crate) async fn change_application(State(app): State<App>, _: Bot, body: Body) -> Answer {
    if let Some(url) = body.json.get("interactions_endpoint_url") {
        let url = url.as_str().filter(|url| !url.is_empty()).map(str::to_owned);
        if let Some(url) = &url {
            crate::interaction::examine(&app, url).await.map_err(|error| {
                let message =
                    format!("The specified interactions endpoint url could not be verified: {error}");
                ApiError::form(
                    "interactions_endpoint_url",
                    "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID",
                    &message,
                )
            })?;
        }
        app.change(|state| state.world.application.interactions_endpoint = url);
    }
    Ok(Json(app.look().world.application_json()))
}

fn needs(scopes: &[String], scope: &str) -> Result<(), ApiError> {
    if scopes.iter().any(|given| given == scope) { Ok(()) } else { Err(ApiError::unauthorized()) }
}
