//! Making guilds, people, channels and messages.

use super::channel::{Channel, ChannelKind, Overwrite, Thread};
use super::guild::{Guild, Member, Role};
use super::message::{Attachment, Message, Reaction, Sticker};
use super::permissions::Permissions;
use super::user::User;
use crate::Snowflake;
use crate::gateway::intent;
use crate::shared::{Shared, State};
use crate::snowflake::now_ms;
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// A member to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct MemberBuilder {
    shared: Arc<Shared>,
    guild: Snowflake,
    user: Result<Snowflake, User>,
    nick: Option<String>,
    roles: Vec<Snowflake>,
}

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

/// A message to be.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct MessageBuilder {
    shared: Arc<Shared>,
    message: Message,
    at: Option<u64>,
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

// === impl MemberBuilder ===

impl MemberBuilder {
    pub(crate) fn new(shared: Arc<Shared>, guild: Snowflake, name: &str) -> Self {
        let user = User::new(Snowflake::default(), name);
        Self { shared, guild, user: Err(user), nick: None, roles: Vec::new() }
    }

    pub(crate) fn of(shared: Arc<Shared>, guild: Snowflake, user: Snowflake) -> Self {
        Self { shared, guild, user: Ok(user), nick: None, roles: Vec::new() }
    }

    /// With a role; may be said several times.
    pub fn role(mut self, role: Snowflake) -> Self {
        self.roles.push(role);
        self
    }

    /// A name of this guild only.
    pub fn nick(mut self, nick: &str) -> Self {
        self.nick = Some(nick.to_owned());
        self
    }

    /// Another bot.
    pub fn bot(self) -> Self {
        self.with(|user| user.bot = true)
    }

    /// The name shown everywhere.
    pub fn display_name(self, name: &str) -> Self {
        self.with(|user| user.global_name = Some(name.to_owned()))
    }

    /// The address, for the scope `email`.
    pub fn email(self, email: &str) -> Self {
        self.with(|user| user.email = Some(email.to_owned()))
    }

    /// The language of the user's client, such as `de`. Default: `en-US`.
    pub fn locale(self, locale: &str) -> Self {
        self.with(|user| locale.clone_into(&mut user.locale))
    }

    fn with(mut self, change: impl FnOnce(&mut User)) -> Self {
        if let Err(user) = &mut self.user {
            change(user);
        }
        self
    }

    /// Makes it: the user's id. Who is a member already gets the roles said here instead of those of before.
    pub fn create(self) -> Snowflake {
        self.shared.change(|state| {
            let id = match self.user {
                Ok(id) => id,
                Err(mut user) => {
                    user.id = state.world.ids.next();
                    let id = user.id;
                    state.world.users.insert(id, user);
                    id
                }
            };
            let member = Member { nick: self.nick, roles: self.roles, joined_ms: now_ms() };
            let known = match state.world.guilds.get_mut(&self.guild) {
                Some(guild) => guild.members.insert(id, member).is_some(),
                None => return id,
            };
            if let Some(mut data) = state.world.member_json(self.guild, id) {
                data["guild_id"] = serde_json::json!(self.guild);
                let event = if known { "GUILD_MEMBER_UPDATE" } else { "GUILD_MEMBER_ADD" };
                state.sessions.dispatch(event, intent::GUILD_MEMBERS, Some(self.guild), &data);
            }
            id
        })
    }
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

    /// Put away.
    pub fn archived(mut self) -> Self {
        if let Some(thread) = &mut self.channel.thread {
            thread.archived = true;
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

// === impl MessageBuilder ===

impl MessageBuilder {
    pub(crate) fn new(shared: Arc<Shared>, channel: Snowflake, author: Snowflake, content: &str) -> Self {
        let mut message = Message::new(Snowflake::default(), channel, author);
        content.clone_into(&mut message.content);
        Self { shared, message, at: None }
    }

    /// Written then; no session hears of it. Without this it is written now.
    pub fn at(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at = Some(u64::try_from(since.as_millis()).unwrap_or_default());
        self
    }

    /// Written so long ago.
    pub fn ago(self, age: Duration) -> Self {
        self.at(SystemTime::now() - age)
    }

    /// An answer to another message of the channel.
    pub fn reply_to(mut self, message: Snowflake) -> Self {
        self.message.reply_to = Some(message);
        self.message.kind = 19;
        self
    }

    /// A message of the system's, by Discord's number: 7 somebody joined, 6 something was pinned, …
    pub fn system(mut self, kind: u8) -> Self {
        self.message.kind = kind.into();
        self
    }

    /// With a file.
    pub fn attachment(mut self, filename: &str, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.message.attachments.push(Attachment {
            id: Snowflake::default(),
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            description: None,
            bytes: bytes.into(),
            url: String::new(),
        });
        self
    }

    /// With an embed, as its JSON.
    pub fn embed(mut self, embed: Value) -> Self {
        self.message.embeds.push(embed);
        self
    }

    /// So many reacted with an emoji.
    pub fn reaction(mut self, emoji: &str, count: u64) -> Self {
        self.message.reactions.push(Reaction { emoji: emoji.to_owned(), count, me: false });
        self
    }

    /// With a sticker.
    pub fn sticker(mut self, name: &str) -> Self {
        self.message.stickers.push(Sticker { id: Snowflake::default(), name: name.to_owned() });
        self
    }

    /// Pinned.
    pub fn pinned(mut self) -> Self {
        self.message.pinned = true;
        self
    }

    /// Writes it.
    pub fn send(self) -> Snowflake {
        let (mut message, at) = (self.message, self.at);
        self.shared.change(|state| {
            let ids = &mut state.world.ids;
            message.id = ids.at(at.unwrap_or_else(now_ms));
            for attachment in &mut message.attachments {
                attachment.id = ids.next();
                attachment.url = format!(
                    "{}/attachments/{}/{}/{}",
                    state.base, message.channel_id, attachment.id, attachment.filename
                );
            }
            for sticker in &mut message.stickers {
                sticker.id = ids.next();
            }
            let (id, channel) = (message.id, message.channel_id);
            state.world.keep(message);
            if at.is_none() {
                state.announce("MESSAGE_CREATE", channel, id);
            }
            id
        })
    }
}

// === impl State ===

impl State {
    pub(crate) fn add_thread(&mut self, thread: Channel) {
        let (guild, mut data) = (thread.guild, thread.json());
        data["newly_created"] = true.into();
        let id = thread.id;
        self.world.channels.insert(id, thread);
        if self.world.permissions(self.world.application.bot, id).contains(Permissions::VIEW_CHANNEL) {
            self.sessions.dispatch("THREAD_CREATE", intent::GUILDS, Some(guild), &data);
        }
    }

    /// With everything in it.
    pub(crate) fn remove_channel(&mut self, id: Snowflake) {
        let Some(channel) = self.world.channels.remove(&id) else { return };
        self.world.messages.remove(&id);
        let threads: Vec<Snowflake> = self
            .world
            .channels
            .values()
            .filter(|thread| thread.is_thread() && thread.parent == Some(id))
            .map(|thread| thread.id)
            .collect();
        for thread in threads {
            self.world.channels.remove(&thread);
            self.world.messages.remove(&thread);
        }
        let event = if channel.is_thread() { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
        self.sessions.dispatch(event, intent::GUILDS, Some(channel.guild), &channel.json());
    }

    /// Writing into a thread takes it out of the archive.
    pub(crate) fn unarchive(&mut self, id: Snowflake) {
        let Some(channel) = self.world.channels.get_mut(&id) else { return };
        let guild = channel.guild;
        let Some(thread) = channel.thread.as_mut().filter(|thread| thread.archived) else { return };
        thread.archived = false;
        thread.archived_ms = now_ms();
        let data = channel.json();
        self.sessions.dispatch("THREAD_UPDATE", intent::GUILDS, Some(guild), &data);
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
