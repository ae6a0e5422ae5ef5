//! Channels.

use super::{App, Bot};
use crate::error::ApiError;
use crate::world::World;
use crate::world::channel::Channel;
use crate::{Permissions, Snowflake};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

pub(crate) async fn get_one(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
) -> Result<Json<Value>, ApiError> {
    let state = app.look();
    Ok(Json(visible(&state.world, id)?.json()))
}

pub(crate) async fn delete(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
) -> Result<Json<Value>, ApiError> {
    app.change(|state| {
        let channel = visible(&state.world, id)?.clone();
        let needed =
            if channel.is_thread() { Permissions::MANAGE_THREADS } else { Permissions::MANAGE_CHANNELS };
        may(&state.world, id, needed)?;
        state.remove_channel(id);
        Ok(Json(channel.json()))
    })
}

pub(crate) async fn typing(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
) -> Result<StatusCode, ApiError> {
    let state = app.look();
    visible(&state.world, id)?;
    may(&state.world, id, Permissions::SEND_MESSAGES)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The channel, if the bot may know of it.
pub(crate) fn visible(world: &World, id: Snowflake) -> Result<&Channel, ApiError> {
    let channel = world.channels.get(&id).ok_or_else(ApiError::unknown_channel)?;
    let seen = world.permissions(world.application.bot, id).contains(Permissions::VIEW_CHANNEL);
    if seen { Ok(channel) } else { Err(ApiError::missing_access()) }
}

/// Whether the bot may do something in a channel that it sees.
pub(crate) fn may(world: &World, channel: Snowflake, needed: Permissions) -> Result<(), ApiError> {
    let has = world.permissions(world.application.bot, channel);
    if has.contains(needed) { Ok(()) } else { Err(ApiError::missing_permissions()) }
}
