//! A message as JSON writers shape it: the names differ, the parts are the same.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::times::parse_full;
use super::values::{Counted, Reference, scalar};
use crate::conversation::{Author, Kind, Message, When};

/// Where in the document an error arose: filled from the inside out while the error unwinds the reader, so that a
/// document without errors pays nothing for it.
#[derive(Default)]
pub(super) struct Path(RefCell<Vec<String>>);

impl Path {
    /// Notes that the failing value lay under `part`.
    pub(super) fn within<T, E>(&self, part: impl FnOnce() -> String, result: Result<T, E>) -> Result<T, E> {
        result.inspect_err(|_| self.0.borrow_mut().push(part()))
    }

    /// `messages[3].author.name`
    pub(super) fn written(&self) -> String {
        let mut written = String::new();
        for part in self.0.borrow().iter().rev() {
            if !part.starts_with('[') && !written.is_empty() {
                written.push('.');
            }
            written.push_str(part);
        }
        written
    }
}

/// Reads one message.
pub(super) struct MessageSeed<'a> {
    pub(super) path: &'a Path,
    pub(super) fallback_id: String,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Message, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = Message;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message object with `author` and `content`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<String>()? {
            let taken = parts.take(&key, &mut map, self.path);
            self.path.within(|| key, taken)?;
        }
        parts.into_message(self.fallback_id).map_err(A::Error::custom)
    }
}

#[derive(Default)]
struct Parts {
    id: Option<String>,
    author: Option<Author>,
    bot: bool,
    text: Option<String>,
    time: Option<When>,
    kind: Option<String>,
    reply_to: Option<String>,
    reactions: u32,
    attachments: u32,
}

impl Parts {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, path: &Path) -> Result<(), A::Error> {
        match key {
            "id" | "message_id" | "messageId" => self.id = scalar(map)?,
            "content" | "text" | "message" | "body" => {
                let text = map.next_value::<Option<String>>()?;
                self.text = self.text.take().filter(|known| !known.is_empty()).or(text);
            }
            "author" | "speaker" | "sender" | "user" | "username" | "name" | "from" => {
                let author = map.next_value_seed(AuthorSeed { path })?;
                self.author = self.author.take().or(author);
            }
            "timestamp" | "time" | "date" | "ts" | "created_at" | "createdAt" => {
                let text = scalar(map)?;
                self.time = self.time.or(time_of(text.as_deref()).map_err(A::Error::custom)?);
            }
            "type" => self.kind = scalar(map)?,
            "isBot" | "is_bot" | "bot" => self.bot = map.next_value::<Option<bool>>()?.unwrap_or(false),
            "reply_to" | "replyTo" | "in_reply_to" => self.reply_to = scalar(map)?,
            "reference" => self.reply_to = map.next_value_seed(Reference)?,
            "reactions" => self.reactions = map.next_value_seed(Counted("count"))?,
            "attachments" => self.attachments = map.next_value_seed(Counted(""))?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn into_message(self, fallback_id: String) -> Result<Message, String> {
        let text = match (self.text, self.attachments) {
            (Some(text), _) => text,
            (None, 1..) => String::new(),
            (None, 0) => return Err("missing `content` (or `text`): expected the message's text".to_owned()),
        };
        let mut author =
            self.author.ok_or("missing `author` (or `speaker`, `name`): expected who wrote the message")?;
        author.bot |= self.bot;
        let said = self.kind.as_deref().is_none_or(|kind| SAID.contains(&kind));
        let kind = if said { Kind::Said } else { Kind::Notice };
        Ok(Message {
            id: self.id.unwrap_or(fallback_id),
            author,
            time: self.time,
            text,
            reply_to: self.reply_to,
            reactions: self.reactions,
            attachments: self.attachments,
            kind,
        })
    }
}

/// Discord's types for what people write (by name in exports, by number in the API), and common plain ones.
const SAID: [&str; 9] = ["Default", "Reply", "default", "reply", "message", "text", "0", "19", "20"];

fn time_of(text: Option<&str>) -> Result<Option<When>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if let Ok(number) = text.parse::<f64>() {
        // Seconds stay below this until the year 5138; milliseconds are above it since 1973.
        let seconds = if number.abs() >= 1e11 { number / 1000.0 } else { number };
        #[allow(clippy::cast_possible_truncation)]
        // Saturates, and the next line refuses what is out of range.
        let timestamp = jiff::Timestamp::from_second(seconds as i64);
        return timestamp.map(|at| Some(When::At(at))).map_err(|_| format!("time {text} is out of range"));
    }
    if let Some(seconds) = super::times::parse_clock(text) {
        return Ok(Some(When::Clock(seconds)));
    }
    match parse_full(text) {
        Some(when) => Ok(Some(when)),
        None => {
            Err(format!("expected a time such as 2026-03-01T14:03:00Z or seconds since 1970, found {text:?}"))
        }
    }
}

/// `"anna"`, or `{"name": …, "nickname": …, "id": …, "isBot": …}`.
struct AuthorSeed<'a> {
    path: &'a Path,
}

impl<'de> DeserializeSeed<'de> for AuthorSeed<'_> {
    type Value = Option<Author>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AuthorSeed<'_> {
    type Value = Option<Author>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name, or an object with `name`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Some(Author { name: name.trim().to_owned(), id: name.trim().to_owned(), bot: false }))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut shown, mut id, mut bot): (_, Option<String>, Option<String>, _) =
            (None, None, None, false);
        while let Some(key) = map.next_key::<String>()? {
            let taken = match key.as_str() {
                "name" | "username" => scalar(&mut map).map(|text| name = text),
                "nickname" | "global_name" | "display_name" | "displayName" => scalar(&mut map)
                    .map(|text| shown = text.filter(|text| !text.trim().is_empty()).or(shown.take())),
                "id" => scalar(&mut map).map(|text| id = text),
                "isBot" | "is_bot" | "bot" => {
                    map.next_value::<Option<bool>>().map(|is_bot| bot = is_bot.unwrap_or(false))
                }
                _ => map.next_value::<IgnoredAny>().map(|_| ()),
            };
            self.path.within(|| key, taken)?;
        }
        let Some(name) = shown.or(name).or_else(|| id.clone()) else {
            return Err(A::Error::custom("missing `name`: expected who wrote the message"));
        };
        Ok(Some(Author { id: id.unwrap_or_else(|| name.clone()), name: name.trim().to_owned(), bot }))
    }
}
