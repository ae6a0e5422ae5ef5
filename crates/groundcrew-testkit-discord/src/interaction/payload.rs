//! The JSON of interactions: what users chose, with everything it refers to.

use crate::error::Error;
use crate::world::World;
use crate::{Permissions, Snowflake};
use serde_json::{Map, Value, json};

/// The entities that the options name.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    found: Map<String, Value>,
}

// === impl Resolved ===

impl Resolved {
    fn add(&mut self, kind: &str, id: Snowflake, value: Value) {
        let place = self.found.entry(kind).or_insert_with(|| json!({}));
        place[id.to_string()] = value;
    }

    pub(crate) fn user(&mut self, world: &World, guild: Snowflake, id: Snowflake) -> Option<()> {
        self.add("users", id, world.users.get(&id)?.json());
        if let Some(member) = world.guilds.get(&guild).and_then(|guild| guild.members.get(&id)) {
            let mut member = member.partial_json();
            member["permissions"] = json!(world.guild_permissions(id, guild));
            self.add("members", id, member);
        }
        Some(())
    }

    pub(crate) fn channel(&mut self, world: &World, user: Snowflake, id: Snowflake) -> Option<()> {
        self.add("channels", id, channel_json(world, user, id)?);
        Some(())
    }

    pub(crate) fn role(&mut self, world: &World, guild: Snowflake, id: Snowflake) -> Option<()> {
        self.add("roles", id, world.guilds.get(&guild)?.roles.get(&id)?.json());
        Some(())
    }

    pub(crate) fn message(&mut self, world: &World, id: Snowflake) -> Option<()> {
        self.add("messages", id, world.message_json(world.find_message(id)?));
        Some(())
    }

    pub(crate) fn json(self) -> Value {
        Value::Object(self.found)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// A channel as interactions carry it: with what the user may do there.
pub(crate) fn channel_json(world: &World, user: Snowflake, id: Snowflake) -> Option<Value> {
    let channel = world.channels.get(&id)?;
    let mut json = channel.json();
    json["permissions"] = json!(world.permissions(user, id));
    Some(json)
}

/// What all interactions have in common.
pub(crate) fn envelope(
    world: &World,
    kind: u64,
    ids: (Snowflake, &str),
    user: Snowflake,
    channel: Snowflake,
) -> Result<Value, Error> {
    let impossible = |text: &str| Error::Impossible(text.to_owned());
    let place = world.channels.get(&channel).ok_or_else(|| impossible("the channel does not exist"))?;
    let guild = world.guilds.get(&place.guild).ok_or_else(|| impossible("the guild does not exist"))?;
    let mut member = world
        .member_json(guild.id, user)
        .ok_or_else(|| impossible("the user is no member of the channel's guild"))?;
    let may = world.permissions(user, channel);
    if !may.contains(Permissions::VIEW_CHANNEL | Permissions::USE_APPLICATION_COMMANDS) {
        return Err(impossible("the user may not see the channel or not use commands there"));
    }
    member["permissions"] = json!(may);
    let bot = world.application.bot;
    Ok(json!({
        "id": ids.0, "token": ids.1, "application_id": world.application.id, "type": kind, "version": 1,
        "guild_id": guild.id, "guild": {"id": guild.id, "locale": guild.locale, "features": ["COMMUNITY"]},
        "channel_id": channel, "channel": channel_json(world, user, channel), "member": member,
        "app_permissions": world.permissions(bot, channel), "guild_locale": guild.locale,
        "locale": world.users.get(&user).map(|user| user.locale.clone()), "entitlements": [],
        "authorizing_integration_owners": {"0": guild.id}, "context": 0, "attachment_size_limit": 10_485_760,
    }))
}
