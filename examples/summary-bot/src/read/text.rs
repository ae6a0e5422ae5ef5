//! Chat logs in text: `[14:03] <name> text`, `name: text`, and what lies between them.

use std::io::BufRead;

use super::ReadError;
use super::line::{self, Line};
use super::lines::next_line;
use crate::conversation::{Author, Kind, Message, When};

/// A message may run over many lines; text beyond this many bytes is dropped.
const MESSAGE_LIMIT: usize = 256 * 1024;

pub(super) fn read(
    mut source: impl BufRead,
    prefix: &str,
    sink: &mut dyn FnMut(Message),
) -> Result<(), ReadError> {
    let mut log = Log { prefix, sink, open: None, strict: false, clock: Clock::default(), messages: 0 };
    let mut first_stray: Option<(u64, String)> = None;
    let mut line = String::new();
    let mut number = 0;
    while next_line(&mut source, &mut line).map_err(ReadError::Io)? {
        number += 1;
        if !log.take(number, &line) && first_stray.is_none() && !line.trim().is_empty() {
            first_stray = Some((number, beginning_of(&line)));
        }
    }
    log.close();
    match (log.messages, first_stray) {
        (0, Some((line, found))) => Err(ReadError::NotALog { line, found }),
        (0, None) if number == 0 => Err(ReadError::Empty),
        _ => Ok(()),
    }
}

fn beginning_of(line: &str) -> String {
    let start: String = line.trim().chars().take(40).collect();
    format!("{start:?}")
}

/// A log while it is read: the message that may still go on, and the shape that the log has.
struct Log<'a> {
    prefix: &'a str,
    sink: &'a mut dyn FnMut(Message),
    open: Option<Message>,
    /// Once lines carry times or `<name>`, a bare `name: text` is a continuation.
    strict: bool,
    clock: Clock,
    messages: u64,
}

impl Log<'_> {
    /// Whether the line was a message, a notice, or went on with one.
    fn take(&mut self, number: u64, line: &str) -> bool {
        match line::parse(line) {
            Some(parsed) if !(parsed.plain && self.strict && self.open.is_some()) => {
                self.begin(number, &parsed);
                true
            }
            _ => self.go_on(line),
        }
    }

    fn begin(&mut self, number: u64, line: &Line<'_>) {
        self.close();
        self.strict |= !line.plain && line.kind != Kind::Notice;
        self.messages += u64::from(line.kind != Kind::Notice);
        self.open = Some(Message {
            id: format!("{}L{number}", self.prefix),
            author: Author { name: line.name.to_owned(), id: line.name.to_owned(), bot: false },
            time: line.stamp.map(|stamp| self.clock.place(stamp)),
            text: line.text.to_owned(),
            kind: line.kind,
            ..Message::default()
        });
    }

    fn go_on(&mut self, line: &str) -> bool {
        let Some(open) = self.open.as_mut().filter(|open| open.kind != Kind::Notice) else {
            return false;
        };
        if open.text.len() + line.len() < MESSAGE_LIMIT {
            open.text.push('\n');
            open.text.push_str(line);
        }
        true
    }

    fn close(&mut self) {
        if let Some(mut message) = self.open.take() {
            message.text.truncate(message.text.trim_end().len());
            (self.sink)(message);
        }
    }
}

/// Counts the days of a log that knows the time of day only.
#[derive(Default)]
struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// Two lines may swap by some minutes; a jump back by more is the next day.
    const SWAPPED: i64 = 3600;

    fn place(&mut self, stamp: When) -> When {
        let When::Clock(second) = stamp else { return stamp };
        let Some(last) = self.last else {
            self.last = Some(second);
            return stamp;
        };
        let mut placed = last.div_euclid(86_400) * 86_400 + second;
        if placed < last - Self::SWAPPED {
            placed += 86_400;
        }
        self.last = Some(placed.max(last));
        When::Clock(placed)
    }
}
