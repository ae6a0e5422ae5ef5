//! Threads: those that are active, those in the archive, new ones.

use super::channels::{may, visible};
use super::guilds::joined;
use super::{App, Bot};
use crate::error::ApiError;
use crate::snowflake::{now_ms, timestamp};
use crate::validate::message::{Body, Draft};
use crate::world::channel::{Channel, ChannelKind, Thread};
use crate::world::message::Message;
use crate::{Permissions, Snowflake};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Debug, Deserialize)]
pub(crate) struct Archive {
    before: Option<String>,
    limit: Option<usize>,
}

type Answer = Result<Json<Value>, ApiError>;

pub(crate) async fn active(State(app): State<App>, _: Bot, Path(guild): Path<Snowflake>) -> Answer {
    let state = app.look();
    joined(&state.world, guild)?;
    let threads = state.world.channels.values().filter(|channel| channel.guild == guild);
    let threads: Vec<&Channel> = threads
        .filter(|channel| channel.thread.as_ref().is_some_and(|thread| !thread.archived))
        .filter(|channel| visible(&state.world, channel.id).is_ok())
        .collect();
    Ok(Json(listing(&state.world, &threads, false)))
}

pub(crate) async fn archived_public(
    State(app): State<App>,
    _: Bot,
    Path(channel): Path<Snowflake>,
    Query(archive): Query<Archive>,
) -> Answer {
    archived(&app, channel, &archive, false)
}

pub(crate) async fn archived_private(
    State(app): State<App>,
    _: Bot,
    Path(channel): Path<Snowflake>,
    Query(archive): Query<Archive>,
) -> Answer {
    archived(&app, channel, &archive, true)
}

/// Those archived last come first.
fn archived(app: &App, id: Snowflake, archive: &Archive, private: bool) -> Answer {
    let state = app.look();
    visible(&state.world, id)?;
    may(&state.world, id, Permissions::READ_MESSAGE_HISTORY)?;
    if private {
        may(&state.world, id, Permissions::MANAGE_THREADS)?;
    }
    let before = archive.before.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let kind = if private { ChannelKind::PrivateThread } else { ChannelKind::PublicThread };
    let mut threads: Vec<(&Channel, u64)> = state
        .world
        .channels
        .values()
        .filter(|channel| channel.parent == Some(id) && channel.kind == kind)
        .filter_map(|channel| channel.thread.as_ref().map(|thread| (channel, thread)))
        .filter(|(_, thread)| thread.archived)
        .map(|(channel, thread)| (channel, thread.archived_ms))
        .filter(|(_, at)| before.is_none_or(|before| i128::from(*at) < i128::from(before.as_millisecond())))
        .collect();
    threads.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    let limit = archive.limit.unwrap_or(50).clamp(2, 100);
    let more = threads.len() > limit;
    let threads: Vec<&Channel> = threads.into_iter().take(limit).map(|(channel, _)| channel).collect();
    Ok(Json(listing(&state.world, &threads, more)))
}

fn listing(world: &crate::world::World, threads: &[&Channel], more: bool) -> Value {
    let bot = world.application.bot;
    let members =
        threads.iter().filter(|c| c.thread.as_ref().is_some_and(|thread| thread.members.contains(&bot)));
    let members: Vec<Value> = members
        .map(|c| json!({"id": c.id, "user_id": bot, "join_timestamp": timestamp(c.id.unix_ms()), "flags": 0}))
        .collect();
    let threads: Vec<Value> = threads.iter().map(|channel| channel.json()).collect();
    json!({"threads": threads, "members": members, "has_more": more})
}

/// A post in a forum, or a thread without a message to begin at.
pub(crate) async fn create(
    State(app): State<App>,
    _: Bot,
    Path(parent): Path<Snowflake>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let draft = Draft::read(&Body { json: body.json["message"].clone(), files: body.files.clone() })?;
    app.change(|state| {
        let forum = visible(&state.world, parent)?.kind == ChannelKind::Forum;
        if forum && draft.is_empty() {
            return Err(ApiError::form("message", "BASE_TYPE_REQUIRED", "This field is required"));
        }
        let private = !forum && body.json["type"].as_u64() == Some(12);
        let kind = if private { ChannelKind::PrivateThread } else { ChannelKind::PublicThread };
        let id = state.world.ids.next();
        let thread = new_thread(state, parent, id, kind, &body.json)?;
        state.add_thread(thread);
        let mut json = state.world.channels[&id].json();
        if forum {
            let mut message = Message::new(id, id, state.world.application.bot);
            state.fill(&mut message, draft)?;
            json["message"] = state.world.message_json(&message);
            state.world.keep(message);
            state.announce("MESSAGE_CREATE", id, id);
        }
        Ok((StatusCode::CREATED, Json(json)))
    })
}

pub(crate) async fn from_message(
    State(app): State<App>,
    _: Bot,
    Path((parent, message)): Path<(Snowflake, Snowflake)>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    app.change(|state| {
        visible(&state.world, parent)?;
        if state.world.message(parent, message).ok_or_else(ApiError::unknown_message)?.thread.is_some() {
            return Err(ApiError::new(400, 160_004, "A thread has already been created for this message"));
        }
        let thread = new_thread(state, parent, message, ChannelKind::PublicThread, &body.json)?;
        let json = thread.json();
        state.add_thread(thread);
        if let Some(message) = state.world.message_mut(parent, message) {
            message.thread = Some(message.id);
        }
        Ok((StatusCode::CREATED, Json(json)))
    })
}

fn new_thread(
    state: &crate::shared::State,
    parent: Snowflake,
    id: Snowflake,
    kind: ChannelKind,
    body: &Value,
) -> Result<Channel, ApiError> {
    may(&state.world, parent, Permissions::CREATE_PUBLIC_THREADS)?;
    let name = body["name"].as_str().unwrap_or_default();
    let mut problems = crate::error::Problems::default();
    problems.length(&["name"], crate::validate::length(name), 1..=100);
    problems.check()?;
    let bot = state.world.application.bot;
    let guild = state.world.channels.get(&parent).map(|channel| channel.guild).unwrap_or_default();
    Ok(Channel {
        id,
        guild,
        parent: Some(parent),
        kind,
        name: name.to_owned(),
        topic: None,
        nsfw: false,
        position: 0,
        overwrites: Vec::new(),
        last_message_id: None,
        message_count: 0,
        thread: Some(Thread {
            owner: bot,
            archived: false,
            locked: false,
            archived_ms: now_ms(),
            members: BTreeSet::from([bot]),
        }),
    })
}

/// Somebody in a thread that the bot sees.
pub(crate) async fn member(
    State(app): State<App>,
    _: Bot,
    Path((id, user)): Path<(Snowflake, Snowflake)>,
) -> Answer {
    let state = app.look();
    let thread = visible(&state.world, id)?.thread.as_ref();
    let is_in = thread.is_some_and(|thread| thread.members.contains(&user));
    let unknown = || ApiError::new(404, 10007, "Unknown Member");
    is_in.then_some(()).ok_or_else(unknown)?;
    let joined = timestamp(id.unix_ms());
    Ok(Json(json!({"id": id, "user_id": user, "join_timestamp": joined, "flags": 0})))
}

pub(crate) async fn join(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
) -> Result<StatusCode, ApiError> {
    membership(&app, id, true)
}

pub(crate) async fn leave(
    State(app): State<App>,
    _: Bot,
    Path(id): Path<Snowflake>,
) -> Result<StatusCode, ApiError> {
    membership(&app, id, false)
}

fn membership(app: &App, id: Snowflake, member: bool) -> Result<StatusCode, ApiError> {
    app.change(|state| {
        visible(&state.world, id)?;
        let bot = state.world.application.bot;
        let channel = state.world.channels.get_mut(&id).ok_or_else(ApiError::unknown_channel)?;
        let thread = channel
            .thread
            .as_mut()
            .ok_or_else(|| ApiError::new(400, 50024, "Cannot execute action on this channel type"))?;
        if member {
            thread.members.insert(bot);
        } else {
            thread.members.remove(&bot);
        }
        Ok(StatusCode::NO_CONTENT)
    })
}
