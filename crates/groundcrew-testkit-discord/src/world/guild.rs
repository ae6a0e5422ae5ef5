use super::channel::Channel;
use super::{World, permissions::Permissions};
use crate::Snowflake;
use crate::snowflake::timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A community, "server" to its users.
#[derive(Debug, Clone)]
pub(crate) struct Guild {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) owner: Snowflake,
    pub(crate) locale: String,
    /// The one with the guild's own id is @everyone.
    pub(crate) roles: BTreeMap<Snowflake, Role>,
    pub(crate) members: BTreeMap<Snowflake, Member>,
}

#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) position: u64,
    pub(crate) managed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) nick: Option<String>,
    pub(crate) roles: Vec<Snowflake>,
    pub(crate) joined_ms: u64,
}

// === impl Role ===

impl Role {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "permissions": self.permissions, "position": self.position,
            "color": 0, "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "hoist": false, "managed": self.managed, "mentionable": true, "icon": null, "unicode_emoji": null,
            "flags": 0, "description": null,
        })
    }
}

// === impl Member ===

impl Member {
    /// Without `user`, as messages carry it.
    pub(crate) fn partial_json(&self) -> Value {
        json!({
            "nick": self.nick, "roles": self.roles, "joined_at": timestamp(self.joined_ms),
            "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false, "avatar": null,
            "banner": null, "communication_disabled_until": null,
        })
    }
}

// === impl Guild ===

impl Guild {
    /// As REST shows it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "icon": null, "icon_hash": null, "splash": null,
            "discovery_splash": null, "owner_id": self.owner, "afk_channel_id": null, "afk_timeout": 300,
            "widget_enabled": false, "widget_channel_id": null, "verification_level": 1,
            "default_message_notifications": 1, "explicit_content_filter": 0,
            "roles": self.roles.values().map(Role::json).collect::<Vec<_>>(), "emojis": [], "stickers": [],
            "features": ["COMMUNITY"], "mfa_level": 0, "application_id": null, "system_channel_id": null,
            "system_channel_flags": 0, "rules_channel_id": null, "max_presences": null, "max_members": 500_000,
            "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
            "premium_subscription_count": 0, "preferred_locale": self.locale, "public_updates_channel_id": null,
            "max_video_channel_users": 25, "max_stage_video_channel_users": 50, "nsfw_level": 0,
            "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null, "incidents_data": null,
            "region": "deprecated",
        })
    }
}

// === impl World ===

impl World {
    /// A member as REST shows it; the caller adds `guild_id` or `permissions` where Discord does.
    pub(crate) fn member_json(&self, guild: Snowflake, user: Snowflake) -> Option<Value> {
        let member = self.guilds.get(&guild)?.members.get(&user)?;
        let mut json = member.partial_json();
        json["user"] = self.users.get(&user)?.json();
        Some(json)
    }

    /// What the gateway sends on connecting and on joining: everything of a guild.
    pub(crate) fn guild_create_json(&self, guild: &Guild) -> Value {
        let mut json = guild.json();
        let joined = guild.members.get(&self.application.bot).map_or(0, |member| member.joined_ms);
        json["joined_at"] = timestamp(joined).into();
        json["large"] = false.into();
        json["unavailable"] = false.into();
        json["member_count"] = guild.members.len().into();
        json["members"] = guild.members.keys().filter_map(|user| self.member_json(guild.id, *user)).collect();
        let bot = self.application.bot;
        let of_guild = || self.channels.values().filter(|channel| channel.guild == guild.id);
        json["channels"] = of_guild().filter(|channel| !channel.is_thread()).map(Channel::json).collect();
        json["threads"] = of_guild()
            .filter(|channel| channel.thread.as_ref().is_some_and(|thread| !thread.archived))
            .filter(|channel| self.permissions(bot, channel.id).contains(Permissions::VIEW_CHANNEL))
            .map(Channel::json)
            .collect();
        for empty in
            ["voice_states", "presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds"]
        {
            json[empty] = json!([]);
        }
        json
    }

    /// As `/users/@me/guilds` lists it for one of its members.
    pub(crate) fn guild_info_json(&self, guild: &Guild, user: Snowflake) -> Value {
        json!({
            "id": guild.id, "name": guild.name, "icon": null, "banner": null, "owner": guild.owner == user,
            "permissions": self.guild_permissions(user, guild.id), "features": ["COMMUNITY"],
            "approximate_member_count": guild.members.len(), "approximate_presence_count": 0,
        })
    }
}
