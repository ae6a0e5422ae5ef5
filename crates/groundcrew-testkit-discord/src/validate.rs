//! Discord's own examination of what bots send.

pub(crate) mod command;
pub(crate) mod component;
pub(crate) mod message;

use crate::error::Problems;
use serde_json::Value;

/// The characters of a text, as Discord counts them.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text field's length, if it is there; anything else than a text is a problem.
fn text<'v>(
    problems: &mut Problems,
    path: &[&str],
    value: &'v Value,
    allowed: std::ops::RangeInclusive<usize>,
) -> Option<&'v str> {
    match value {
        Value::Null => None,
        Value::String(text) => {
            problems.length(path, length(text), allowed);
            Some(text)
        }
        _ => {
            problems.add(path, "STRING_TYPE_CONVERT", "Could not interpret as string.");
            None
        }
    }
}

/// The same, of a field that has to be there.
fn required_text<'v>(
    problems: &mut Problems,
    path: &[&str],
    value: &'v Value,
    allowed: std::ops::RangeInclusive<usize>,
) -> Option<&'v str> {
    if value.is_null() {
        problems.required(path);
        return None;
    }
    text(problems, path, value, allowed)
}

/// A path one step longer.
fn below<'p>(path: &[&'p str], step: &'p str) -> Vec<&'p str> {
    let mut path = path.to_vec();
    path.push(step);
    path
}
