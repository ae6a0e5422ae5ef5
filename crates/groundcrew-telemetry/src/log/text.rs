//! Lines for people: time, level, target, message, then the fields and ids.

use super::shape::{Shape, put_debug, put_string};
use std::fmt::{self, Write};
use tracing_core::Level;

const DIM: &[u8] = b"\x1b[2m";
const PLAIN: &[u8] = b"\x1b[0m";

/// Spells a line for people, in colour if wanted.
pub(crate) struct Text {
    pub(crate) colour: bool,
}

// === impl Text ===

impl Text {
    fn dim(&self, line: &mut Vec<u8>, text: &[u8]) {
        self.painted(line, DIM, text);
    }

    fn painted(&self, line: &mut Vec<u8>, paint: &[u8], text: &[u8]) {
        if self.colour {
            line.extend_from_slice(paint);
        }
        line.extend_from_slice(text);
        if self.colour {
            line.extend_from_slice(PLAIN);
        }
    }
}

impl Shape for Text {
    const IDS_FIRST: bool = false;

    fn tag(&self) -> u8 {
        2 + u8::from(self.colour)
    }

    fn open(&self, line: &mut Vec<u8>, stamp: &[u8], level: Level, target: &str) {
        self.dim(line, stamp);
        let (paint, name): (&[u8], &[u8]) = match level {
            Level::ERROR => (b"\x1b[1;31m", b" ERROR "),
            Level::WARN => (b"\x1b[33m", b"  WARN "),
            Level::INFO => (b"\x1b[32m", b"  INFO "),
            Level::DEBUG => (b"\x1b[34m", b" DEBUG "),
            Level::TRACE => (b"\x1b[35m", b" TRACE "),
        };
        self.painted(line, paint, name);
        if self.colour {
            line.extend_from_slice(DIM);
        }
        escape(line, target);
        line.push(b':');
        if self.colour {
            line.extend_from_slice(PLAIN);
        }
    }

    fn message(&self, line: &mut Vec<u8>, message: &dyn fmt::Debug) {
        line.push(b' ');
        put_debug(line, message, escape_message);
    }

    fn key(&self, line: &mut Vec<u8>, name: &str) {
        line.push(b' ');
        if self.colour {
            line.extend_from_slice(DIM);
        }
        escape(line, name);
        line.push(b'=');
        if self.colour {
            line.extend_from_slice(PLAIN);
        }
    }

    fn own_key(&self, line: &mut Vec<u8>, name: &str) {
        self.key(line, name);
    }

    fn id(&self, line: &mut Vec<u8>, name: &str, value: &[u8]) {
        self.own_key(line, name);
        line.extend_from_slice(value);
    }

    fn string(&self, line: &mut Vec<u8>, value: &str) {
        let ambiguous = |c: char| c.is_whitespace() || matches!(c, '"' | '=');
        if value.is_empty() || value.contains(ambiguous) {
            line.push(b'"');
            put_string(line, value, escape_quoted);
            line.push(b'"');
        } else {
            put_string(line, value, escape);
        }
    }

    fn debug(&self, line: &mut Vec<u8>, value: &dyn fmt::Debug) {
        put_debug(line, value, escape);
    }

    fn close(&self, line: &mut Vec<u8>) {
        line.push(b'\n');
    }
}

/// Appends `text` so that nothing in it moves the cursor or begins a line.
fn escape(line: &mut Vec<u8>, text: &str) -> bool {
    escape_with(line, text, |_| None)
}

/// As `escape`, between quotes.
fn escape_quoted(line: &mut Vec<u8>, text: &str) -> bool {
    escape_with(line, text, |c| match c {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        _ => None,
    })
}

/// A message may have several lines: the others are set in, so that none can pass for a line of its own.
fn escape_message(line: &mut Vec<u8>, text: &str) -> bool {
    escape_with(line, text, |c| match c {
        '\n' => Some("\n    "),
        '\t' => Some("\t"),
        _ => None,
    })
}

fn escape_with(line: &mut Vec<u8>, text: &str, special: impl Fn(char) -> Option<&'static str>) -> bool {
    for c in text.chars() {
        if let Some(replacement) = special(c) {
            line.extend_from_slice(replacement.as_bytes());
        } else if c.is_control() {
            let mut hex = String::new();
            // Writing to a string does not fail.
            let _ = write!(hex, "{}", c.escape_default());
            line.extend_from_slice(hex.as_bytes());
        } else {
            line.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::{Text, escape_message};
    use crate::log::shape::Shape;

    fn value(text: &str) -> String {
        let mut line = Vec::new();
        Text { colour: false }.string(&mut line, text);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn values_are_quoted_only_where_they_would_be_ambiguous() {
        assert_eq!(value("/hello/{id}"), "/hello/{id}");
        assert_eq!(value("two words"), "\"two words\"");
        assert_eq!(value("a\"b"), "\"a\\\"b\"");
        assert_eq!(value(""), "\"\"");
    }

    #[test]
    fn controls_of_a_terminal_are_spelt_out() {
        assert_eq!(value("\u{1b}[2Jx\u{9b}1m\r"), "\"\\u{1b}[2Jx\\u{9b}1m\\r\"");
    }

    #[test]
    fn the_second_line_of_a_message_is_set_in() {
        let mut line = Vec::new();
        escape_message(&mut line, "one\n2026-11-21 forged");
        assert_eq!(line, b"one\n    2026-11-21 forged");
    }
}
