//! What exists: users, guilds, channels, messages, and who may do what with them.

pub(crate) mod application;
pub(crate) mod build;
mod change;
pub(crate) mod channel;
pub(crate) mod guild;
pub(crate) mod message;
pub(crate) mod permissions;
pub(crate) mod user;

use crate::Snowflake;
use crate::snowflake::Ids;
use application::{Application, Command};
use channel::Channel;
use guild::Guild;
use message::Message;
use std::collections::BTreeMap;
use user::User;

/// Everything that exists, in one place; whoever changes it says so to those who wait (`Shared::changed`).
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) application: Application,
    pub(crate) users: BTreeMap<Snowflake, User>,
    pub(crate) guilds: BTreeMap<Snowflake, Guild>,
    pub(crate) channels: BTreeMap<Snowflake, Channel>,
    /// By channel, then by id: pages are ranges.
    pub(crate) messages: BTreeMap<Snowflake, BTreeMap<Snowflake, Message>>,
    pub(crate) commands: Vec<Command>,
}

// === impl World ===

impl World {
    pub(crate) fn new(mut application: Application) -> Self {
        let mut ids = Ids::default();
        application.id = ids.next();
        application.bot = ids.next();
        let owner = ids.next();
        application.owner = owner;
        let mut users = BTreeMap::new();
        users.insert(application.bot, User::new(application.bot, &application.name).bot());
        users.insert(owner, User::new(owner, "developer"));
        Self {
            ids,
            application,
            users,
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: BTreeMap::new(),
            commands: Vec::new(),
        }
    }

    pub(crate) fn message(&self, channel: Snowflake, id: Snowflake) -> Option<&Message> {
        self.messages.get(&channel)?.get(&id)
    }

    pub(crate) fn message_mut(&mut self, channel: Snowflake, id: Snowflake) -> Option<&mut Message> {
        self.messages.get_mut(&channel)?.get_mut(&id)
    }

    /// Puts a message into its channel.
    pub(crate) fn keep(&mut self, message: Message) {
        if let Some(channel) = self.channels.get_mut(&message.channel_id) {
            channel.last_message_id = channel.last_message_id.max(Some(message.id));
            channel.message_count += 1;
        }
        self.messages.entry(message.channel_id).or_default().insert(message.id, message);
    }

    /// A channel's message by its id alone, wherever it is.
    pub(crate) fn find_message(&self, id: Snowflake) -> Option<&Message> {
        self.messages.values().find_map(|messages| messages.get(&id))
    }
}
