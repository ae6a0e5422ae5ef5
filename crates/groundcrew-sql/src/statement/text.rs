//! The texts of statements.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, Error, SqlSafeStr, SqlStr};

use crate::sql_text::{Token, tokens};

/// How much of a statement an error shows, in characters.
const EXCERPT: usize = 120;

/// Nothing in it came from outside: it is put together of `&'static str`s and numbers.
pub(super) fn sql(text: Cow<'static, str>) -> SqlStr {
    match text {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

/// The highest number of a `$1`, `$2` … outside of quotes and comments.
pub(super) fn places(text: &str) -> usize {
    // Few statements have any of these, and every statement is counted.
    let hides = |pair: &[u8]| matches!(pair, b"--" | b"/*" | b"$$");
    if text.contains(['"', '`', '\\']) || text.as_bytes().windows(2).any(hides) {
        return places_of(&tokens(text));
    }
    let (mut highest, mut is_quoted) = (0, false);
    let mut parts = text.split_inclusive(['\'', '$']).peekable();
    while let Some(part) = parts.next() {
        if part.ends_with('\'') {
            is_quoted = !is_quoted;
        } else if let Some(next) = parts.peek().filter(|_| !is_quoted && part.ends_with('$')) {
            highest = highest.max(number(next));
        }
    }
    highest
}

/// As [`places`], of a text that was taken apart. A `$` and its number are two tokens.
fn places_of(tokens: &[Token<'_>]) -> usize {
    let places = tokens.windows(2).filter(|pair| pair[0].is_mark("$") && pair[0].start + 1 == pair[1].start);
    places.map(|pair| number(pair[1].text)).max().unwrap_or(0)
}

/// The number that a text begins with; 0 where it begins with none.
fn number(text: &str) -> usize {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}

/// What of a row does not read says which statement it is of.
pub(super) fn misread(error: Error, text: &str) -> Error {
    match error {
        Error::ColumnDecode { index, source } => {
            Error::ColumnDecode { index, source: format!("{source} (in {})", excerpt(text)).into() }
        }
        other => other,
    }
}

/// The beginning of a statement, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("`{} …`", &line[..end]),
        None => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_their_highest_number_outside_of_quotes() {
        for (text, number) in [
            ("SELECT 1", 0),
            ("SELECT $1, $2, $1", 2),
            ("SELECT json_extract(value, '$[0]'), '$9', $3", 3),
            ("SELECT 'it''s $7', $1", 1),
            ("SELECT $12::text", 12),
            ("SELECT $", 0),
            ("SELECT name -- the parcel's name\nFROM parcels WHERE id = $1", 1),
            ("SELECT $1 -- and not $5", 1),
            ("SELECT $1 /* its $5, /* and */ its ' */, $2::text", 2),
            ("SELECT \"it's $7\", $1", 1),
            ("SELECT `it's $7`, $1", 1),
            ("SELECT '--', '/* $9', $2", 2),
            ("SELECT $$it's $7$$, $1", 1),
            ("SELECT E'it\\'s $7', $1", 1),
            ("SELECT ARRAY[$1, $2] -- both", 2),
            ("SELECT name -- $", 0),
        ] {
            assert_eq!(places(text), number, "{text}");
        }
    }

    #[test]
    fn a_statement_is_shown_by_its_beginning() {
        assert_eq!(excerpt("SELECT 1,\n   2"), "`SELECT 1, 2`");
        let long = excerpt(&"SELECT 1 ".repeat(50));
        assert!(long.ends_with("…`") && long.len() < 200, "{long}");
    }
}
