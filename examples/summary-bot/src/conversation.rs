//! A message as every reader hands it over.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One message of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// What citations name: the export's own id, `L12` for line 12 of a text log, else the position from 1.
    pub id: String,
    /// Who wrote it.
    pub author: Author,
    /// When, if the source says so.
    pub time: Option<When>,
    /// The text as it was written.
    pub text: String,
    /// The id of the message that this one answers.
    pub reply_to: Option<String>,
    /// How many reactions it got, over all emoji.
    pub reactions: u32,
    /// How many files hang on it.
    pub attachments: u32,
    /// Said, done (`/me`), or a notice of the system.
    pub kind: Kind,
}

/// Who wrote a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// The name to show.
    pub name: String,
    /// The account's id, or the name where there is none.
    pub id: String,
    /// Whether a program wrote it.
    pub bot: bool,
}

/// What sort of line a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said it.
    #[default]
    Said,
    /// Somebody did it (`* anna waves`).
    Action,
    /// The system said it: joins, parts, renames, pins, calls. Never summarised.
    Notice,
}

/// A point in time; many text logs know the time of day only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Seconds since the first midnight of the log; days are counted as the clock wraps.
    Clock(i64),
    /// A full date and time.
    At(Timestamp),
}

impl When {
    /// Seconds on this value's own axis; only differences within one conversation mean something.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Clock(seconds) => seconds,
            Self::At(timestamp) => timestamp.as_second(),
        }
    }

    /// The time of day in seconds, in UTC.
    pub fn second_of_day(self) -> i64 {
        self.seconds().rem_euclid(86_400)
    }
}

impl std::fmt::Display for When {
    /// `2026-03-01 14:03` (UTC), or `14:03` where only the time of day is known.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clock(seconds) => {
                let minutes = seconds.rem_euclid(86_400) / 60;
                let days = seconds.div_euclid(86_400);
                write!(formatter, "{:02}:{:02}", minutes / 60, minutes % 60)?;
                if days > 0 { write!(formatter, " (day {})", days + 1) } else { Ok(()) }
            }
            Self::At(timestamp) => {
                let zoned = timestamp.to_zoned(TimeZone::UTC);
                write!(formatter, "{}", zoned.strftime("%Y-%m-%d %H:%M"))
            }
        }
    }
}
