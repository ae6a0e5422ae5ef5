//! What the bot says in Discord, in plain words; [`super::outgoing`] turns it into what Discord reads.

use jiff::Timestamp;

/// One message.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reply {
    /// Up to 2000 characters.
    pub(crate) content: Option<String>,
    /// Up to 10, with at most 6000 characters together.
    pub(crate) embeds: Vec<Embed>,
    /// Up to 5 rows of up to 5 buttons.
    pub(crate) rows: Vec<Vec<Component>>,
    pub(crate) files: Vec<File>,
    /// Only whoever asked sees it. For the first reply to an interaction the command says so before it begins
    /// ([`Acknowledgement`](super::commands::Acknowledgement)), since Discord does not let it be changed.
    pub(crate) private: bool,
}

/// A framed part of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Embed {
    /// Up to 256 characters.
    pub(crate) title: Option<String>,
    pub(crate) url: Option<String>,
    /// Up to 4096 characters.
    pub(crate) description: Option<String>,
    /// Up to 25.
    pub(crate) fields: Vec<Field>,
    /// As `0xRRGGBB`.
    pub(crate) colour: Option<u32>,
    /// Up to 2048 characters.
    pub(crate) footer: Option<String>,
    pub(crate) time: Option<Timestamp>,
}

/// A titled part of an embed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Up to 256 characters.
    pub(crate) name: String,
    /// Up to 1024 characters.
    pub(crate) value: String,
    /// Beside others of its kind, where there is room.
    pub(crate) inline: bool,
}

/// Something to press below a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Component {
    /// Its id is `name:argument`, at most 100 characters; the command of that name is told.
    Button { id: String, label: String, emoji: Option<String>, disabled: bool },
}

/// A file that hangs on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

// === impl Reply ===

impl Reply {
    /// A plain message.
    pub(crate) fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }

    /// One embed.
    pub(crate) fn embed(embed: Embed) -> Self {
        Self { embeds: vec![embed], ..Self::default() }
    }

    /// The same, seen by whoever asked and nobody else.
    pub(crate) fn private(self) -> Self {
        Self { private: true, ..self }
    }
}

impl From<Reply> for Vec<Reply> {
    fn from(reply: Reply) -> Self {
        vec![reply]
    }
}
