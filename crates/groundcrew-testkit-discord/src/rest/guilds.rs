//! Guilds, their channels, roles and members.

use super::{App, Bot};
use crate::Snowflake;
use crate::error::ApiError;
use crate::world::World;
use crate::world::channel::Channel;
use crate::world::guild::{Guild, Role};
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(super) limit: Option<usize>,
    pub(super) after: Option<Snowflake>,
}

type Answer = Result<Json<Value>, ApiError>;

pub(crate) async fn get_one(State(app): State<App>, _: Bot, Path(id): Path<Snowflake>) -> Answer {
    let state = app.look();
    let guild = joined(&state.world, id)?;
    let mut json = guild.json();
    json["approximate_member_count"] = guild.members.len().into();
    json["approximate_presence_count"] = 0.into();
    Ok(Json(json))
}

/// All channels, also those that the bot cannot see; no threads.
pub(crate) async fn channels(State(app): State<App>, _: Bot, Path(id): Path<Snowflake>) -> Answer {
    let state = app.look();
    joined(&state.world, id)?;
    let channels =
        state.world.channels.values().filter(|channel| channel.guild == id && !channel.is_thread());
    Ok(Json(channels.map(Channel::json).collect()))
}

pub(crate) async fn roles(State(app): State<App>, _: Bot, Path(id): Path<Snowflake>) -> Answer {
    let state = app.look();
    Ok(Json(joined(&state.world, id)?.roles.values().map(Role::json).collect()))
}

/// Needs the privileged intent, as Discord's does.
pub(crate) async fn members(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
    Query(page): Query<Page>,
) -> Answer {
    let state = app.look();
    let guild = joined(&state.world, id)?;
    if !state.world.application.privileged.members {
        return Err(ApiError::missing_access());
    }
    let after = page.after.unwrap_or_default();
    let members =
        guild.members.keys().filter(|user| **user > after).take(page.limit.unwrap_or(1).clamp(1, 1000));
    Ok(Json(members.filter_map(|user| state.world.member_json(id, *user)).collect()))
}

pub(crate) async fn member(
    State(app): State<App>,
    _: Bot,
    Path((guild, user)): Path<(Snowflake, Snowflake)>,
) -> Answer {
    let state = app.look();
    joined(&state.world, guild)?;
    if !state.world.users.contains_key(&user) {
        return Err(ApiError::new(404, 10013, "Unknown User"));
    }
    state.world.member_json(guild, user).map(Json).ok_or_else(|| ApiError::new(404, 10007, "Unknown Member"))
}

/// The guild, if the bot is in it.
pub(crate) fn joined(world: &World, id: Snowflake) -> Result<&Guild, ApiError> {
    let guild = world.guilds.get(&id).ok_or_else(ApiError::unknown_guild)?;
    if guild.members.contains_key(&world.application.bot) {
        Ok(guild)
    } else {
        Err(ApiError::unknown_guild())
    }
}
