use crate::Snowflake;
use crate::shared::Shared;
use crate::snowflake::now_ms;
use crate::world::message::{Attachment, Message, Reaction, Sticker};
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A message to be.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct MessageBuilder {
    shared: Arc<Shared>,
    message: Message,
    at: Option<u64>,
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
