//! What users do with a bot, followed from the click to the last edit.

mod deliver;
mod fire;
mod follow;
mod payload;
mod post;

pub(crate) use deliver::examine;
pub use fire::Fire;
pub(crate) use fire::What;
pub use follow::Interaction;

use crate::Snowflake;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// An interaction and everything that became of it. Times are milliseconds since the user's click.
#[derive(Debug, Clone, Serialize)]
pub struct InteractionRecord {
    /// Its id.
    pub id: Snowflake,
    /// Discord's number: 2 a command, 3 a button or menu, 4 completion, 5 a modal.
    pub kind: u64,
    /// The command's name, or the component's or modal's custom id.
    pub name: String,
    /// Who did it.
    pub user: Snowflake,
    /// Where.
    pub channel: Snowflake,
    /// In which guild.
    pub guild: Snowflake,
    /// How it went to the bot.
    pub via: Via,
    /// The sessions that got it; by HTTP one without a number as soon as the endpoint took it.
    pub received: Vec<Receipt>,
    /// What the bot did with it and Discord accepted, the acknowledgement first.
    pub steps: Vec<Step>,
    /// What Discord refused: a second acknowledgement, one that came too late, a body beyond the limits.
    pub refused: Vec<Refusal>,
    /// The original response, unless it is gone.
    pub original: Option<Snowflake>,
    /// Further messages.
    pub followups: Vec<Snowflake>,
    /// Why delivery over HTTP failed.
    pub problem: Option<String>,
    /// Whether the original response says something, rather than "thinking…".
    pub answered: bool,
}

/// How interactions go to the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// To its sessions.
    Gateway,
    /// To its endpoint, signed.
    Http,
}

/// An interaction reached somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The session's number; none over HTTP.
    pub session: Option<u64>,
    /// When.
    pub after_ms: u64,
}

/// Something that the bot did and Discord accepted.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// When.
    pub after_ms: u64,
    /// What.
    pub action: Action,
    /// The message as it was then, or the data of a callback that makes no message.
    pub message: Option<Value>,
}

/// What a bot can do with an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The acknowledgement, of Discord's type: 4 a message, 5 "thinking…", 6 nothing yet, 7 the message with the
    /// component changes, 8 completions, 9 a modal.
    Callback(u64),
    /// The original response was edited.
    Edit,
    /// The original response was deleted.
    Delete,
    /// A further message.
    Followup,
    /// A further message was edited.
    FollowupEdit,
    /// A further message was deleted.
    FollowupDelete,
}

/// Something that the bot tried and Discord refused.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// When.
    pub after_ms: u64,
    /// What.
    pub action: Action,
    /// Discord's code: 40060 acknowledged before, 10062 unknown or too late, 50035 beyond the limits.
    pub code: u64,
}

/// An interaction as the server keeps it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) record: InteractionRecord,
    pub(crate) token: String,
    pub(crate) began: Instant,
    /// The message with the component.
    pub(crate) target: Option<Snowflake>,
    /// The acknowledgement's type.
    pub(crate) acknowledged: Option<u64>,
    /// The modal that was opened.
    pub(crate) modal: Option<Value>,
}

#[derive(Debug, Default)]
pub(crate) struct Interactions {
    pub(crate) all: BTreeMap<Snowflake, Entry>,
    tokens: HashMap<String, Snowflake>,
}

// === impl InteractionRecord ===

impl InteractionRecord {
    /// How long the acknowledgement took, if there was one in time.
    pub fn acknowledged_after(&self) -> Option<Duration> {
        let first = self.steps.first()?;
        matches!(first.action, Action::Callback(_)).then(|| Duration::from_millis(first.after_ms))
    }

    /// Whether anybody got it.
    pub fn was_received(&self) -> bool {
        !self.received.is_empty()
    }

    /// Whether it was acknowledged, answered by one original response, and nobody tried a second time.
    pub fn answered_once(&self) -> bool {
        self.answered && self.refused.is_empty()
    }

    /// The states of the original response, oldest first.
    pub fn originals(&self) -> impl Iterator<Item = &Value> {
        let of_original = |action: Action| matches!(action, Action::Callback(4 | 7) | Action::Edit);
        self.steps
            .iter()
            .filter(move |step| of_original(step.action))
            .filter_map(|step| step.message.as_ref())
    }
}

// === impl Interactions ===

impl Interactions {
    pub(crate) fn add(&mut self, entry: Entry) {
        self.tokens.insert(entry.token.clone(), entry.record.id);
        self.all.insert(entry.record.id, entry);
    }

    pub(crate) fn received(&mut self, id: Snowflake, session: Option<u64>) {
        if let Some(entry) = self.all.get_mut(&id) {
            let after_ms = entry.after_ms();
            entry.record.received.push(Receipt { session, after_ms });
        }
    }

    pub(crate) fn by_token(&mut self, token: &str) -> Option<&mut Entry> {
        self.all.get_mut(self.tokens.get(token)?)
    }
}

// === impl Entry ===

impl Entry {
    pub(crate) fn after_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn step(&mut self, action: Action, message: Option<Value>) {
        let after_ms = self.after_ms();
        self.record.steps.push(Step { after_ms, action, message });
    }

    pub(crate) fn refuse(&mut self, action: Action, code: u64) {
        let after_ms = self.after_ms();
        self.record.refused.push(Refusal { after_ms, action, code });
    }
}
