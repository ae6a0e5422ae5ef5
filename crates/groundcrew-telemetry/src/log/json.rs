//! One JSON object per line.

use super::shape::{Shape, put_debug, put_string};
use std::fmt;
use tracing_core::Level;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Spells a line as one JSON object, for machines.
pub(crate) struct Json;

// === impl Json ===

impl Shape for Json {
    const IDS_FIRST: bool = true;

    fn tag(&self) -> u8 {
        1
    }

    fn open(&self, line: &mut Vec<u8>, stamp: &[u8], level: Level, target: &str) {
        line.extend_from_slice(b"{\"timestamp\":\"");
        line.extend_from_slice(stamp);
        line.extend_from_slice(b"\",\"level\":\"");
        line.extend_from_slice(level.as_str().as_bytes());
        line.extend_from_slice(b"\",\"target\":\"");
        escape(line, target);
        line.push(b'"');
    }

    fn message(&self, line: &mut Vec<u8>, message: &dyn fmt::Debug) {
        line.extend_from_slice(b",\"message\":");
        self.debug(line, message);
    }

    fn key(&self, line: &mut Vec<u8>, name: &str) {
        line.extend_from_slice(b",\"");
        if is_ours(name) {
            line.extend_from_slice(b"field.");
        }
        escape(line, name);
        line.extend_from_slice(b"\":");
    }

    fn own_key(&self, line: &mut Vec<u8>, name: &str) {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(name.as_bytes());
        line.extend_from_slice(b"\":");
    }

    fn id(&self, line: &mut Vec<u8>, name: &str, value: &[u8]) {
        self.own_key(line, name);
        line.push(b'"');
        line.extend_from_slice(value);
        line.push(b'"');
    }

    fn string(&self, line: &mut Vec<u8>, value: &str) {
        line.push(b'"');
        put_string(line, value, escape);
        line.push(b'"');
    }

    fn debug(&self, line: &mut Vec<u8>, value: &dyn fmt::Debug) {
        line.push(b'"');
        put_debug(line, value, escape);
        line.push(b'"');
    }

    fn close(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(b"}\n");
    }
}

/// Keys that a field of the same name would double.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "timestamp" | "level" | "target" | "message" | "service" | "request_id" | "trace_id" | "span_id"
    )
}

/// Appends `text` with what JSON wants escaped; whether there may be a colon in it.
pub(crate) fn escape(line: &mut Vec<u8>, text: &str) -> bool {
    let (special, colon) = scan(text.as_bytes());
    if special {
        escape_bytes(line, text.as_bytes());
    } else {
        line.extend_from_slice(text.as_bytes());
    }
    colon
}

#[cold]
fn escape_bytes(line: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'"' => line.extend_from_slice(b"\\\""),
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            control @ 0..b' ' => {
                line.extend_from_slice(b"\\u00");
                line.push(HEX[usize::from(control >> 4)]);
                line.push(HEX[usize::from(control & 15)]);
            }
            plain => line.push(*plain),
        }
    }
}

/// Whether any byte wants an escape, and whether one is a colon; eight at a time.
fn scan(bytes: &[u8]) -> (bool, bool) {
    let (mut special, mut colon) = (0, 0);
    let mut look = |word: u64| {
        special |= below_space(word) | equal(word, b'"') | equal(word, b'\\');
        colon |= equal(word, b':');
    };
    if let Some(last) = bytes.last_chunk::<8>() {
        bytes.as_chunks::<8>().0.iter().for_each(|word| look(u64::from_le_bytes(*word)));
        // Some bytes are seen twice, which does no harm.
        look(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        look(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    } else {
        for byte in bytes {
            look(ONES * u64::from(*byte));
        }
    }
    (special != 0, colon != 0)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// Not zero if a byte of the word equals `byte`.
fn equal(word: u64, byte: u8) -> u64 {
    let zero_where_equal = word ^ (ONES * u64::from(byte));
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGHS
}

/// Not zero if a byte of the word is below a space.
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(ONES * u64::from(b' ')) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::escape;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_reads_back_the_same(text: String) {
            let mut line = vec![b'"'];
            let colon = escape(&mut line, &text);
            line.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&line).expect("JSON"), &*text);
            prop_assert_eq!(colon, text.contains(':'));
        }

        #[test]
        fn text_full_of_controls_and_quotes_reads_back_the_same(text in "[\\x00-\\x22\\\\a:é\u{7f}]{0,40}") {
            let mut line = vec![b'"'];
            escape(&mut line, &text);
            line.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&line).expect("JSON"), text);
        }
    }
}
