//! Guilds, roles, members, channels, threads and messages from JSON. Each answers with the id.

use crate::rest::App;
use crate::world::build::{
    ChannelBuilder, GuildBuilder, MemberBuilder, MessageBuilder, RoleBuilder, ThreadBuilder,
};
use crate::world::channel::ChannelKind;
use crate::{Permissions, Snowflake};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Deserialize)]
pub(crate) struct Guild {
    name: String,
    locale: Option<String>,
    /// Bits, as a number.
    everyone: Option<u64>,
    bot: Option<u64>,
    #[serde(default)]
    without_bot: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Role {
    name: String,
    #[serde(default)]
    permissions: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    name: String,
    nick: Option<String>,
    email: Option<String>,
    locale: Option<String>,
    #[serde(default)]
    roles: Vec<Snowflake>,
    #[serde(default)]
    bot: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Channel {
    name: String,
    /// `text`, `voice`, `category`, `news` or `forum`.
    kind: Option<String>,
    category: Option<Snowflake>,
    topic: Option<String>,
    only_for_role: Option<Snowflake>,
    #[serde(default)]
    hidden_from_bot: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Thread {
    name: String,
    from_message: Option<Snowflake>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    archived: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    author: Snowflake,
    #[serde(default)]
    content: String,
    /// Written so many seconds ago.
    ago: Option<u64>,
    reply_to: Option<Snowflake>,
    system: Option<u8>,
    #[serde(default)]
    embeds: Vec<Value>,
    /// Emoji and counts.
    #[serde(default)]
    reactions: Vec<(String, u64)>,
}

pub(crate) async fn guild(State(app): State<App>, Json(asked): Json<Guild>) -> Json<Value> {
    let mut guild = GuildBuilder::new(app, &asked.name);
    if let Some(locale) = &asked.locale {
        guild = guild.locale(locale);
    }
    if let Some(bits) = asked.everyone {
        guild = guild.everyone(Permissions::from_bits(bits));
    }
    if let Some(bits) = asked.bot {
        guild = guild.bot(Permissions::from_bits(bits));
    }
    if asked.without_bot {
        guild = guild.without_bot();
    }
    made(guild.create())
}

pub(crate) async fn role(
    State(app): State<App>,
    Path(guild): Path<Snowflake>,
    Json(asked): Json<Role>,
) -> Json<Value> {
    made(
        RoleBuilder::new(app, guild, &asked.name)
            .permissions(Permissions::from_bits(asked.permissions))
            .create(),
    )
}

pub(crate) async fn member(
    State(app): State<App>,
    Path(guild): Path<Snowflake>,
    Json(asked): Json<Member>,
) -> Json<Value> {
    let mut member = MemberBuilder::new(app, guild, &asked.name);
    for role in asked.roles {
        member = member.role(role);
    }
    if let Some(nick) = &asked.nick {
        member = member.nick(nick);
    }
    if let Some(email) = &asked.email {
        member = member.email(email);
    }
    if let Some(locale) = &asked.locale {
        member = member.locale(locale);
    }
    if asked.bot {
        member = member.bot();
    }
    made(member.create())
}

pub(crate) async fn channel(
    State(app): State<App>,
    Path(guild): Path<Snowflake>,
    Json(asked): Json<Channel>,
) -> Result<Json<Value>, super::Refused> {
    let kind = match asked.kind.as_deref() {
        None | Some("text") => ChannelKind::Text,
        Some("voice") => ChannelKind::Voice,
        Some("category") => ChannelKind::Category,
        Some("news") => ChannelKind::News,
        Some("forum") => ChannelKind::Forum,
        Some(other) => return Err(super::Refused(format!("no kind of channel {other:?}"))),
    };
    let mut channel = ChannelBuilder::new(app, guild, &asked.name).kind(kind);
    if let Some(category) = asked.category {
        channel = channel.category(category);
    }
    if let Some(topic) = &asked.topic {
        channel = channel.topic(topic);
    }
    if let Some(role) = asked.only_for_role {
        channel = channel.only_for_role(role);
    }
    if asked.hidden_from_bot {
        channel = channel.hidden_from_bot();
    }
    Ok(made(channel.create()))
}

pub(crate) async fn thread(
    State(app): State<App>,
    Path(channel): Path<Snowflake>,
    Json(asked): Json<Thread>,
) -> Json<Value> {
    let mut thread = ThreadBuilder::new(app, channel, &asked.name);
    if let Some(message) = asked.from_message {
        thread = thread.from_message(message);
    }
    if asked.private {
        thread = thread.private();
    }
    if asked.archived {
        thread = thread.archived();
    }
    made(thread.create())
}

pub(crate) async fn message(
    State(app): State<App>,
    Path(channel): Path<Snowflake>,
    Json(asked): Json<Message>,
) -> Json<Value> {
    let mut message = MessageBuilder::new(app, channel, asked.author, &asked.content);
    if let Some(seconds) = asked.ago {
        message = message.ago(Duration::from_secs(seconds));
    }
    if let Some(target) = asked.reply_to {
        message = message.reply_to(target);
    }
    if let Some(kind) = asked.system {
        message = message.system(kind);
    }
    for embed in asked.embeds {
        message = message.embed(embed);
    }
    for (emoji, count) in &asked.reactions {
        message = message.reaction(emoji, *count);
    }
    made(message.send())
}

fn made(id: Snowflake) -> Json<Value> {
    Json(json!({"id": id}))
}
