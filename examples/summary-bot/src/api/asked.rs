//! The options of a request, from its body and its query: all that is wrong with them at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use serde_json::{Value, json};

use super::wished::{WISHES, not_too_long};
use crate::document::Asked;
use crate::models::ModelNames;
use crate::order::Wish;
use crate::read::{Moment, parse_moment};
use crate::{Filter, Length, Options, Perspective};

/// Every option, as it may stand in `options` or in the query.
const NAMES: [&str; 8] =
    ["length", "words", "perspective", "since", "until", "exclude_users", "include_bots", "min_messages"];

/// The most words that may be asked for.
pub(crate) const MAX_WORDS: u64 = 100_000;

/// Options that make sense.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) filter: Filter,
    pub(crate) options: Options,
    pub(crate) asked: Asked,
    pub(crate) wish: Wish,
}

/// Options as they were given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Each with its field as a problem names it: `options.words` in a body, `words` in a query.
    values: BTreeMap<String, (String, Value)>,
    problems: Vec<(String, String)>,
}

// === impl Given ===

impl Given {
    /// The member `options` of a body.
    pub(crate) fn in_body(options: Option<Value>) -> Self {
        let mut given = Self::default();
        match options {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => {
                let named = values
                    .into_iter()
                    .map(|(name, value)| (name.clone(), (format!("options.{name}"), value)));
                given.values = named.collect();
            }
            Some(other) => {
                let words = format!("expected an object, found {}", kind(&other));
                given.problems.push(("options".to_owned(), words));
            }
        }
        given
    }

    /// The parameters of a query. Several `exclude_users` are one list; `since=` is not given.
    pub(crate) fn in_query(pairs: Vec<(String, String)>) -> Self {
        let mut given = Self::default();
        for (name, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
            let value = match name.as_str() {
                "exclude_users" => {
                    let more = text.split(',').map(|user| Value::from(user.trim()));
                    let known = given.values.remove(&name);
                    let known = known.iter().filter_map(|(_, users)| users.as_array()).flatten().cloned();
                    let all = known.chain(more);
                    all.filter(|user| user != "").collect()
                }
                "temperature" => text.parse::<f64>().map_or_else(|_| text.into(), Value::from),
                "include_bots" => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
                "words" | "min_messages" => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
                _ => Value::from(text),
            };
            if given.values.insert(name.clone(), (name.clone(), value)).is_some() {
                given.problems.push((name, "given more than once".to_owned()));
            }
        }
        given
    }

    /// The options of both, each of which may be given in one place only.
    pub(crate) fn and(mut self, query: Self) -> Self {
        self.problems.extend(query.problems);
        for (name, value) in query.values {
            match self.values.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(there) => {
                    self.problems
                        .push((there.key().clone(), "given in the body and in the query".to_owned()));
                }
            }
        }
        self
    }

    /// The options, or one problem that says all that is wrong.
    pub(crate) fn check(mut self, models: &ModelNames) -> Result<Wanted, Problem> {
        let words = self.number("words", 1, MAX_WORDS);
        let length = self.choice("length", &["brief", "detailed", "comprehensive"]);
        if words.is_some() && length.is_some() {
            self.wrong("words", "expected `length` or `words`, found both");
        }
        let perspectives = Perspective::ALL.map(|(name, _)| name);
        let perspective = self.choice("perspective", &perspectives).unwrap_or("general");
        let (since, since_text) = self.moment("since");
        let (until, until_text) = self.moment("until");
        let exclude = self.names("exclude_users");
        let bots = self.flag("include_bots");
        let min_messages = self.number("min_messages", 0, 1_000_000).unwrap_or(5);
        let wish = self.wish(models);
        let names = [&NAMES[..], &WISHES].concat();
        for (field, _) in
            self.values.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(_, it)| it)
        {
            let words = format!("there is no such option; there are {}", names.join(", "));
            self.problems.push((field.clone(), words));
        }
        if let Some(problem) = invalid(&self.problems) {
            return Err(problem);
        }
        not_too_long("options.custom_prompt", wish.custom_prompt.as_deref())?;
        if let (Some(Moment::At(since)), Some(Moment::At(until))) = (since, until)
            && since > until
        {
            return Err(empty_range("since", "until"));
        }
        let (name, length) = match (words, length) {
            (Some(words), _) => ("custom", Length::Words(usize::try_from(words).unwrap_or(usize::MAX))),
            (None, Some("brief")) => ("brief", Length::Brief),
            (None, Some("comprehensive")) => ("comprehensive", Length::Comprehensive),
            (None, _) => ("detailed", Length::Detailed),
        };
        let view = Perspective::ALL.into_iter().find(|(known, _)| *known == perspective);
        let asked = Asked {
            length: name.to_owned(),
            words: length.words(),
            perspective: perspective.to_owned(),
            language: wish.language.clone(),
            since: since_text,
            until: until_text,
            exclude_users: exclude.clone(),
            include_bots: bots,
            min_messages,
        };
        Ok(Wanted {
            filter: Filter { since, until, exclude, bots },
            options: Options {
                length,
                perspective: view.map_or_else(Perspective::default, |(_, it)| it),
                min_messages,
            },
            asked,
            wish,
        })
    }

    /// The value of an option; `null` counts as not given.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.values.get(name).map(|(_, value)| value.clone()).filter(|value| !value.is_null())
    }

    pub(super) fn wrong(&mut self, name: &str, words: impl Into<String>) {
        let field = self.values.get(name).map_or_else(|| name.to_owned(), |(field, _)| field.clone());
        self.problems.push((field, words.into()));
    }

    fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(name)?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(
                name,
                format!("expected a whole number from {least} to {most}, found {}", found(&value)),
            );
        }
        number
    }

    fn choice<'a>(&mut self, name: &str, choices: &[&'a str]) -> Option<&'a str> {
        let value = self.value(name)?;
        let chosen = choices.iter().copied().find(|choice| value == *choice);
        if chosen.is_none() {
            self.wrong(name, format!("expected one of {}, found {}", choices.join(", "), found(&value)));
        }
        chosen
    }

    fn moment(&mut self, name: &str) -> (Option<Moment>, Option<String>) {
        let Some(value) = self.value(name) else { return (None, None) };
        let parsed = match &value {
            Value::String(text) => parse_moment(text).map(|moment| (Some(moment), Some(text.clone()))),
            other => Err(format!("expected a time such as 2026-03-01T14:03:00Z, found {}", found(other))),
        };
        parsed.unwrap_or_else(|words| {
            self.wrong(name, words);
            (None, None)
        })
    }

    fn names(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let users = value.as_array().map(|users| users.iter().map(|user| user.as_str().map(str::to_owned)));
        users.and_then(Iterator::collect).unwrap_or_else(|| {
            let words = format!("expected an array of names or account ids, found {}", found(&value));
            self.wrong(name, words);
            Vec::new()
        })
    }

    fn flag(&mut self, name: &str) -> bool {
        let Some(value) = self.value(name) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(name, format!("expected true or false, found {}", found(&value)));
            false
        })
    }
}

/// One problem for all fields that are wrong; `None` if none is.
pub(crate) fn invalid(fields: &[(String, String)]) -> Option<Problem> {
    let (field, words) = fields.first()?;
    let errors: Vec<Value> =
        fields.iter().map(|(field, detail)| json!({"field": field, "detail": detail})).collect();
    let problem = Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST");
    Some(problem.detail(format!("`{field}`: {words}")).with("field", field.clone()).with("errors", errors))
}

/// A range in which nothing can lie.
pub(crate) fn empty_range(from: &str, to: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_TIME_RANGE")
        .detail(format!("`{from}` must lie before `{to}`"))
        .with("field", from)
}

/// The value itself where it is short, else what sort of value it is.
fn found(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 60 { text } else { kind(value).to_owned() }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
