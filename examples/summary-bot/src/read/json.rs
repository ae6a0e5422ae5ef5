//! JSON exports and arrays, streamed: one message is in memory at a time.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bytewise::Bytewise;
use super::raw::{MessageSeed, Path};
use super::{Format, ReadError};
use crate::conversation::Message;

/// The keys under which exports keep their messages.
const LISTS: [&str; 4] = ["messages", "meeting_transcripts", "conversation", "transcript"];

pub(super) fn read(
    source: impl Read,
    prefix: &str,
    sink: &mut dyn FnMut(Message),
) -> Result<Format, ReadError> {
    let path = Path::default();
    let mut deserializer = serde_json::Deserializer::from_reader(Bytewise::new(source));
    let document = Document { path: &path, prefix, sink };
    let format = document.deserialize(&mut deserializer).map_err(|error| explain(error, &path))?;
    deserializer.end().map_err(|error| explain(error, &path))?;
    Ok(format)
}

fn explain(error: serde_json::Error, path: &Path) -> ReadError {
    let (line, column) = (error.line(), error.column());
    if error.is_io() {
        return ReadError::Io(error.into());
    }
    let said = error.to_string();
    let problem = said.rsplit_once(" at line ").map_or(said.as_str(), |(problem, _)| problem).to_owned();
    ReadError::Json { line, column, field: path.written(), problem }
}

struct Document<'a> {
    path: &'a Path,
    prefix: &'a str,
    sink: &'a mut dyn FnMut(Message),
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Format;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Format, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Format;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `messages`, or an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Format, A::Error> {
        Messages { path: self.path, prefix: self.prefix, sink: self.sink }.visit_seq(list)?;
        Ok(Format::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Format, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if !found && LISTS.contains(&key.as_str()) {
                found = true;
                let list = Messages { path: self.path, prefix: self.prefix, sink: &mut *self.sink };
                let taken = map.next_value_seed(list);
                self.path.within(|| key, taken)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found {
            return Ok(Format::Export);
        }
        Err(A::Error::custom("missing `messages`: expected an export with an array `messages`"))
    }
}

struct Messages<'a> {
    path: &'a Path,
    prefix: &'a str,
    sink: &'a mut dyn FnMut(Message),
}

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0_u64.. {
            let fallback_id = format!("{}{}", self.prefix, index + 1);
            let element = list.next_element_seed(MessageSeed { path: self.path, fallback_id });
            let Some(message) = self.path.within(|| format!("[{index}]"), element)? else { break };
            (self.sink)(message);
        }
        Ok(())
    }
}
