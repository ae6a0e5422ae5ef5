//! What somebody did in Discord, in plain words: it is stored, and it crosses from one replica to another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A command, a button or a form, and who used it where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interaction {
    /// Discord's id of it; nothing is done twice for the same one.
    pub(crate) id: String,
    pub(crate) application_id: String,
    /// Answers are sent with it for 15 minutes.
    pub(crate) token: Token,
    pub(crate) kind: Kind,
    pub(crate) user: User,
    /// `None` in a direct message.
    pub(crate) guild_id: Option<String>,
    pub(crate) channel_id: String,
    /// The language of whoever asked, such as `de` or `en-US`.
    pub(crate) locale: String,
    pub(crate) guild_locale: Option<String>,
    /// What the bot itself may do in this channel, as bits.
    pub(crate) app_permissions: u64,
}

/// What was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A slash command or an entry of a context menu.
    Command {
        name: String,
        /// The names of the group and the subcommand, where there are any.
        path: Vec<String>,
        options: Vec<Given>,
        /// The message or the user on which a context menu was opened.
        target: Option<String>,
    },
    /// Somebody types an option of a slash command and wants to see what is possible.
    Completion { name: String, path: Vec<String>, options: Vec<Given>, focused: String, typed: String },
    /// A button or a menu below one of the bot's messages.
    Component { custom_id: String, values: Vec<String>, message_id: String },
    /// A form that was sent.
    Form { custom_id: String, fields: Vec<(String, String)> },
}

/// An option and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Flag(bool),
    User(String),
    Role(String),
    /// A channel, a thread or a category.
    Channel(String),
    Attachment(String),
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    /// The name that the server shows.
    pub(crate) name: String,
    /// The roles in the server, as ids; nothing in a direct message.
    pub(crate) roles: Vec<String>,
    /// What they may do in this channel, as Discord worked it out; 0 in a direct message.
    pub(crate) permissions: u64,
}

/// Whoever has it may answer in the bot's name. It is shown nowhere.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Token(pub(crate) String);

// === impl Interaction ===

impl Interaction {
    /// The command's name, or what stands before the first `:` in the id of a button or a form.
    pub(crate) fn name(&self) -> &str {
        match &self.kind {
            Kind::Command { name, .. } | Kind::Completion { name, .. } => name,
            Kind::Component { custom_id, .. } | Kind::Form { custom_id, .. } => {
                custom_id.split_once(':').map_or(custom_id.as_str(), |(name, _)| name)
            }
        }
    }

    /// What stands after the first `:` in the id of a button or a form.
    pub(crate) fn argument(&self) -> Option<&str> {
        match &self.kind {
            Kind::Component { custom_id, .. } | Kind::Form { custom_id, .. } => {
                custom_id.split_once(':').map(|(_, argument)| argument)
            }
            _ => None,
        }
    }

    /// The subcommand, if the command has any.
    pub(crate) fn subcommand(&self) -> Option<&str> {
        match &self.kind {
            Kind::Command { path, .. } | Kind::Completion { path, .. } => path.last().map(String::as_str),
            _ => None,
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let (Kind::Command { options, .. } | Kind::Completion { options, .. }) = &self.kind else {
            return None;
        };
        options.iter().find(|given| given.name == name).map(|given| &given.value)
    }

    /// An option that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An option that is a whole number.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// An option that is true or false.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// An option that names a channel, a user or a role, as its id.
    pub(crate) fn id(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Channel(id) | Value::User(id) | Value::Role(id) | Value::Attachment(id) => Some(id),
            _ => None,
        }
    }
}

// === impl Token ===

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
