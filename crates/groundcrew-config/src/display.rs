//! How values are shown to people: short, harmless on a terminal, without passwords.

use crate::value::{Data, Value};

pub(crate) const REDACTED: &str = "[redacted]";
const LONGEST: usize = 120;

/// A value for tables; `secret` hides it whole.
pub(crate) fn shown(value: &Value, secret: bool) -> String {
    if secret {
        return REDACTED.into();
    }
    match &value.data {
        Data::Scalar(scalar) => text(&scalar.text),
        Data::List(items) => {
            let items: Vec<_> = items.iter().map(|item| shown(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Table(table) => {
            let keys: Vec<_> = table.keys().map(String::as_str).collect();
            format!("a table with {}", keys.join(", "))
        }
    }
}

/// Text without passwords of URLs, in quotes where its ends could not be seen otherwise.
pub(crate) fn text(text: &str) -> String {
    let text = shorten(&without_password(text));
    let plain = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    if plain { text } else { format!("\"{}\"", text.escape_debug()) }
}

/// Text for messages: always in quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shorten(&without_password(text)).escape_debug())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Replaces what may be a password: everything between the user's name and the last `@` of a URL.
fn without_password(text: &str) -> String {
    let Some(start) = text.find("://").map(|at| at + 3) else { return text.to_owned() };
    let Some(end) = text.rfind('@').filter(|end| *end > start) else { return text.to_owned() };
    match text[start..end].find(':') {
        Some(colon) => format!("{}***{}", &text[..=start + colon], &text[end..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_not_shown() {
        assert_eq!(text("postgres://me:pa/ss@w@host/db"), "postgres://me:***@host/db");
        assert_eq!(text("redis://:secret@host"), "redis://:***@host");
        assert_eq!(text("postgres://me@host:5432/db"), "postgres://me@host:5432/db");
    }

    #[test]
    fn text_whose_ends_cannot_be_seen_is_quoted() {
        assert_eq!(text(" a"), "\" a\"");
        assert_eq!(text(""), "\"\"");
        assert_eq!(text("\u{1b}[2J"), "\"\\u{1b}[2J\"");
    }
}
