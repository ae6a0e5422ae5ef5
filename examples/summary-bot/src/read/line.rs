//! One line of a chat log, taken apart.

use super::times::{parse_clock, parse_full};
use crate::conversation::{Kind, When};

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) stamp: Option<When>,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) kind: Kind,
    /// Whether the shape is too plain to trust inside a log of another shape (`name: text`).
    pub(super) plain: bool,
}

/// Takes a line apart, or says that it is none of the known shapes (a continuation, then).
pub(super) fn parse(line: &str) -> Option<Line<'_>> {
    let trimmed = line.trim_start_matches('\u{feff}').trim_end();
    let (stamp, rest) = stamp_of(trimmed);
    let marked = stamp.is_some();
    if let Some(line) = notice(rest, stamp) {
        return Some(line);
    }
    if let Some(line) = angled(rest, stamp) {
        return Some(line);
    }
    if let Some(action) = rest.trim_start().strip_prefix("* ").filter(|_| marked) {
        let (name, text) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
        return Some(Line { stamp, name, text: text.trim(), kind: Kind::Action, plain: false });
    }
    let body = if marked { rest.trim_start().trim_start_matches("- ") } else { rest };
    colon(body, stamp)
}

/// `[14:03]`, `[2026-03-01 14:03:10]`, `14:03`, `2026-03-01 14:03`, `12/31/25, 14:03 -` at the front.
fn stamp_of(line: &str) -> (Option<When>, &str) {
    if let Some(inner) = line.strip_prefix('[') {
        let parts = inner.split_once(']').and_then(|(stamp, rest)| Some((Some(time_of(stamp)?), rest)));
        return parts.unwrap_or((None, line));
    }
    if !line.starts_with(|first: char| first.is_ascii_digit()) {
        return (None, line);
    }
    // The longest run of words at the front that is a time.
    let ends = line.char_indices().filter(|(_, letter)| letter.is_whitespace()).map(|(at, _)| at);
    ends.take(4)
        .filter_map(|end| time_of(line[..end].trim_end_matches(" -")).map(|when| (Some(when), &line[end..])))
        .last()
        .unwrap_or((None, line))
}

fn time_of(stamp: &str) -> Option<When> {
    parse_clock(stamp).map(When::Clock).or_else(|| parse_full(stamp))
}

/// `<name> text`, with a rank such as `<@name>` taken off.
fn angled(rest: &str, stamp: Option<When>) -> Option<Line<'_>> {
    let inner = rest.trim_start().strip_prefix('<')?;
    let (name, text) = inner.split_once('>')?;
    let name = name.trim().trim_start_matches(['@', '+', '%', '~', '&']);
    let fits = !name.is_empty() && name.len() <= 64 && !name.contains(['<', '/']);
    fits.then(|| Line { stamp, name, text: text.trim(), kind: Kind::Said, plain: false })
}

/// `=== x is now known as y`, `*** x has joined`, `--> x`, `-!- x`, `--- Log opened`.
fn notice(rest: &str, stamp: Option<When>) -> Option<Line<'_>> {
    const MARKS: [&str; 8] = ["=== ", "*** ", "--> ", "<-- ", "-->|", "<--|", "-!- ", "--- "];
    let rest = rest.trim_start();
    MARKS.iter().any(|mark| rest.starts_with(mark)).then_some(Line {
        stamp,
        name: "",
        text: rest,
        kind: Kind::Notice,
        plain: false,
    })
}

/// `name: text`. Names are short, begin with a letter, digit or @, and hold few words.
fn colon(body: &str, stamp: Option<When>) -> Option<Line<'_>> {
    let (name, text) = body.trim_start().split_once(':')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name.chars().count() <= 48
        && name.split_whitespace().count() <= 5
        && name.starts_with(|first: char| first.is_alphanumeric() || first == '@' || first == '_')
        && !name.contains(['{', '}', '"', '=', ';', '<', '>', '?', '!', '\t'])
        && !text.starts_with("//")
        && (text.is_empty() || text.starts_with(char::is_whitespace) || stamp.is_some());
    is_name.then(|| Line {
        stamp,
        name: name.trim_start_matches('@'),
        text: text.trim(),
        kind: Kind::Said,
        plain: stamp.is_none(),
    })
}
