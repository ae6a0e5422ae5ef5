//! What a summary should be like.

use crate::perspective::Perspective;

/// How to summarise.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long `summary_text` may be.
    pub length: Length,
    /// Whose interests weigh more.
    pub perspective: Perspective,
    /// Fewer counted messages than this give the warning `INSUFFICIENT_CONTENT`.
    pub min_messages: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { length: Length::Detailed, perspective: Perspective::General, min_messages: 5 }
    }
}

/// How long `summary_text` may be, in words between white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// 80 words.
    Brief,
    /// 180 words.
    Detailed,
    /// 400 words.
    Comprehensive,
    /// At most this many.
    Words(usize),
}

impl Length {
    /// The limit for `summary_text`.
    pub fn words(self) -> usize {
        match self {
            Self::Brief => 80,
            Self::Detailed => 180,
            Self::Comprehensive => 400,
            Self::Words(words) => words,
        }
    }

    /// As people give it; `custom` is a number of words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brief => "brief",
            Self::Detailed => "detailed",
            Self::Comprehensive => "comprehensive",
            Self::Words(_) => "custom",
        }
    }

    /// The one of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Brief, Self::Detailed, Self::Comprehensive].into_iter().find(|length| length.name() == name)
    }

    /// How many entries the lists hold at most.
    pub fn entries(self) -> usize {
        (self.words() / 20).clamp(4, 20)
    }
}
