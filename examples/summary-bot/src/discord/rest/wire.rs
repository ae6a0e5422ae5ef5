//! What of Discord's objects the bot needs, read leniently: what is new or missing is no reason to refuse the rest.

use serde::{Deserialize, Deserializer};

/// A channel, a thread, a forum or a category.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    pub(crate) guild_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: String,
    pub(crate) parent_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) permission_overwrites: Vec<Overwrite>,
    /// The newest message, which may have been deleted.
    pub(crate) last_message_id: Option<String>,
    pub(crate) position: Option<i64>,
    #[serde(rename = "thread_metadata")]
    pub(crate) thread: Option<Thread>,
    /// Who began a thread.
    pub(crate) owner_id: Option<String>,
}

/// What a thread has besides.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Thread {
    pub(crate) archived: bool,
    pub(crate) archive_timestamp: Option<String>,
}

/// What a role or a member may do in a channel, or may not.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Overwrite {
    pub(crate) id: String,
    /// 0 for a role, 1 for a member.
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(deserialize_with = "bits")]
    pub(crate) allow: u64,
    #[serde(deserialize_with = "bits")]
    pub(crate) deny: u64,
}

/// A server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Guild {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) owner_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) roles: Vec<Role>,
    pub(crate) preferred_locale: Option<String>,
}

/// A role of a server. The one with the server's own id is everybody's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(deserialize_with = "bits")]
    pub(crate) permissions: u64,
}

/// Somebody in a server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    pub(crate) user: Option<User>,
    pub(crate) nick: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) roles: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) username: String,
    pub(crate) global_name: Option<String>,
    pub(crate) bot: bool,
}

/// A message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) channel_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(deserialize_with = "or_default")]
    pub(crate) content: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) author: User,
    pub(crate) webhook_id: Option<String>,
    pub(crate) timestamp: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) mentions: Vec<Mention>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) reactions: Vec<Reaction>,
    #[serde(rename = "message_reference")]
    pub(crate) reference: Option<Reference>,
    /// The message on which a thread was begun stands in the thread only as this.
    #[serde(rename = "referenced_message")]
    pub(crate) referenced: Option<Box<Message>>,
    #[serde(rename = "sticker_items", deserialize_with = "or_default")]
    pub(crate) stickers: Vec<Named>,
    pub(crate) poll: Option<Poll>,
    /// What was forwarded.
    #[serde(rename = "message_snapshots", deserialize_with = "or_default")]
    pub(crate) snapshots: Vec<Snapshot>,
}

/// Somebody who is mentioned.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mention {
    pub(crate) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) username: String,
    pub(crate) global_name: Option<String>,
    pub(crate) member: Option<Nick>,
}

/// The name in a server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Nick {
    pub(crate) nick: Option<String>,
}

/// A file of a message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attachment {
    #[serde(deserialize_with = "or_default")]
    pub(crate) filename: String,
    pub(crate) description: Option<String>,
}

/// How often a message got one emoji.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reaction {
    pub(crate) count: u32,
}

/// The message that a message answers or forwards.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    /// 0 for an answer, 1 for a forward.
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    pub(crate) message_id: Option<String>,
}

/// Something with a name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: String,
}

/// A poll.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Poll {
    pub(crate) question: PollText,
}

/// The words of a poll.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PollText {
    pub(crate) text: Option<String>,
}

/// A forwarded message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Snapshot {
    pub(crate) message: Snapped,
}

/// What is left of a forwarded message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Snapped {
    #[serde(deserialize_with = "or_default")]
    pub(crate) content: String,
}

/// Threads, a page of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Threads {
    #[serde(deserialize_with = "or_default")]
    pub(crate) threads: Vec<Channel>,
    pub(crate) has_more: bool,
}

/// The application itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) verify_key: String,
}

/// What `GET /gateway/bot` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    pub(crate) shards: u32,
    pub(crate) session_start_limit: SessionLimit,
}

/// How many sessions may be begun.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
pub(crate) struct SessionLimit {
    pub(crate) remaining: u32,
    /// Milliseconds until it starts anew.
    pub(crate) reset_after: u64,
}

impl Default for SessionLimit {
    fn default() -> Self {
        Self { remaining: u32::MAX, reset_after: 0 }
    }
}

/// `null` where there might be something.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Permissions are numbers in strings.
fn bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    match Either::deserialize(deserializer)? {
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
        Either::Number(number) => Ok(number),
    }
}
