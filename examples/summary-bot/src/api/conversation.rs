//! From the body of a request to a conversation.

use std::fmt;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::read::{ReadError, read};
use crate::{Collector, Conversation, Filter};

/// What stands around the messages of a body.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) options: Option<Value>,
    pub(crate) title: Option<String>,
}

/// Reads what stands around the messages, and makes sure that a JSON body is JSON to its end.
pub(crate) fn envelope(body: &[u8], is_json: bool) -> Result<Envelope, Problem> {
    let begins_as_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    match (is_json, begins_as_json) {
        // A log may begin with a bracket: `[14:03] <anna> hello`.
        (false, _) => Ok(parse(body).unwrap_or_default()),
        (true, _) => parse(body).map_err(|error| Problem::from_json(&error, None)),
    }
}

fn parse(body: &[u8]) -> serde_json::Result<Envelope> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let envelope = deserializer.deserialize_any(Around)?;
    deserializer.end()?;
    Ok(envelope)
}

struct Around;

impl<'de> Visitor<'de> for Around {
    type Value = Envelope;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `messages`, or an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Envelope, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Envelope::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        let mut channel = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "options" => envelope.options = Some(map.next_value()?),
                "title" => envelope.title = map.next_value::<Option<String>>()?,
                "channel" => channel = Some(map.next_value::<Value>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let name = channel.as_ref().and_then(|channel| channel.get("name")?.as_str());
        envelope.title = envelope.title.or_else(|| name.map(|name| format!("#{name}")));
        Ok(envelope)
    }
}

/// Reads the messages of a body.
pub(crate) fn messages(body: &[u8], filter: Filter, most: u64) -> Result<Conversation, Problem> {
    let mut collector = Collector::new(filter);
    let mut seen: u64 = 0;
    read(body, "", &mut |message| {
        seen += 1;
        if seen <= most {
            collector.push(message);
        }
    })
    .map_err(refused)?;
    bounded(seen, most)?;
    Ok(collector.finish())
}

/// How many messages a body has.
pub(crate) fn count(body: &[u8], most: u64) -> Result<u64, Problem> {
    let mut seen: u64 = 0;
    read(body, "", &mut |_| seen += 1).map_err(refused)?;
    bounded(seen, most)
}

fn bounded(seen: u64, most: u64) -> Result<u64, Problem> {
    if seen <= most {
        return Ok(seen);
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "TOO_MANY_MESSAGES")
        .detail(format!("the conversation has {seen} messages, and at most {most} are summarised at once"))
        .with("messages", seen)
        .with("maximum", most))
}

fn refused(error: ReadError) -> Problem {
    let words = error.to_string();
    match error {
        ReadError::Json { line, column, field, .. } => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words);
            let problem = problem.with("line", line).with("column", column);
            if field.is_empty() { problem } else { problem.with("field", field) }
        }
        ReadError::NotALog { line, .. } => {
            Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words).with("line", line)
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words),
    }
}
