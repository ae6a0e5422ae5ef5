//! The fields of `POST /summarize`, and all that is wrong with them.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::asked::{empty_range, invalid};
use super::wished::not_too_long;
use crate::order::Wish;
use crate::preferences::Preferences;
use crate::render::Rendering;
use crate::{Length, Perspective};

/// The longest `custom_prompt`, in characters.
pub(super) const LONGEST_PROMPT: usize = crate::models::LONGEST_WISH;
/// `max_length` counts characters: about so many to a word.
const CHARACTERS: u64 = 6;

/// `summary_type`, with the length and, if it says something of it, the perspective that it stands for.
pub(super) const TYPES: [(&str, Length, Option<Perspective>); 6] = [
    ("brief", Length::Brief, None),
    ("detailed", Length::Detailed, None),
    ("comprehensive", Length::Comprehensive, None),
    ("technical", Length::Detailed, Some(Perspective::Developer)),
    ("action_items", Length::Brief, None),
    ("executive", Length::Brief, Some(Perspective::Executive)),
];

/// `output_format`; JSON needs no rendering beside the summary itself.
pub(super) const FORMATS: [(&str, Option<Rendering>); 5] = [
    ("json", None),
    ("markdown", Some(Rendering::Markdown)),
    ("html", Some(Rendering::Html)),
    ("text", Some(Rendering::Text)),
    ("plain_text", Some(Rendering::Text)),
];

/// A payload whose fields are read one by one.
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    problems: Vec<(String, String)>,
}

/// What they say.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) guild_id: Option<String>,
    pub(super) channel_id: Option<String>,
    /// How many messages are in the payload itself.
    pub(super) messages: usize,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) exclude_users: Vec<String>,
    pub(super) threads: bool,
    /// How, where that is said.
    pub(super) preferences: Preferences,
    /// At most so many words.
    pub(super) most_words: Option<usize>,
    pub(super) output_format: &'static str,
    pub(super) rendering: Option<Rendering>,
    pub(super) technical_terms: bool,
    pub(super) action_items: bool,
    /// Who is told when it is made, or will not be.
    pub(super) webhook_url: Option<String>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn of(payload: &'a Value) -> Result<Self, Problem> {
        let members = payload.as_object().ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
                .detail("expected an object with `channel_id` or `messages`")
        })?;
        Ok(Self { members, problems: Vec::new() })
    }

    /// What they say, or one problem with all that is wrong.
    pub(super) fn check(mut self) -> Result<Form, Problem> {
        let (guild_id, channel_id) = (self.snowflake("guild_id"), self.snowflake("channel_id"));
        let messages = match self.value("messages") {
            None => None,
            Some(Value::Array(messages)) => Some(messages.len()),
            Some(_) => self.wrong("messages", "expected an array of messages"),
        };
        if messages.is_some() == self.value("channel_id").is_some() {
            self.wrong::<()>("channel_id", "expected `channel_id` or `messages`, and not both");
        }
        let kinds = TYPES.map(|(name, ..)| name);
        let kind = self.choice("summary_type", &kinds);
        let formats = FORMATS.map(|(name, _)| name);
        let format = self.choice("output_format", &formats).unwrap_or("json");
        let most = self.number("max_length", 100, 100_000).map(|characters| characters / CHARACTERS);
        let (since, until) = self.range();
        let temperature = self.temperature();
        let model = self.text("model", 100);
        let language = self.text("language", 35);
        let prompt = self.text("custom_prompt", usize::MAX);
        let threads = self.flag("include_threads", true);
        let include_bots = self.said("exclude_bots").map(|exclude| !exclude);
        let technical_terms = self.flag("include_technical_terms", true);
        let action_items = self.flag("include_action_items", true);
        let min_messages = self.number("min_messages", 0, 1_000_000);
        let exclude_users = self.names("exclude_users");
        let webhook_url = self.text("webhook_url", 2048);
        if let Some(problem) = invalid(&self.problems) {
            return Err(problem);
        }
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(empty_range("time_range.start", "time_range.end"));
        }
        not_too_long("custom_prompt", prompt.as_deref())?;
        let kind = TYPES.into_iter().find(|(name, ..)| Some(*name) == kind);
        let preferences = Preferences {
            length: kind.map(|(_, length, _)| length),
            perspective: kind.and_then(|(.., perspective)| perspective),
            min_messages,
            include_bots,
            wish: Wish { model, temperature, custom_prompt: prompt, language },
        };
        let (output_format, rendering) =
            FORMATS.into_iter().find(|(name, _)| *name == format).unwrap_or(FORMATS[0]);
        Ok(Form {
            guild_id,
            channel_id,
            messages: messages.unwrap_or_default(),
            since,
            until,
            exclude_users,
            threads,
            preferences,
            most_words: most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            output_format,
            rendering,
            technical_terms,
            action_items,
            webhook_url,
        })
    }

    /// `null` counts as not given.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, name: &str, words: &str) -> Option<T> {
        self.problems.push((name.to_owned(), words.to_owned()));
        None
    }

    fn snowflake(&mut self, name: &str) -> Option<String> {
        let text = match self.value(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        if (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(text);
        }
        self.wrong(name, "expected Discord's id: digits, as a string")
    }

    fn choice(&mut self, name: &str, choices: &[&'static str]) -> Option<&'static str> {
        let value = self.value(name)?;
        let chosen = choices.iter().copied().find(|choice| value == *choice);
        chosen.or_else(|| self.wrong(name, &format!("expected one of {}", choices.join(", "))))
    }

    fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let number = self.value(name)?.as_u64().filter(|number| (least..=most).contains(number));
        number.or_else(|| self.wrong(name, &format!("expected a whole number from {least} to {most}")))
    }

    fn flag(&mut self, name: &str, unless_given: bool) -> bool {
        self.said(name).unwrap_or(unless_given)
    }

    fn said(&mut self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        value.as_bool().or_else(|| self.wrong(name, "expected true or false"))
    }

    fn text(&mut self, name: &str, most: usize) -> Option<String> {
        match self.value(name)?.as_str() {
            Some(text) if text.len() <= most => Some(text.to_owned()),
            Some(_) => self.wrong(name, &format!("expected at most {most} bytes")),
            None => self.wrong(name, "expected a string"),
        }
    }

    fn names(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let names = value.as_array().map(|names| names.iter().map(|name| name.as_str().map(str::to_owned)));
        let names: Option<Vec<String>> = names.and_then(Iterator::collect);
        names.or_else(|| self.wrong(name, "expected an array of names or account ids")).unwrap_or_default()
    }

    fn temperature(&mut self) -> Option<f32> {
        let number = self.value("temperature")?.as_f64().filter(|number| (0.0..=2.0).contains(number));
        #[expect(clippy::cast_possible_truncation, reason = "a temperature needs no more")]
        let number = number.map(|number| number as f32);
        number.or_else(|| self.wrong("temperature", "expected a number from 0 to 2"))
    }

    fn range(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let Some(range) = self.value("time_range") else { return (None, None) };
        let Some(range) = range.as_object() else {
            self.wrong::<()>("time_range", "expected an object with `start` and `end`");
            return (None, None);
        };
        let mut bound = |name: &str| {
            let value = range.get(name).filter(|value| !value.is_null())?;
            let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            let field = format!("time_range.{name}");
            time.or_else(|| self.wrong(&field, "expected a time such as 2026-03-01T14:03:00Z"))
        };
        (bound("start"), bound("end"))
    }
}
