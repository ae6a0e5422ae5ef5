//! Readers: they stream messages out of exports and logs, one at a time, whatever the size of the input.

mod bytewise;
mod json;
mod line;
mod lines;
mod raw;
mod text;
mod times;
mod values;

use std::io::BufRead;

use crate::conversation::Message;

pub use times::{Moment, parse_moment};

/// What a source turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object with `messages` (`DiscordChatExporter`) or `meeting_transcripts`.
    Export,
    /// A JSON array of messages.
    Array,
    /// A text log.
    Log,
}

/// Why a source could not be read. `Display` says where, what is wrong and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read: {0}")]
    Io(#[source] std::io::Error),
    /// JSON that is not well-formed, or not a conversation.
    #[error("line {line}, column {column}{}: {problem}", at_field(field))]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Such as `messages[3].author.name`; empty at the top.
        field: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A text with no line that looks like a message.
    #[error("line {line}: expected `[14:03] <name> text` or `name: text`, found {found}")]
    NotALog {
        /// The first line that is not blank, from 1.
        line: u64,
        /// Its beginning, quoted and made printable.
        found: String,
    },
    /// Nothing but white space.
    #[error("the input is empty: expected a JSON export, a JSON array of messages, or a chat log")]
    Empty,
}

fn at_field(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(", field `{field}`") }
}

/// Streams every message of `source` into `sink`, in the order of the input.
///
/// The format is told by the first bytes. Ids that a source does not give are made from `prefix` and the line
/// (`L12`) or the position (`12`).
///
/// ```
/// let mut texts = Vec::new();
/// summary_bot::read::read("anna: hello\nben: hi".as_bytes(), "", &mut |message| texts.push(message.text))?;
/// assert_eq!(texts, ["hello", "hi"]);
/// # Ok::<(), summary_bot::read::ReadError>(())
/// ```
pub fn read(
    mut source: impl BufRead,
    prefix: &str,
    sink: &mut dyn FnMut(Message),
) -> Result<Format, ReadError> {
    let head = Head::of(&mut source)?;
    let whole = std::io::Read::chain(std::io::Cursor::new(head.bytes.clone()), source);
    match head.guess() {
        Guess::Empty => Err(ReadError::Empty),
        Guess::Json => json::read(whole, prefix, sink),
        Guess::Text => text::read(whole, prefix, sink).map(|()| Format::Log),
    }
}

/// The first bytes of a source: enough to tell JSON from a log.
struct Head {
    bytes: Vec<u8>,
    exhausted: bool,
}

enum Guess {
    Empty,
    Json,
    Text,
}

impl Head {
    /// White space to skip at most before the first visible byte counts as "not JSON".
    const LIMIT: usize = 64 * 1024;

    fn of(source: &mut impl BufRead) -> Result<Self, ReadError> {
        let mut head = Self { bytes: Vec::new(), exhausted: false };
        while head.visible().len() < 2 && head.bytes.len() < Self::LIMIT {
            let chunk = match source.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ReadError::Io(error)),
            };
            if chunk.is_empty() {
                head.exhausted = true;
                break;
            }
            let taken = chunk.len().min(4096);
            head.bytes.extend_from_slice(&chunk[..taken]);
            source.consume(taken);
        }
        if head.bytes.starts_with(BYTE_ORDER_MARK) {
            head.bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(head)
    }

    /// The visible bytes, white space left out.
    fn visible(&self) -> Vec<u8> {
        let bytes = self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes);
        bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(2).collect()
    }

    /// `[14:03]` begins a log and `[{` an array: the byte after the bracket tells.
    fn guess(&self) -> Guess {
        match self.visible().as_slice() {
            [] if self.exhausted => Guess::Empty,
            [b'{', ..] | [b'['] | [b'[', b'{' | b']' | b'"' | b'['] => Guess::Json,
            _ => Guess::Text,
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
