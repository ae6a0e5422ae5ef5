//! What Discord is told about a command, so that it completes and validates what people type.

use serde::Serialize;

/// A command as Discord registers it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Definition {
    name: &'static str,
    #[serde(rename = "type")]
    kind: u8,
    /// Empty for an entry of a context menu.
    description: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Opt>,
    /// Who sees it before a server says otherwise, as bits in a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_member_permissions: Option<String>,
    /// 0: in servers, 1: in direct messages with the bot.
    contexts: Vec<u8>,
    integration_types: [u8; 1],
    nsfw: bool,
}

/// An option of a command, a subcommand, or a group of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Opt {
    name: &'static str,
    #[serde(rename = "type")]
    kind: u8,
    description: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Opt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channel_types: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u16>,
    #[serde(skip_serializing_if = "is_false")]
    autocomplete: bool,
}

/// One of the values that an option may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The kinds of channels that hold messages: text, announcements, their threads, public and private threads, forums.
pub(crate) const READABLE: &[u8] = &[0, 2, 5, 10, 11, 12, 15, 16];
/// Those, and categories.
pub(crate) const READABLE_OR_CATEGORY: &[u8] = &[0, 2, 4, 5, 10, 11, 12, 15, 16];
/// Where the bot can post: text, announcements and threads.
pub(crate) const POSTABLE: &[u8] = &[0, 5, 10, 11, 12];

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_false(flag: &bool) -> bool {
    !flag
}

// === impl Definition ===

impl Definition {
    fn new(kind: u8, name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            options: Vec::new(),
            default_member_permissions: None,
            contexts: vec![0],
            integration_types: [0],
            nsfw: false,
        }
    }

    /// A slash command, in servers only.
    pub(crate) fn slash(name: &'static str, description: &'static str) -> Self {
        Self::new(1, name, description)
    }

    /// An entry of the context menu of messages, in servers only.
    pub(crate) fn on_message(name: &'static str) -> Self {
        Self::new(3, name, "")
    }

    /// In direct messages with the bot, too.
    pub(crate) fn also_in_private(mut self) -> Self {
        self.contexts = vec![0, 1];
        self
    }

    /// Before a server says otherwise, shown only to those who have all of these permissions.
    pub(crate) fn only_for(mut self, permissions: u64) -> Self {
        self.default_member_permissions = Some(permissions.to_string());
        self
    }

    pub(crate) fn option(mut self, option: Opt) -> Self {
        self.options.push(option);
        self
    }
}

// === impl Opt ===

impl Opt {
    fn new(kind: u8, name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            required: false,
            choices: Vec::new(),
            options: Vec::new(),
            channel_types: Vec::new(),
            min_value: None,
            max_value: None,
            max_length: None,
            autocomplete: false,
        }
    }

    pub(crate) fn subcommand(name: &'static str, description: &'static str) -> Self {
        Self::new(1, name, description)
    }

    pub(crate) fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(3, name, description)
    }

    /// A whole number within these bounds.
    pub(crate) fn integer(name: &'static str, description: &'static str, least: i64, most: i64) -> Self {
        let option = Self::new(4, name, description);
        Self { min_value: Some(least), max_value: Some(most), ..option }
    }

    pub(crate) fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(5, name, description)
    }

    pub(crate) fn user(name: &'static str, description: &'static str) -> Self {
        Self::new(6, name, description)
    }

    pub(crate) fn channel(name: &'static str, description: &'static str, types: &[u8]) -> Self {
        Self { channel_types: types.to_vec(), ..Self::new(7, name, description) }
    }

    pub(crate) fn role(name: &'static str, description: &'static str) -> Self {
        Self::new(8, name, description)
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// One of these texts, shown by the same names.
    pub(crate) fn one_of(mut self, values: &[&str]) -> Self {
        self.choices = values.iter().map(|value| Choice::of(value)).collect();
        self
    }

    /// At most so many characters.
    pub(crate) fn at_most(self, characters: u16) -> Self {
        Self { max_length: Some(characters), ..self }
    }

    /// Discord asks the command what is possible while somebody types.
    pub(crate) fn completed(self) -> Self {
        Self { autocomplete: true, ..self }
    }

    /// An option of a subcommand, or a subcommand of a group.
    pub(crate) fn option(mut self, option: Opt) -> Self {
        self.options.push(option);
        self
    }
}

// === impl Choice ===

impl Choice {
    /// A value that is its own name.
    pub(crate) fn of(value: &str) -> Self {
        Self { name: value.to_owned(), value: value.to_owned() }
    }
}
