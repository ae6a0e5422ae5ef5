//! A conversation that is to be summarised later.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Media {
    /// Messages, or an export.
    Json,
    /// A chat log.
    Text,
}

/// What was sent, as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) media: Media,
    /// The options in the query, in their order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How far a request has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits, or is being worked on.
    Pending,
    /// Its summary is stored.
    Succeeded { summary: Uuid },
    /// There is no summary, and this problem, as JSON, is why.
    Failed { problem: String },
}

// === impl State ===

impl State {
    /// As clients read it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

// === impl Media ===

impl Media {
    /// As it is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Json, Self::Text].into_iter().find(|media| media.name() == name)
    }
}
