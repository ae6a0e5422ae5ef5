use super::permissions::Permissions;
use crate::Snowflake;
use crate::snowflake::timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A channel of a guild, or a thread in one.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: Snowflake,
    pub(crate) guild: Snowflake,
    /// Of a thread its channel, of a channel its category.
    pub(crate) parent: Option<Snowflake>,
    pub(crate) kind: ChannelKind,
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    pub(crate) nsfw: bool,
    pub(crate) position: u64,
    pub(crate) overwrites: Vec<Overwrite>,
    pub(crate) last_message_id: Option<Snowflake>,
    pub(crate) message_count: u64,
    pub(crate) thread: Option<Thread>,
}

/// What makes a channel a thread.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) owner: Snowflake,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) archived_ms: u64,
    pub(crate) members: BTreeSet<Snowflake>,
}

/// The kinds of channels that this server knows, with Discord's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum ChannelKind {
    /// Text.
    Text = 0,
    /// Voice, which has a text chat too.
    Voice = 2,
    /// A category: it holds channels and their common permissions.
    Category = 4,
    /// Announcements.
    News = 5,
    /// A public thread.
    PublicThread = 11,
    /// A private thread.
    PrivateThread = 12,
    /// A forum: it holds threads ("posts"), no messages.
    Forum = 15,
}

/// An exception from the roles' permissions in one channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overwrite {
    /// A role's or a user's.
    pub(crate) id: Snowflake,
    pub(crate) member: bool,
    pub(crate) allow: Permissions,
    pub(crate) deny: Permissions,
}

// === impl ChannelKind ===

impl ChannelKind {
    /// Discord's number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn holds_messages(self) -> bool {
        !matches!(self, Self::Category | Self::Forum)
    }
}

// === impl Channel ===

impl Channel {
    pub(crate) fn is_thread(&self) -> bool {
        self.thread.is_some()
    }

    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id, "guild_id": self.guild, "type": self.kind.number(), "name": self.name,
            "parent_id": self.parent, "last_message_id": self.last_message_id, "flags": 0,
            "rate_limit_per_user": 0, "last_pin_timestamp": null,
        });
        if let Some(thread) = &self.thread {
            json["owner_id"] = json!(thread.owner);
            json["message_count"] = self.message_count.into();
            json["total_message_sent"] = self.message_count.into();
            json["member_count"] = thread.members.len().min(50).into();
            json["thread_metadata"] = json!({
                "archived": thread.archived, "auto_archive_duration": 4320, "locked": thread.locked,
                "archive_timestamp": timestamp(thread.archived_ms), "create_timestamp": timestamp(self.id.unix_ms()),
                "invitable": true,
            });
            return json;
        }
        json["position"] = self.position.into();
        json["nsfw"] = self.nsfw.into();
        json["topic"] = self.topic.clone().into();
        json["permission_overwrites"] = self.overwrites.iter().map(Overwrite::json).collect();
        match self.kind {
            ChannelKind::Voice => {
                json["bitrate"] = 64_000.into();
                json["user_limit"] = 0.into();
                json["rtc_region"] = Value::Null;
            }
            ChannelKind::Forum => {
                json["available_tags"] = json!([]);
                json["default_reaction_emoji"] = Value::Null;
                json["default_sort_order"] = Value::Null;
                json["default_forum_layout"] = 0.into();
            }
            _ => {}
        }
        json
    }
}

// === impl Overwrite ===

impl Overwrite {
    fn json(&self) -> Value {
        json!({"id": self.id, "type": u8::from(self.member), "allow": self.allow, "deny": self.deny})
    }
}
