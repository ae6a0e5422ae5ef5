use super::World;
use crate::Snowflake;
use crate::snowflake::timestamp;
use bytes::Bytes;
use serde_json::{Value, json};

/// A message in a channel.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: Snowflake,
    pub(crate) channel_id: Snowflake,
    pub(crate) author: Snowflake,
    /// Discord's number: 0 a message, 19 a reply, 20 the answer to a slash command, others mostly the system's.
    pub(crate) kind: u64,
    pub(crate) content: String,
    pub(crate) edited_ms: Option<u64>,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) stickers: Vec<Sticker>,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) flags: u64,
    pub(crate) pinned: bool,
    pub(crate) tts: bool,
    pub(crate) webhook: bool,
    pub(crate) nonce: Option<Value>,
    /// The interaction that it answers.
    pub(crate) interaction: Option<InteractionReference>,
    /// The thread that began here.
    pub(crate) thread: Option<Snowflake>,
}

#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) id: Snowflake,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) description: Option<String>,
    pub(crate) bytes: Bytes,
    pub(crate) url: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Reaction {
    /// An emoji, or `name:id` of a custom one.
    pub(crate) emoji: String,
    pub(crate) count: u64,
    pub(crate) me: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Sticker {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
}

#[derive(Debug, Clone)]
pub(crate) struct InteractionReference {
    pub(crate) id: Snowflake,
    pub(crate) kind: u64,
    pub(crate) user: Snowflake,
    pub(crate) name: Option<String>,
    /// The message whose button or menu was used.
    pub(crate) target: Option<Snowflake>,
}

/// The flag of a message that only one user sees.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// The flag of an answer that is still to come.
pub(crate) const LOADING: u64 = 1 << 7;

// === impl Message ===

impl Message {
    pub(crate) fn new(id: Snowflake, channel_id: Snowflake, author: Snowflake) -> Self {
        Self {
            id,
            channel_id,
            author,
            kind: 0,
            content: String::new(),
            edited_ms: None,
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            reactions: Vec::new(),
            stickers: Vec::new(),
            reply_to: None,
            flags: 0,
            pinned: false,
            tts: false,
            webhook: false,
            nonce: None,
            interaction: None,
            thread: None,
        }
    }

    /// The ids after a prefix in `<…>`: `<@1>`, `<@!1>`, `<@&1>`, `<#1>`.
    pub(crate) fn mentioned(&self, prefixes: &[&str]) -> Vec<Snowflake> {
        let mut found = Vec::new();
        for piece in self.content.split('<').skip(1) {
            let Some((inside, _)) = piece.split_once('>') else { continue };
            let id = prefixes.iter().find_map(|prefix| inside.strip_prefix(prefix)?.parse().ok());
            if let Some(id) = id.filter(|id| !found.contains(id)) {
                found.push(id);
            }
        }
        found
    }
}

// === impl Attachment ===

impl Attachment {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "filename": self.filename, "size": self.bytes.len(), "url": self.url,
            "proxy_url": self.url, "content_type": self.content_type, "description": self.description,
        })
    }
}

// === impl Reaction ===

impl Reaction {
    pub(crate) fn emoji_json(&self) -> Value {
        match self.emoji.split_once(':') {
            Some((name, id)) => json!({"id": id, "name": name}),
            None => json!({"id": null, "name": self.emoji}),
        }
    }

    fn json(&self) -> Value {
        json!({
            "count": self.count, "count_details": {"burst": 0, "normal": self.count}, "me": self.me,
            "me_burst": false, "emoji": self.emoji_json(), "burst_colors": [], "burst_me": false, "burst_count": 0,
        })
    }
}

// === impl World ===

impl World {
    /// A message as REST shows it to the bot.
    pub(crate) fn message_json(&self, message: &Message) -> Value {
        self.message_json_with(message, true)
    }

    fn message_json_with(&self, message: &Message, follow: bool) -> Value {
        let author = self.users.get(&message.author).map(super::user::User::json);
        let users = message.mentioned(&["@!", "@"]);
        let mentions: Vec<Value> =
            users.iter().filter_map(|id| self.users.get(id)).map(super::user::User::json).collect();
        let mut json = json!({
            "id": message.id, "channel_id": message.channel_id, "author": author, "type": message.kind,
            "content": message.content, "timestamp": timestamp(message.id.unix_ms()),
            "edited_timestamp": message.edited_ms.map(timestamp), "tts": message.tts,
            "mention_everyone": message.content.contains("@everyone") || message.content.contains("@here"),
            "mentions": mentions, "mention_roles": message.mentioned(&["@&"]),
            "attachments": message.attachments.iter().map(Attachment::json).collect::<Vec<_>>(),
            "embeds": message.embeds, "components": message.components, "pinned": message.pinned,
            "flags": message.flags,
        });
        if !message.reactions.is_empty() {
            json["reactions"] = message.reactions.iter().map(Reaction::json).collect();
        }
        if !message.stickers.is_empty() {
            json["sticker_items"] = message
                .stickers
                .iter()
                .map(|s| json!({"id": s.id, "name": s.name, "format_type": 1}))
                .collect();
        }
        if message.webhook {
            json["webhook_id"] = json!(self.application.id);
            json["application_id"] = json!(self.application.id);
        }
        if let Some(nonce) = &message.nonce {
            json["nonce"] = nonce.clone();
        }
        if let Some(interaction) = &message.interaction {
            let user = self.users.get(&interaction.user).map(super::user::User::json);
            json["interaction_metadata"] = json!({
                "id": interaction.id, "type": interaction.kind, "user": user,
                "authorizing_integration_owners": {},
            });
            if let Some(target) = interaction.target {
                json["interaction_metadata"]["interacted_message_id"] = json!(target);
            }
            if let Some(name) = &interaction.name {
                json["interaction"] =
                    json!({"id": interaction.id, "type": interaction.kind, "name": name, "user": user});
            }
        }
        if let Some(thread) = message.thread.and_then(|id| self.channels.get(&id)) {
            json["thread"] = thread.json();
        }
        if let Some(target) = message.reply_to {
            let guild = self.channels.get(&message.channel_id).map(|channel| channel.guild);
            json["message_reference"] =
                json!({"type": 0, "message_id": target, "channel_id": message.channel_id, "guild_id": guild});
            if follow {
                let referenced = self.message(message.channel_id, target);
                json["referenced_message"] = referenced.map(|m| self.message_json_with(m, false)).into();
            }
        }
        if !self.shows_content(message) {
            blank(&mut json);
        }
        json
    }

    /// As the gateway dispatches it: with guild and member.
    pub(crate) fn message_event(&self, message: &Message) -> Value {
        let mut json = self.message_json(message);
        let Some(channel) = self.channels.get(&message.channel_id) else { return json };
        json["guild_id"] = json!(channel.guild);
        let member = self.guilds.get(&channel.guild).and_then(|guild| guild.members.get(&message.author));
        if let Some(member) = member {
            json["member"] = member.partial_json();
        }
        json
    }

    /// Without the privileged intent only what is the bot's own or mentions it is shown.
    pub(crate) fn shows_content(&self, message: &Message) -> bool {
        let bot = self.application.bot;
        self.application.privileged.message_content
            || message.author == bot
            || message.mentioned(&["@!", "@"]).contains(&bot)
    }
}

/// What a message looks like without the right to its content.
pub(crate) fn blank(message: &mut Value) {
    message["content"] = "".into();
    for list in ["embeds", "components", "attachments"] {
        message[list] = json!([]);
    }
}
