//! What a server turns out not to understand: each such thing is left out from then on.

use std::sync::atomic::{AtomicU8, Ordering};

/// Which parts of the protocol are used with a server.
#[derive(Debug)]
pub(crate) struct Dialect {
    format: AtomicU8,
    without: AtomicU8,
}

/// How one question is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wording {
    pub(crate) format: Format,
    without: u8,
}

/// How JSON is asked for, besides in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The server holds the model to the schema.
    Schema,
    /// The server holds the model to JSON.
    Json,
    /// In words only.
    Words,
}

/// Parts that some servers refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    /// `max_completion_tokens`; without it `max_tokens`.
    CompletionTokens = 1,
    Temperature = 2,
    Stream = 4,
    StreamOptions = 8,
}

// === impl Dialect ===

impl Dialect {
    /// `without` is what is known not to be understood.
    pub(crate) fn new(without: &[Part]) -> Self {
        let without = without.iter().fold(0, |all, part| all | *part as u8);
        Self { format: AtomicU8::new(0), without: AtomicU8::new(without) }
    }

    /// How to put a question now.
    pub(crate) fn wording(&self) -> Wording {
        let format = match self.format.load(Ordering::Relaxed) {
            0 => Format::Schema,
            1 => Format::Json,
            _ => Format::Words,
        };
        Wording { format, without: self.without.load(Ordering::Relaxed) }
    }

    /// Learns from a refusal of what was put like this; whether there is something else to try.
    pub(crate) fn learn(&self, status: u16, words: &str, used: Wording) -> bool {
        let words = words.to_lowercase();
        let names = |what: &[&str]| what.iter().any(|what| words.contains(what));
        if names(&["stream_options"]) {
            return self.leave_out(Part::StreamOptions, used);
        }
        if names(&["max_completion_tokens", "max_tokens"]) {
            // Servers that refuse the one recommend the other, so that both are named: it is the other one then.
            let without = Part::CompletionTokens as u8;
            if used.has(Part::CompletionTokens) {
                self.without.fetch_or(without, Ordering::Relaxed);
            } else {
                self.without.fetch_and(!without, Ordering::Relaxed);
            }
            return true;
        }
        if names(&["temperature"]) {
            return self.leave_out(Part::Temperature, used);
        }
        if names(&["'stream'", "`stream`", "streaming"]) {
            return self.leave_out(Part::Stream, used);
        }
        // Everything else may be about the schema, whose refusals have many words; but a model may be unknown, too.
        let of_format = status != 404 || names(&["response_format", "schema", "structured", "tool"]);
        let next = match used.format {
            Format::Schema if of_format => 1,
            Format::Json if of_format => 2,
            _ => return false,
        };
        self.format.fetch_max(next, Ordering::Relaxed);
        true
    }

    fn leave_out(&self, part: Part, used: Wording) -> bool {
        self.without.fetch_or(part as u8, Ordering::Relaxed);
        used.has(part)
    }
}

// === impl Wording ===

impl Wording {
    pub(crate) fn has(self, part: Part) -> bool {
        self.without & part as u8 == 0
    }

    /// The same, without asking for JSON.
    pub(crate) fn in_words(self) -> Self {
        Self { format: Format::Words, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_left_out_and_two_who_learn_the_same_agree() {
        let dialect = Dialect::new(&[Part::CompletionTokens]);
        let first = dialect.wording();
        let refused = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
        assert!(dialect.learn(400, refused, first) && dialect.learn(400, refused, first));
        assert!(dialect.wording().has(Part::CompletionTokens));
        assert!(dialect.learn(400, "stream_options is not allowed", dialect.wording()));
        assert!(!dialect.wording().has(Part::StreamOptions));
        assert!(
            !dialect.learn(400, "stream_options is not allowed", dialect.wording()),
            "it was not even used"
        );
    }

    #[test]
    fn a_schema_that_is_refused_becomes_json_and_then_words() {
        let dialect = Dialect::new(&[]);
        assert!(!dialect.learn(404, "The model does not exist", dialect.wording()));
        for format in [Format::Schema, Format::Json] {
            assert_eq!(dialect.wording().format, format);
            assert!(dialect.learn(400, "invalid grammar", dialect.wording()));
        }
        assert!(!dialect.learn(400, "invalid grammar", dialect.wording()));
    }
}
