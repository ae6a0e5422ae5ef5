use super::World;
use crate::Snowflake;
use serde_json::{Value, json};

/// What the developer portal shows of a bot.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) id: Snowflake,
    /// The bot's own account.
    pub(crate) bot: Snowflake,
    pub(crate) owner: Snowflake,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) client_secret: String,
    /// Ed25519, hexadecimal.
    pub(crate) public_key: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) interactions_endpoint: Option<String>,
    pub(crate) privileged: Privileged,
}

/// The switches "Privileged Gateway Intents" of the developer portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privileged {
    /// Server members: may list a guild's members and see them come and go.
    pub members: bool,
    /// Presence.
    pub presences: bool,
    /// Message content: without it messages arrive empty, also over REST.
    pub message_content: bool,
}

/// A registered application command: what the bot sent, with what Discord adds.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) id: Snowflake,
    pub(crate) version: Snowflake,
    /// None for a global one.
    pub(crate) guild: Option<Snowflake>,
    pub(crate) kind: u64,
    pub(crate) name: String,
    pub(crate) body: Value,
}

// === impl Privileged ===

impl Default for Privileged {
    /// All on, as a bot that needs them would have it.
    fn default() -> Self {
        Self { members: true, presences: true, message_content: true }
    }
}

impl Privileged {
    /// The intents that a session may not ask for.
    pub(crate) fn forbidden(self) -> u64 {
        let bit = |allowed: bool, bit: u64| if allowed { 0 } else { bit };
        bit(self.members, 1 << 1) | bit(self.presences, 1 << 8) | bit(self.message_content, 1 << 15)
    }

    fn flags(self) -> u64 {
        let bit = |allowed: bool, bit: u64| if allowed { bit } else { 0 };
        bit(self.presences, 1 << 13) | bit(self.members, 1 << 15) | bit(self.message_content, 1 << 19)
    }
}

// === impl Application ===

impl Application {
    pub(crate) fn flags(&self) -> u64 {
        self.privileged.flags()
    }
}

// === impl Command ===

impl Command {
    pub(crate) fn json(&self, application: Snowflake) -> Value {
        let mut command = self.body.clone();
        command["id"] = json!(self.id);
        command["application_id"] = json!(application);
        command["version"] = json!(self.version);
        command["type"] = self.kind.into();
        command["name"] = self.name.clone().into();
        if let Some(guild) = self.guild {
            command["guild_id"] = json!(guild);
        }
        for (key, default) in [
            ("description", json!("")),
            ("default_member_permissions", Value::Null),
            ("nsfw", json!(false)),
            ("name_localizations", Value::Null),
            ("description_localizations", Value::Null),
            ("contexts", Value::Null),
            ("integration_types", json!([0])),
            ("dm_permission", json!(true)),
        ] {
            if command.get(key).is_none() {
                command[key] = default;
            }
        }
        command
    }
}

// === impl World ===

impl World {
    pub(crate) fn application_json(&self) -> Value {
        let application = &self.application;
        let owner = self.users.get(&application.owner).map(super::user::User::json);
        json!({
            "id": application.id, "name": application.name, "icon": null, "description": "", "summary": "",
            "bot_public": true, "bot_require_code_grant": false, "verify_key": application.public_key,
            "owner": owner, "team": null, "flags": application.flags(), "rpc_origins": [],
            "redirect_uris": application.redirect_uris, "bot": self.users.get(&application.bot).map(super::user::User::json),
            "interactions_endpoint_url": application.interactions_endpoint,
            "approximate_guild_count": self.guilds.values().filter(|guild| guild.members.contains_key(&application.bot)).count(),
            "approximate_user_install_count": 0, "role_connections_verification_url": null, "integration_types_config": {},
        })
    }

    /// The command that a user of the guild would find under this name.
    pub(crate) fn command(&self, guild: Option<Snowflake>, kind: u64, name: &str) -> Option<&Command> {
        let named = |command: &&Command| command.kind == kind && command.name == name;
        let own = self
            .commands
            .iter()
            .filter(named)
            .find(|command| command.guild.is_some() && command.guild == guild);
        own.or_else(|| self.commands.iter().filter(named).find(|command| command.guild.is_none()))
    }
}
