//! Making guilds, people, channels and messages.

mod channel;
mod member;
mod message;

pub use channel::{ChannelBuilder, ThreadBuilder};
pub use member::MemberBuilder;
pub use message::MessageBuilder;

use super::guild::{Guild, Member, Role};
use super::permissions::Permissions;
use crate::Snowflake;
use crate::gateway::intent;
use crate::shared::Shared;
use crate::snowflake::now_ms;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A guild to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct GuildBuilder {
    shared: Arc<Shared>,
    name: String,
    locale: String,
    everyone: Permissions,
    bot: Option<Permissions>,
}

/// A role to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct RoleBuilder {
    shared: Arc<Shared>,
    guild: Snowflake,
    name: String,
    permissions: Permissions,
}

// === impl GuildBuilder ===

impl GuildBuilder {
    pub(crate) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let (everyone, bot) = (Permissions::everyday(), Some(Permissions::everyday()));
        Self { shared, name: name.to_owned(), locale: "en-US".to_owned(), everyone, bot }
    }

    /// What everybody may do. Default: [`Permissions::everyday`].
    pub fn everyone(mut self, permissions: Permissions) -> Self {
        self.everyone = permissions;
        self
    }

    /// What the bot's own role allows. Default: [`Permissions::everyday`].
    pub fn bot(mut self, permissions: Permissions) -> Self {
        self.bot = Some(permissions);
        self
    }

    /// Without the bot.
    pub fn without_bot(mut self) -> Self {
        self.bot = None;
        self
    }

    /// Its language, such as `de`. Default: `en-US`.
    pub fn locale(mut self, locale: &str) -> Self {
        locale.clone_into(&mut self.locale);
        self
    }

    /// Makes it, with an owner and, unless said otherwise, the bot in it; sessions hear of it.
    pub fn create(self) -> Snowflake {
        self.shared.change(|state| {
            let (id, owner, now) = (state.world.ids.next(), state.world.application.owner, now_ms());
            let bot = state.world.application.bot;
            let role = |id, name: &str, permissions, position| Role {
                id,
                name: name.to_owned(),
                permissions,
                position,
                managed: position > 0,
            };
            let member = |roles| Member { nick: None, roles, joined_ms: now };
            let mut roles = BTreeMap::from([(id, role(id, "@everyone", self.everyone, 0))]);
            let mut members = BTreeMap::from([(owner, member(Vec::new()))]);
            if let Some(permissions) = self.bot {
                let own = state.world.ids.next();
                roles.insert(own, role(own, &state.world.application.name, permissions, 1));
                members.insert(bot, member(vec![own]));
            }
            let guild = Guild { id, name: self.name, owner, locale: self.locale, roles, members };
            let data = state.world.guild_create_json(&guild);
            let joined = guild.members.contains_key(&bot);
            state.world.guilds.insert(id, guild);
            if joined {
                state.sessions.dispatch("GUILD_CREATE", intent::GUILDS, Some(id), &data);
            }
            id
        })
    }
}

// === impl RoleBuilder ===

impl RoleBuilder {
    pub(crate) fn new(shared: Arc<Shared>, guild: Snowflake, name: &str) -> Self {
        Self { shared, guild, name: name.to_owned(), permissions: Permissions::NONE }
    }

    /// What it allows beyond @everyone. Default: nothing.
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = permissions;
        self
    }

    /// Makes it.
    pub fn create(self) -> Snowflake {
        self.shared.change(|state| {
            let id = state.world.ids.next();
            if let Some(guild) = state.world.guilds.get_mut(&self.guild) {
                let position = guild.roles.len() as u64;
                let role =
                    Role { id, name: self.name, permissions: self.permissions, position, managed: false };
                guild.roles.insert(id, role);
            }
            id
        })
    }
}
