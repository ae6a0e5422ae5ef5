//! How a line is spelt: the parts that JSON and text write differently.

use super::redact::{self, REDACTED};
use super::{name, number};
use std::error::Error;
use std::fmt::{self, Write};
use tracing_core::Level;
use tracing_core::field::{Field, Visit};

/// One way to spell a line.
pub(crate) trait Shape {
    /// Whether the ids and the spans' fields come before the event's own fields.
    const IDS_FIRST: bool;

    /// A number that only this way of spelling has, not zero.
    fn tag(&self) -> u8;
    /// Begins a line.
    fn open(&self, line: &mut Vec<u8>, stamp: &[u8], level: Level, target: &str);
    /// The line's message.
    fn message(&self, line: &mut Vec<u8>, message: &dyn fmt::Debug);
    /// Begins a field.
    fn key(&self, line: &mut Vec<u8>, name: &str);
    /// Begins a field of ours, whose name needs no care.
    fn own_key(&self, line: &mut Vec<u8>, name: &str);
    /// A field of ours whose value needs no care either.
    fn id(&self, line: &mut Vec<u8>, name: &str, value: &[u8]);
    /// A value that is text.
    fn string(&self, line: &mut Vec<u8>, value: &str);
    /// A value that is written through `Debug`.
    fn debug(&self, line: &mut Vec<u8>, value: &dyn fmt::Debug);
    /// Ends a line.
    fn close(&self, line: &mut Vec<u8>);
}

/// Writes fields into a line; `ids` once, at the place where the shape wants them.
pub(crate) struct Fields<'a, S, I> {
    pub(crate) shape: &'a S,
    pub(crate) line: &'a mut Vec<u8>,
    pub(crate) ids: Option<I>,
    /// For the fields of a span: where each one begins. A span has no message.
    pub(crate) marks: Option<&'a mut Vec<Mark>>,
}

/// The name of a field and where it begins.
pub(crate) type Mark = (&'static str, usize);

/// Prints an error with its causes, separated by colons.
struct Chain<'a>(&'a (dyn Error + 'static));

// === impl Fields ===

impl<S: Shape, I: FnOnce(&mut Vec<u8>)> Fields<'_, S, I> {
    /// Writes what is left of the line after the last field.
    pub(crate) fn finish(mut self) {
        self.put_ids();
        self.shape.close(self.line);
    }

    fn put_ids(&mut self) {
        if let Some(ids) = self.ids.take() {
            ids(self.line);
        }
    }

    fn is_message(&self, field: &Field) -> bool {
        self.marks.is_none() && field.name() == "message"
    }

    /// Begins a field; false if its value must not follow.
    #[inline]
    fn begin(&mut self, field: &Field) -> bool {
        if S::IDS_FIRST {
            self.put_ids();
        }
        if let Some(marks) = &mut self.marks {
            marks.push((field.name(), self.line.len()));
        }
        let sensitive = name::begin(self.shape, self.line, field.name());
        if sensitive {
            self.shape.string(self.line, REDACTED);
        }
        !sensitive
    }
}

impl<S: Shape, I: FnOnce(&mut Vec<u8>)> Visit for Fields<'_, S, I> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.is_message(field) {
            self.shape.message(self.line, value);
        } else if self.begin(field) {
            self.shape.debug(self.line, value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_message(field) {
            self.shape.message(self.line, &format_args!("{value}"));
        } else if self.begin(field) {
            self.shape.string(self.line, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.begin(field) {
            number::unsigned(self.line, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.begin(field) {
            number::signed(self.line, value);
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            // Readers of JSON would round it.
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if !value.is_finite() {
            self.record_debug(field, &value);
        } else if self.begin(field) {
            number::float(self.line, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.begin(field) {
            self.line.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &Chain(value));
    }
}

// === impl Chain ===

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            f.write_str(": ")?;
            fmt::Display::fmt(error, f)?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Passes formatted text on, piece by piece, to a function that escapes it.
pub(crate) struct Pieces<'a, F> {
    pub(crate) line: &'a mut Vec<u8>,
    pub(crate) escape: F,
    /// Whether any piece may be part of a URL.
    pub(crate) colon: bool,
}

// === impl Pieces ===

impl<F: Fn(&mut Vec<u8>, &str) -> bool> Write for Pieces<'_, F> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.colon |= (self.escape)(self.line, piece);
        Ok(())
    }
}

/// Writes `value` through `escape`, then masks what must not be read in it.
pub(crate) fn put_debug(
    line: &mut Vec<u8>,
    value: &dyn fmt::Debug,
    escape: impl Fn(&mut Vec<u8>, &str) -> bool,
) {
    let start = line.len();
    let mut pieces = Pieces { line, escape, colon: false };
    // A `Debug` that fails leaves its beginning, which is better than no line.
    let _ = write!(pieces, "{value:?}");
    if pieces.colon {
        redact::mask_urls(line, start);
    }
}

/// Writes `value` through `escape`, then masks what must not be read in it.
pub(crate) fn put_string(line: &mut Vec<u8>, value: &str, escape: impl Fn(&mut Vec<u8>, &str) -> bool) {
    let start = line.len();
    if escape(line, value) {
        redact::mask_urls(line, start);
    }
}
