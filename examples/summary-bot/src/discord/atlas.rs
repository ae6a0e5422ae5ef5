//! The servers that the bot is in: their channels, roles and members, as they were at most half a minute ago.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::permissions::{self, Who};
use super::remembered::Remembered;
use super::rest::{Channel, Guild, Member, Rest, RestError};

/// After so long somebody who was shut out of a channel is shut out here, too.
const LIFE: Duration = Duration::from_secs(30);
const MOST_GUILDS: usize = 256;
const MOST_CHANNELS: usize = 4096;
const MOST_MEMBERS: usize = 16_384;

/// Kinds of channels.
pub(crate) mod kind {
    pub(crate) const TEXT: u8 = 0;
    pub(crate) const VOICE: u8 = 2;
    pub(crate) const CATEGORY: u8 = 4;
    pub(crate) const NEWS: u8 = 5;
    pub(crate) const NEWS_THREAD: u8 = 10;
    pub(crate) const PUBLIC_THREAD: u8 = 11;
    pub(crate) const PRIVATE_THREAD: u8 = 12;
    pub(crate) const STAGE: u8 = 13;
    pub(crate) const FORUM: u8 = 15;
    pub(crate) const MEDIA: u8 = 16;
}

/// Looks things up.
#[derive(Debug)]
pub(crate) struct Atlas {
    rest: Rest,
    me: OnceCell<String>,
    maps: Remembered<String, Map>,
    strays: Remembered<String, Option<Channel>>,
    members: Remembered<(String, String), Option<Member>>,
    in_threads: Remembered<(String, String), bool>,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) guild: Guild,
    /// Without threads.
    pub(crate) channels: HashMap<String, Channel>,
}

// === impl Atlas ===

impl Atlas {
    pub(super) fn new(rest: Rest) -> Self {
        Self {
            rest,
            me: OnceCell::new(),
            maps: Remembered::new(LIFE, MOST_GUILDS),
            strays: Remembered::new(LIFE, MOST_CHANNELS),
            members: Remembered::new(LIFE, MOST_MEMBERS),
            in_threads: Remembered::new(LIFE, MOST_MEMBERS),
        }
    }

    /// The bot's own id.
    pub(crate) async fn me(&self) -> Result<&str, RestError> {
        self.me.get_or_try_init(|| async { Ok(self.rest.me().await?.id) }).await.map(String::as_str)
    }

    /// A server; an error if the bot is not in it.
    pub(crate) async fn map(&self, guild: &str) -> Result<Arc<Map>, RestError> {
        let key = guild.to_owned();
        if let Some(map) = self.maps.get(&key) {
            return Ok(map);
        }
        let (guild, channels) = (self.rest.guild(guild).await?, self.rest.channels(guild).await?);
        let channels = channels.into_iter().map(|channel| (channel.id.clone(), channel)).collect();
        Ok(self.maps.put(key, Map { guild, channels }))
    }

    /// A channel or thread of this server; `None` if there is none, it belongs to another, or the bot does not see it.
    pub(crate) async fn channel(&self, guild: &str, channel: &str) -> Result<Option<Channel>, RestError> {
        let map = self.map(guild).await?;
        if let Some(channel) = map.channels.get(channel) {
            return Ok(Some(channel.clone()));
        }
        let key = channel.to_owned();
        let stray = match self.strays.get(&key) {
            Some(stray) => stray,
            None => self.strays.put(key, found(self.rest.channel(channel).await)?),
        };
        Ok(stray.as_ref().clone().filter(|channel| channel.guild_id.as_deref() == Some(guild)))
    }

    /// Somebody in this server; `None` if they are not in it.
    pub(crate) async fn member(&self, guild: &str, user: &str) -> Result<Option<Arc<Member>>, RestError> {
        let key = (guild.to_owned(), user.to_owned());
        let member = match self.members.get(&key) {
            Some(member) => member,
            None => self.members.put(key, found(self.rest.member(guild, user).await)?),
        };
        Ok(member.as_ref().clone().map(Arc::new))
    }

    /// What somebody may do in a channel or thread; nothing if they are not in the server, not in a private thread, or
    /// shut out of a voice channel.
    pub(crate) async fn permissions(
        &self,
        guild: &str,
        channel: &Channel,
        user: &str,
    ) -> Result<u64, RestError> {
        let map = self.map(guild).await?;
        let Some(member) = self.member(guild, user).await? else { return Ok(0) };
        let overwrites = map.overwrites(channel);
        let may = permissions::in_channel(&map.guild, overwrites, Who { user, roles: &member.roles });
        let shut_out = permissions::to_read(channel.kind) & !may & permissions::CONNECT != 0;
        let may = if shut_out { 0 } else { may };
        if channel.kind != kind::PRIVATE_THREAD || may & permissions::MANAGE_THREADS != 0 {
            return Ok(may);
        }
        Ok(if self.is_in_thread(&channel.id, user).await? { may } else { 0 })
    }

    async fn is_in_thread(&self, thread: &str, user: &str) -> Result<bool, RestError> {
        let key = (thread.to_owned(), user.to_owned());
        let is_in = match self.in_threads.get(&key) {
            Some(is_in) => is_in,
            None => self.in_threads.put(key, found(self.rest.thread_member(thread, user).await)?.is_some()),
        };
        Ok(*is_in)
    }
}

// === impl Map ===

impl Map {
    /// What is said about who may do what in a channel; in a thread, what is said about its channel.
    pub(crate) fn overwrites<'a>(&'a self, channel: &'a Channel) -> &'a [super::rest::Overwrite] {
        if !channel.is_thread() {
            return &channel.permission_overwrites;
        }
        let parent = channel.parent_id.as_ref().and_then(|id| self.channels.get(id));
        // A thread whose channel the bot does not see is nobody's to read: see `Channel::is_orphan`.
        parent.map_or(&[], |parent| &parent.permission_overwrites)
    }

    /// A channel and those that it is in: a thread's channel, and the category.
    pub(crate) fn places<'a>(&'a self, channel: &'a Channel) -> Vec<&'a str> {
        let parent = channel.parent_id.as_deref();
        let above = parent.and_then(|id| self.channels.get(id)).and_then(|above| above.parent_id.as_deref());
        std::iter::once(channel.id.as_str()).chain(parent).chain(above).collect()
    }

    /// Whether the thread's channel is not among those that the bot sees.
    pub(crate) fn is_orphan(&self, channel: &Channel) -> bool {
        channel.is_thread() && channel.parent_id.as_ref().is_none_or(|id| !self.channels.contains_key(id))
    }

    /// The channels of a category, as the server shows them.
    pub(crate) fn in_category(&self, category: &str) -> Vec<&Channel> {
        let mut inside: Vec<&Channel> =
            self.channels.values().filter(|channel| channel.parent_id.as_deref() == Some(category)).collect();
        inside.sort_by_key(|channel| (channel.kind == kind::VOICE, channel.position, channel.id.clone()));
        inside
    }
}

// === impl Channel ===

impl Channel {
    pub(crate) fn is_thread(&self) -> bool {
        matches!(self.kind, kind::NEWS_THREAD | kind::PUBLIC_THREAD | kind::PRIVATE_THREAD)
    }

    /// Whether its messages stand in threads only.
    pub(crate) fn is_forum(&self) -> bool {
        matches!(self.kind, kind::FORUM | kind::MEDIA)
    }

    /// Whether it holds messages itself.
    pub(crate) fn holds_messages(&self) -> bool {
        self.is_thread() || matches!(self.kind, kind::TEXT | kind::VOICE | kind::NEWS)
    }
}

/// What Discord does not know, or does not let the bot see, is not there.
fn found<T>(looked_up: Result<T, RestError>) -> Result<Option<T>, RestError> {
    match looked_up {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_closed() => Ok(None),
        Err(error) => Err(error),
    }
}
