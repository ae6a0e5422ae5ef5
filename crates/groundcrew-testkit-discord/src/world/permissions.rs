use super::World;
use super::channel::ChannelKind;
use crate::Snowflake;
use serde::{Serialize, Serializer};
use std::ops::{BitOr, Sub};

/// What a role or an overwrite allows, in Discord's bits; JSON carries it as a string.
///
/// ```
/// use groundcrew_testkit_discord::Permissions;
///
/// let reader = Permissions::VIEW_CHANNEL | Permissions::READ_MESSAGE_HISTORY;
/// assert!(reader.contains(Permissions::VIEW_CHANNEL));
/// assert!(!reader.contains(Permissions::SEND_MESSAGES));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u64);

// === impl Permissions ===

impl Permissions {
    /// Everything, everywhere.
    pub const ADMINISTRATOR: Self = Self(1 << 3);
    /// Channels: make, change, delete.
    pub const MANAGE_CHANNELS: Self = Self(1 << 4);
    /// The guild's settings.
    pub const MANAGE_GUILD: Self = Self(1 << 5);
    /// React to messages.
    pub const ADD_REACTIONS: Self = Self(1 << 6);
    /// See a channel at all.
    pub const VIEW_CHANNEL: Self = Self(1 << 10);
    /// Write into channels.
    pub const SEND_MESSAGES: Self = Self(1 << 11);
    /// Delete others' messages.
    pub const MANAGE_MESSAGES: Self = Self(1 << 13);
    /// Send embeds.
    pub const EMBED_LINKS: Self = Self(1 << 14);
    /// Send files.
    pub const ATTACH_FILES: Self = Self(1 << 15);
    /// Read what was written before.
    pub const READ_MESSAGE_HISTORY: Self = Self(1 << 16);
    /// Mention @everyone.
    pub const MENTION_EVERYONE: Self = Self(1 << 17);
    /// Join voice channels, and read their text.
    pub const CONNECT: Self = Self(1 << 20);
    /// Roles below one's own.
    pub const MANAGE_ROLES: Self = Self(1 << 28);
    /// Webhooks.
    pub const MANAGE_WEBHOOKS: Self = Self(1 << 29);
    /// Use the commands of bots.
    pub const USE_APPLICATION_COMMANDS: Self = Self(1 << 31);
    /// Threads: archive, delete, see private ones.
    pub const MANAGE_THREADS: Self = Self(1 << 34);
    /// Make public threads.
    pub const CREATE_PUBLIC_THREADS: Self = Self(1 << 35);
    /// Write into threads.
    pub const SEND_MESSAGES_IN_THREADS: Self = Self(1 << 38);
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All that exist.
    pub const ALL: Self = Self((1 << 50) - 1);

    /// What @everyone of a new guild may do.
    pub const fn everyday() -> Self {
        Self(
            Self::VIEW_CHANNEL.0
                | Self::SEND_MESSAGES.0
                | Self::EMBED_LINKS.0
                | Self::ATTACH_FILES.0
                | Self::READ_MESSAGE_HISTORY.0
                | Self::ADD_REACTIONS.0
                | Self::CONNECT.0
                | Self::USE_APPLICATION_COMMANDS.0
                | Self::CREATE_PUBLIC_THREADS.0
                | Self::SEND_MESSAGES_IN_THREADS.0,
        )
    }

    /// The permissions with these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are among them.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Sub for Permissions {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

// === impl World ===

impl World {
    /// What a member may do in the guild, channels apart.
    pub(crate) fn guild_permissions(&self, user: Snowflake, guild: Snowflake) -> Permissions {
        let Some(guild) = self.guilds.get(&guild) else { return Permissions::NONE };
        let Some(member) = guild.members.get(&user) else { return Permissions::NONE };
        if guild.owner == user {
            return Permissions::ALL;
        }
        let roles = std::iter::once(&guild.id).chain(&member.roles);
        let sum = roles
            .filter_map(|role| guild.roles.get(role))
            .fold(Permissions::NONE, |sum, role| sum | role.permissions);
        if sum.contains(Permissions::ADMINISTRATOR) { Permissions::ALL } else { sum }
    }

    /// What a member may do in a channel: roles, then overwrites of @everyone, of roles, of the member.
    pub(crate) fn permissions(&self, user: Snowflake, channel: Snowflake) -> Permissions {
        let Some(channel) = self.channels.get(&channel) else { return Permissions::NONE };
        let base = self.guild_permissions(user, channel.guild);
        if base == Permissions::ALL || base == Permissions::NONE {
            return base;
        }
        let Some(member) = self.guilds.get(&channel.guild).and_then(|guild| guild.members.get(&user)) else {
            return Permissions::NONE;
        };
        // A thread has no overwrites of its own.
        let place = channel.thread.as_ref().and(channel.parent).and_then(|parent| self.channels.get(&parent));
        let overwrites = &place.unwrap_or(channel).overwrites;
        let mut sum = base;
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.id == channel.guild) {
            sum = (sum - overwrite.deny) | overwrite.allow;
        }
        let (mut allow, mut deny) = (Permissions::NONE, Permissions::NONE);
        for overwrite in overwrites.iter().filter(|o| !o.member && member.roles.contains(&o.id)) {
            allow = allow | overwrite.allow;
            deny = deny | overwrite.deny;
        }
        sum = (sum - deny) | allow;
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.member && overwrite.id == user) {
            sum = (sum - overwrite.deny) | overwrite.allow;
        }
        if let Some(thread) = &channel.thread {
            let private = channel.kind == ChannelKind::PrivateThread;
            if private && !thread.members.contains(&user) && !sum.contains(Permissions::MANAGE_THREADS) {
                return Permissions::NONE;
            }
        }
        // Who does not see a channel can do nothing in it.
        if sum.contains(Permissions::VIEW_CHANNEL) { sum } else { Permissions::NONE }
    }
}
