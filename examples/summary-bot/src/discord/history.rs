//! What was said in channels, page by page, cleaned, and never more than was asked for.

use std::pin::Pin;

use groundcrew::http::Problem;
use jiff::Timestamp;

use crate::discord::access::Looking;
use crate::{Message, Warning};

/// Reads channels.
pub(crate) trait ChannelHistory: Send + Sync {
    /// What was said in these channels, and which of them could not be read. A quiet channel is no failure.
    fn read(&self, wish: Wanted) -> Reading<'_>;

    /// The server that a channel is of.
    fn guild_of<'a>(&'a self, channel: &'a str) -> Looking<'a, String>;

    /// The most messages that are read for one summary.
    fn most(&self) -> usize;
}

/// What [`ChannelHistory::read`] returns.
pub(crate) type Reading<'a> = Pin<Box<dyn Future<Output = Result<History, Problem>> + Send + 'a>>;

/// Which messages are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) guild_id: String,
    /// Channels, threads, forums and categories; a category stands for all that it holds.
    pub(crate) channels: Vec<String>,
    /// Not these, even if a category or a forum holds them.
    pub(crate) exclude_channels: Vec<String>,
    /// Only these and their threads; empty: any.
    pub(crate) only_channels: Vec<String>,
    /// Only what was written from then on.
    pub(crate) since: Option<Timestamp>,
    /// Only what was written before.
    pub(crate) until: Option<Timestamp>,
    /// From this message on, itself included.
    pub(crate) from_message: Option<String>,
    /// At most so many of each channel, the newest.
    pub(crate) most: usize,
    /// The threads of these channels, too; private ones only where they are named themselves.
    pub(crate) threads: bool,
    /// Not what these users wrote.
    pub(crate) exclude_users: Vec<String>,
    /// What programs wrote, too.
    pub(crate) bots: bool,
    /// Only channels that this user can read; others are skipped by name. `None`: whatever the bot can read.
    pub(crate) reader: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Those with messages that count, in the order in which they were asked for.
    pub(crate) parts: Vec<Part>,
    /// Those that could not be read, or were not to be.
    pub(crate) skipped: Vec<Skipped>,
}

/// One channel or thread.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) channel: Channel,
    /// The oldest first.
    pub(crate) messages: Vec<Message>,
    /// How many were left out: of programs, of the system, empty, or of excluded users.
    pub(crate) left_out: u64,
    /// Whether there were more than were asked for.
    pub(crate) cut: bool,
}

/// A channel or thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The channel of a thread.
    pub(crate) parent_id: Option<String>,
}

/// A channel that is not among the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) channel: Channel,
    pub(crate) why: Why,
}

/// Why a channel is not among the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody said anything in that time.
    Quiet,
    /// The bot cannot read it.
    BotCannotRead,
    /// Whoever asked cannot read it.
    ReaderCannotRead,
    /// A rule of the server keeps whoever asked from having it summarised.
    Ruled,
    /// It is not there any more, or holds no messages.
    NoMessages,
    /// The server's settings say that it is not to be summarised.
    Excluded,
    /// There were too many before it.
    TooMany,
    /// Too little was said to make a summary of it.
    TooLittle,
    /// It could not be summarised.
    Refused,
    /// It has more archived threads than are looked through.
    MoreThreads,
}

/// So many channels are named in one warning.
const NAMED: usize = 10;

/// Of channels with more in them than was read: from when on they were. `HISTORY_CUT`.
pub(crate) fn cut(parts: &[Part]) -> Option<Warning> {
    let cut: Vec<String> = parts.iter().filter(|part| part.cut).map(Part::beginning).collect();
    let more = match cut.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and of {more} more only the newest"),
    };
    let first = cut.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let message = format!("there is more than was read: {first}{more}");
    (!cut.is_empty()).then(|| Warning { code: "HISTORY_CUT".to_owned(), message })
}

// === impl Part ===

impl Part {
    /// From when on it was read.
    fn beginning(&self) -> String {
        let (name, count) = (&self.channel.name, self.messages.len());
        let first = self.messages.first().and_then(|message| message.time);
        let from = first.map(|time| format!(", from {time} on")).unwrap_or_default();
        format!("of #{name} the newest {count} messages{from}")
    }
}

// === impl Why ===

impl Why {
    /// In words that follow the name of the channel.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Quiet => "was quiet",
            Self::BotCannotRead => "is closed to me",
            Self::ReaderCannotRead => "is closed to you",
            Self::Ruled => "is not yours to have summarised, by a rule of this server",
            Self::NoMessages => "holds no messages",
            Self::Excluded => "is not to be summarised here",
            Self::TooMany => "is one too many",
            Self::TooLittle => "has too little in it",
            Self::Refused => "could not be summarised",
            Self::MoreThreads => "has more archived threads, which were not read",
        }
    }
}
