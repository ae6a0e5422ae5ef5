//! What comes out: the same shape in JSON, in the database and in every rendering.

use serde::{Deserialize, Serialize};

/// A summary of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The summary as running text.
    pub summary_text: String,
    /// The sentences of `summary_text`, each with the messages that it came from.
    pub sentences: Vec<Point>,
    /// What else is worth knowing, in the words of the speakers.
    pub key_points: Vec<Point>,
    /// Who is to do what.
    pub action_items: Vec<ActionItem>,
    /// What was settled.
    pub decisions: Vec<Point>,
    /// What was asked and not answered.
    pub open_questions: Vec<Point>,
    /// Names of things: products, files, commands, acronyms.
    pub technical_terms: Vec<Term>,
    /// Who took part, the most active first.
    pub participants: Vec<Participant>,
    /// About the summary itself.
    pub metadata: Metadata,
}

/// A statement and the messages that it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The statement.
    pub text: String,
    /// Who made it; nothing for a sentence about the conversation as a whole.
    pub speaker: Option<String>,
    /// Ids of the messages.
    pub messages: Vec<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// What is to be done.
    pub description: String,
    /// By whom, if anybody was named.
    pub assignee: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// By when, as it was said.
    pub deadline: Option<String>,
    /// Ids of the messages.
    pub messages: Vec<String>,
}

/// How urgent a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody said that it is urgent.
    High,
    /// Nobody said anything about it.
    #[default]
    Medium,
    /// Somebody said that it can wait.
    Low,
}

impl std::fmt::Display for Priority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}

/// The name of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// As it is written most often.
    pub term: String,
    /// How often it comes.
    pub count: u64,
    /// Ids of the first messages with it.
    pub messages: Vec<String>,
}

/// Somebody who took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The name.
    pub name: String,
    /// The most telling thing they said; empty if they said nothing of substance.
    pub key_contribution: String,
    /// How many messages they wrote.
    pub message_count: u64,
    /// Ids of the messages behind `key_contribution`.
    pub messages: Vec<String>,
}

/// About a summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Which engine wrote it.
    pub engine: String,
    /// The language of the conversation, as a two-letter code; `und` if unknown.
    pub language: String,
    /// Messages in the input, notices included.
    pub messages_read: u64,
    /// Messages that the summary is about.
    pub messages_counted: u64,
    /// Messages that options left out.
    pub messages_excluded: u64,
    /// How many people wrote the counted messages.
    pub participant_count: u64,
    /// Words of the counted messages.
    pub words_counted: u64,
    /// Words of `summary_text`.
    pub summary_words: u64,
    /// The time of the first counted message (UTC, or the log's own clock).
    pub first_message: Option<String>,
    /// The time of the last one.
    pub last_message: Option<String>,
    /// How long the engine took, in milliseconds.
    pub duration_ms: u64,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// What a language model did and cost; nothing if none wrote it.
    #[serde(default)]
    pub model: Option<ModelUse>,
}

/// What a language model did for a summary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUse {
    /// As the configuration calls it.
    pub name: String,
    /// Which prompts were used: a hash over their files.
    pub prompts: String,
    /// How many requests it took.
    pub requests: u64,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// Some of the tokens are an estimate, since the server did not count.
    pub estimated: bool,
    /// What it cost, in millionths of a dollar.
    pub cost_microdollars: u64,
    /// Into how many parts the conversation was cut.
    pub parts: u64,
    /// Citations of messages that there are not.
    pub dropped_citations: u64,
    /// Claims that were left out.
    pub dropped_claims: u64,
    /// The answer was there already, and cost nothing this time.
    pub kept: bool,
}

/// Something about a summary that the reader should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable code, such as `INSUFFICIENT_CONTENT`.
    pub code: String,
    /// What it means here.
    pub message: String,
}
