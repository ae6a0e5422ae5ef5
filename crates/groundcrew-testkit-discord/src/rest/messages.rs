//! Messages: pages of history, sending, editing, deleting, reactions.

use super::channels::{may, visible};
use super::{App, Bot};
use crate::error::ApiError;
use crate::gateway::intent;
use crate::shared::State as Everything;
use crate::validate::message::{Body, Draft};
use crate::world::World;
use crate::world::channel::ChannelKind;
use crate::world::message::{EPHEMERAL, Message, Reaction};
use crate::{Permissions, Snowflake};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::Bound;

/// The flags that a bot may set itself: no link previews, only for one, silent, voice.
const SETTABLE: u64 = 1 << 2 | 1 << 12;

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    around: Option<Snowflake>,
    before: Option<Snowflake>,
    after: Option<Snowflake>,
    limit: Option<usize>,
}

type Answer = Result<Json<Value>, ApiError>;

/// Newest first, at most 100; without the permission to read history an empty page, as Discord has it.
pub(crate) async fn page(
    State(app): State<App>,
    _: Bot,
    Path(channel): Path<Snowflake>,
    Query(page): Query<Page>,
) -> Answer {
    let limit = page.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        let message = "int value should be between 1 and 100.";
        return Err(ApiError::form("limit", "NUMBER_TYPE_MAX", message));
    }
    let state = app.look();
    readable(&state.world, channel)?;
    if may(&state.world, channel, Permissions::READ_MESSAGE_HISTORY).is_err() {
        return Ok(Json(json!([])));
    }
    let Some(messages) = state.world.messages.get(&channel) else { return Ok(Json(json!([]))) };
    let shown = |message: &&Message| message.flags & EPHEMERAL == 0;
    let below = |bound: Bound<Snowflake>, count: usize| {
        messages
            .range((Bound::Unbounded, bound))
            .rev()
            .map(|(_, m)| m)
            .filter(shown)
            .take(count)
            .collect::<Vec<_>>()
    };
    let above = |bound: Bound<Snowflake>, count: usize| {
        let mut found: Vec<_> =
            messages.range((bound, Bound::Unbounded)).map(|(_, m)| m).filter(shown).take(count).collect();
        found.reverse();
        found
    };
    let found = match (page.around, page.before, page.after) {
        (Some(id), _, _) => {
            let mut found = above(Bound::Excluded(id), limit / 2);
            found.extend(below(Bound::Included(id), limit - found.len().min(limit)));
            found.truncate(limit);
            found
        }
        (_, Some(id), _) => below(Bound::Excluded(id), limit),
        (_, _, Some(id)) => above(Bound::Excluded(id), limit),
        _ => below(Bound::Unbounded, limit),
    };
    Ok(Json(found.into_iter().map(|message| state.world.message_json(message)).collect()))
}

pub(crate) async fn get_one(
    State(app): State<App>,
    _: Bot,
    Path((channel, id)): Path<(Snowflake, Snowflake)>,
) -> Answer {
    let state = app.look();
    readable(&state.world, channel)?;
    may(&state.world, channel, Permissions::READ_MESSAGE_HISTORY)?;
    Ok(Json(state.world.message_json(found(&state.world, channel, id)?)))
}

pub(crate) async fn create(
    State(app): State<App>,
    _: Bot,
    Path(channel): Path<Snowflake>,
    body: Body,
) -> Answer {
    app.change(|state| {
        readable(&state.world, channel)?;
        let draft = Draft::read(&body)?;
        check_writing(&state.world, channel, &draft)?;
        if draft.is_empty() {
            return Err(ApiError::empty_message());
        }
        let mut message = Message::new(state.world.ids.next(), channel, state.world.application.bot);
        message.flags = draft.flags.unwrap_or_default() & SETTABLE;
        state.fill(&mut message, draft)?;
        let id = message.id;
        state.world.keep(message);
        state.unarchive(channel);
        state.announce("MESSAGE_CREATE", channel, id);
        shown(state, channel, id)
    })
}

pub(crate) async fn edit(
    State(app): State<App>,
    _: Bot,
    Path((channel, id)): Path<(Snowflake, Snowflake)>,
    body: Body,
) -> Answer {
    app.change(|state| {
        readable(&state.world, channel)?;
        if found(&state.world, channel, id)?.author != state.world.application.bot {
            return Err(ApiError::new(403, 50005, "Cannot edit a message authored by another user"));
        }
        let draft = Draft::read(&body)?;
        state.edit(id, draft)?;
        shown(state, channel, id)
    })
}

pub(crate) async fn delete(
    State(app): State<App>,
    _: Bot,
    Path((channel, id)): Path<(Snowflake, Snowflake)>,
) -> Result<StatusCode, ApiError> {
    app.change(|state| {
        readable(&state.world, channel)?;
        if found(&state.world, channel, id)?.author != state.world.application.bot {
            may(&state.world, channel, Permissions::MANAGE_MESSAGES)?;
        }
        state.delete_message(channel, id);
        Ok(StatusCode::NO_CONTENT)
    })
}

pub(crate) async fn delete_many(
    State(app): State<App>,
    _: Bot,
    Path(channel): Path<Snowflake>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let ids: Vec<Snowflake> = serde_json::from_value(body.json["messages"].clone()).unwrap_or_default();
    if !(2..=100).contains(&ids.len()) {
        let message = "Must be between 2 and 100 in length.";
        return Err(ApiError::form("messages", "BASE_TYPE_BAD_LENGTH", message));
    }
    app.change(|state| {
        readable(&state.world, channel)?;
        may(&state.world, channel, Permissions::MANAGE_MESSAGES)?;
        for id in ids {
            state.delete_message(channel, id);
        }
        Ok(StatusCode::NO_CONTENT)
    })
}

pub(crate) async fn react(
    State(app): State<App>,
    _: Bot,
    Path((channel, id, emoji)): Path<(Snowflake, Snowflake, String)>,
) -> Result<StatusCode, ApiError> {
    app.change(|state| {
        readable(&state.world, channel)?;
        found(&state.world, channel, id)?;
        may(&state.world, channel, Permissions::ADD_REACTIONS | Permissions::READ_MESSAGE_HISTORY)?;
        let message = state.world.message_mut(channel, id).ok_or_else(ApiError::unknown_message)?;
        match message.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) if reaction.me => {}
            Some(reaction) => {
                reaction.count += 1;
                reaction.me = true;
            }
            None => message.reactions.push(Reaction { emoji: emoji.clone(), count: 1, me: true }),
        }
        let reaction = Reaction { emoji, count: 1, me: true };
        let guild = state.world.channels.get(&channel).map(|channel| channel.guild);
        let data = json!({
            "user_id": state.world.application.bot, "channel_id": channel, "message_id": id, "guild_id": guild,
            "emoji": reaction.emoji_json(), "burst": false, "type": 0,
        });
        state.sessions.dispatch("MESSAGE_REACTION_ADD", intent::GUILD_MESSAGE_REACTIONS, guild, &data);
        Ok(StatusCode::NO_CONTENT)
    })
}

pub(crate) async fn unreact(
    State(app): State<App>,
    _: Bot,
    Path((channel, id, emoji)): Path<(Snowflake, Snowflake, String)>,
) -> Result<StatusCode, ApiError> {
    app.change(|state| {
        readable(&state.world, channel)?;
        let message = state.world.message_mut(channel, id).ok_or_else(ApiError::unknown_message)?;
        if let Some(reaction) =
            message.reactions.iter_mut().find(|reaction| reaction.emoji == emoji && reaction.me)
        {
            reaction.me = false;
            reaction.count = reaction.count.saturating_sub(1);
        }
        message.reactions.retain(|reaction| reaction.count > 0);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Whether the channel is there for the bot and can hold messages.
fn readable(world: &World, id: Snowflake) -> Result<(), ApiError> {
    let channel = visible(world, id)?;
    if !channel.kind.holds_messages() {
        return Err(ApiError::new(400, 50008, "Cannot send messages in a non-text channel"));
    }
    if channel.kind == ChannelKind::Voice && may(world, id, Permissions::CONNECT).is_err() {
        return Err(ApiError::missing_access());
    }
    Ok(())
}

fn check_writing(world: &World, id: Snowflake, draft: &Draft) -> Result<(), ApiError> {
    let thread = world.channels.get(&id).and_then(|channel| channel.thread.as_ref());
    let send =
        if thread.is_some() { Permissions::SEND_MESSAGES_IN_THREADS } else { Permissions::SEND_MESSAGES };
    may(world, id, send)?;
    if thread.is_some_and(|thread| thread.locked) {
        may(world, id, Permissions::MANAGE_THREADS)
            .map_err(|_| ApiError::new(400, 50083, "Thread is archived"))?;
    }
    if draft.embeds.as_ref().is_some_and(|embeds| !embeds.is_empty()) {
        may(world, id, Permissions::EMBED_LINKS)?;
    }
    if !draft.files.is_empty() {
        may(world, id, Permissions::ATTACH_FILES)?;
    }
    if draft.reply_to.is_some() {
        may(world, id, Permissions::READ_MESSAGE_HISTORY)?;
    }
    Ok(())
}

fn found(world: &World, channel: Snowflake, id: Snowflake) -> Result<&Message, ApiError> {
    let message = world.message(channel, id).filter(|message| message.flags & EPHEMERAL == 0);
    message.ok_or_else(ApiError::unknown_message)
}

fn shown(state: &Everything, channel: Snowflake, id: Snowflake) -> Answer {
    Ok(Json(state.world.message_json(found(&state.world, channel, id)?)))
}
