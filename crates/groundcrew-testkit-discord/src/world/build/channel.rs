use crate::Snowflake;
use crate::gateway::intent;
use crate::shared::Shared;
use crate::snowflake::{now_ms, unix_ms};
use crate::world::channel::{Channel, ChannelKind, Overwrite, Thread};
use crate::world::permissions::Permissions;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

/// A channel to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct ChannelBuilder {
    shared: Arc<Shared>,
    channel: Channel,
}

/// A thread to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct ThreadBuilder {
    shared: Arc<Shared>,
    channel: Channel,
    starter: Option<Snowflake>,
}

// === impl ChannelBuilder ===

impl ChannelBuilder {
    pub(crate) fn new(shared: Arc<Shared>, guild: Snowflake, name: &str) -> Self {
        Self { shared, channel: blank(guild, None, ChannelKind::Text, name) }
    }

    /// Text, a forum, voice, … Default: text.
    pub fn kind(mut self, kind: ChannelKind) -> Self {
        self.channel.kind = kind;
        self
    }

    /// Below a category.
    pub fn category(mut self, category: Snowflake) -> Self {
        self.channel.parent = Some(category);
        self
    }

    /// What it is about.
    pub fn topic(mut self, topic: &str) -> Self {
        self.channel.topic = Some(topic.to_owned());
        self
    }

    /// An exception for a role; the guild's own id means everyone.
    pub fn for_role(self, role: Snowflake, allow: Permissions, deny: Permissions) -> Self {
        self.overwrite(Overwrite { id: role, member: false, allow, deny })
    }

    /// An exception for one member.
    pub fn for_member(self, user: Snowflake, allow: Permissions, deny: Permissions) -> Self {
        self.overwrite(Overwrite { id: user, member: true, allow, deny })
    }

    /// Only those with the role see it, and the bot does not unless it has it.
    pub fn only_for_role(self, role: Snowflake) -> Self {
        let everyone = self.channel.guild;
        self.for_role(everyone, Permissions::NONE, Permissions::VIEW_CHANNEL).for_role(
            role,
            Permissions::VIEW_CHANNEL,
            Permissions::NONE,
        )
    }

    /// The bot does not see it.
    pub fn hidden_from_bot(self) -> Self {
        let bot = self.shared.look().world.application.bot;
        self.for_member(bot, Permissions::NONE, Permissions::VIEW_CHANNEL)
    }

    fn overwrite(mut self, overwrite: Overwrite) -> Self {
        self.channel.overwrites.push(overwrite);
        self
    }

    /// Makes it.
    pub fn create(self) -> Snowflake {
        let mut channel = self.channel;
        self.shared.change(|state| {
            channel.id = state.world.ids.next();
            channel.position = state.world.channels.len() as u64;
            let (id, guild, data) = (channel.id, channel.guild, channel.json());
            state.world.channels.insert(id, channel);
            state.sessions.dispatch("CHANNEL_CREATE", intent::GUILDS, Some(guild), &data);
            id
        })
    }
}

// === impl ThreadBuilder ===

impl ThreadBuilder {
    pub(crate) fn new(shared: Arc<Shared>, parent: Snowflake, name: &str) -> Self {
        let (guild, owner) = {
            let state = shared.look();
            let guild = state.world.channels.get(&parent).map(|channel| channel.guild).unwrap_or_default();
            (guild, state.world.application.owner)
        };
        let mut channel = blank(guild, Some(parent), ChannelKind::PublicThread, name);
        let members = BTreeSet::from([owner]);
        channel.thread =
            Some(Thread { owner, archived: false, locked: false, archived_ms: now_ms(), members });
        Self { shared, channel, starter: None }
    }

    /// Only its members see it.
    pub fn private(mut self) -> Self {
        self.channel.kind = ChannelKind::PrivateThread;
        self
    }

    /// Put away, just now.
    pub fn archived(self) -> Self {
        self.archived_at(SystemTime::now())
    }

    /// Put away then, to the millisecond.
    pub fn archived_at(mut self, moment: SystemTime) -> Self {
        if let Some(thread) = &mut self.channel.thread {
            (thread.archived, thread.archived_ms) = (true, unix_ms(moment));
        }
        self
    }

    /// Whoever takes part.
    pub fn member(mut self, user: Snowflake) -> Self {
        if let Some(thread) = &mut self.channel.thread {
            thread.members.insert(user);
        }
        self
    }

    /// Begun at a message of the parent channel: it gets that message's id.
    pub fn from_message(mut self, message: Snowflake) -> Self {
        self.starter = Some(message);
        self
    }

    /// Makes it.
    pub fn create(self) -> Snowflake {
        let (mut channel, starter) = (self.channel, self.starter);
        self.shared.change(|state| {
            channel.id = starter.unwrap_or_else(|| state.world.ids.next());
            let (id, parent) = (channel.id, channel.parent.unwrap_or_default());
            state.add_thread(channel);
            if let Some(message) = starter.and_then(|starter| state.world.message_mut(parent, starter)) {
                message.thread = Some(id);
            }
            id
        })
    }
}

fn blank(guild: Snowflake, parent: Option<Snowflake>, kind: ChannelKind, name: &str) -> Channel {
    Channel {
        id: Snowflake::default(),
        guild,
        parent,
        kind,
        name: name.to_owned(),
        topic: None,
        nsfw: false,
        position: 0,
        overwrites: Vec::new(),
        last_message_id: None,
        message_count: 0,
        thread: None,
    }
}
