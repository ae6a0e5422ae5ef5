//! What a server turns out not to understand: each such thing is left out, from then on once that has helped.

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

/// Another way to put a question that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lesson {
    pub(crate) wording: Wording,
    /// The server said what it does not understand. Else the refusal may be about what the prompt says.
    pub(crate) named: bool,
}

/// How JSON is asked for, besides in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// The server holds the model to the schema.
    Schema = 0,
    /// The server holds the model to JSON.
    Json = 1,
    /// In words only.
    Words = 2,
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

    /// Takes over what had to be different until a question was taken that was first put like `first`.
    pub(crate) fn learn(&self, first: Wording, taken: Wording) {
        if taken.format != first.format {
            self.format.fetch_max(taken.format as u8, Ordering::Relaxed);
        }
        self.without.fetch_or(taken.without & !first.without, Ordering::Relaxed);
        self.without.fetch_and(!(first.without & !taken.without), Ordering::Relaxed);
    }
}

// === impl Wording ===

impl Wording {
    pub(crate) fn has(self, part: Part) -> bool {
        self.without & part as u8 == 0
    }

    /// What may be understood where this was refused; `None` if there is nothing else to try.
    pub(crate) fn instead(self, status: u16, words: &str) -> Option<Lesson> {
        let words = words.to_lowercase();
        let tells_of = |what: &[&str]| what.iter().any(|what| words.contains(what));
        let certain = |wording: Self| Lesson { wording, named: true };
        if tells_of(&["stream_options"]) {
            return self.leaving_out(Part::StreamOptions).map(certain);
        }
        if tells_of(&["max_completion_tokens", "max_tokens"]) {
            // Servers that refuse the one recommend the other, so that both are named: it is the other one then.
            return Some(certain(Self { without: self.without ^ Part::CompletionTokens as u8, ..self }));
        }
        if tells_of(&["temperature"]) {
            return self.leaving_out(Part::Temperature).map(certain);
        }
        if tells_of(&["'stream'", "`stream`", "streaming"]) {
            return self.leaving_out(Part::Stream).map(certain);
        }
        // Everything else may be about the schema, whose refusals have many words; but a model may be unknown, too.
        let named = tells_of(&["response_format", "schema", "structured", "tool", "grammar", "json"]);
        let format = match self.format {
            Format::Schema if status != 404 || named => Format::Json,
            Format::Json if status != 404 || named => Format::Words,
            _ => return None,
        };
        Some(Lesson { wording: Self { format, ..self }, named })
    }

    fn leaving_out(self, part: Part) -> Option<Self> {
        self.has(part).then_some(Self { without: self.without | part as u8, ..self })
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
        let other = first.instead(400, refused).expect("the other name").wording;
        for _ in 0..2 {
            dialect.learn(first, other);
            assert!(dialect.wording().has(Part::CompletionTokens));
        }
        let refused = "stream_options is not allowed";
        let without = other.instead(400, refused).expect("without it").wording;
        dialect.learn(other, without);
        assert_eq!(dialect.wording(), without);
        assert!(!without.has(Part::StreamOptions) && without.has(Part::CompletionTokens));
        assert_eq!(without.instead(400, refused), None, "it was not even used");
    }

    #[test]
    fn a_schema_that_is_refused_becomes_json_and_then_words() {
        let mut wording = Dialect::new(&[]).wording();
        assert_eq!(wording.instead(404, "The model does not exist"), None);
        for format in [Format::Json, Format::Words] {
            let lesson = wording.instead(400, "invalid grammar").expect("another format");
            assert_eq!((lesson.wording.format, lesson.named), (format, true));
            assert!(!wording.instead(400, "flagged by a filter").expect("a guess").named);
            wording = lesson.wording;
        }
        assert_eq!(wording.instead(400, "invalid grammar"), None);
    }

    #[test]
    fn a_question_that_was_put_in_words_says_nothing_about_formats() {
        let dialect = Dialect::new(&[]);
        let first = dialect.wording().in_words();
        let without = first.instead(400, "temperature is not supported").expect("without it").wording;
        dialect.learn(first, without);
        assert_eq!(
            (dialect.wording().format, dialect.wording().has(Part::Temperature)),
            (Format::Schema, false)
        );
    }
}
