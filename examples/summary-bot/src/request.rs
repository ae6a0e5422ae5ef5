//! A conversation that is to be summarised later.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::headway::Step;

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Media {
    /// Messages, or an export.
    Json,
    /// A chat log.
    Text,
    /// A payload of `POST /summarize`.
    Compatible,
}

/// What was sent, as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) media: Media,
    /// The options in the query, in their order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Who asked, where that is known.
    pub(crate) asker: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits, or is being worked on.
    Pending,
    /// Its summary is stored.
    Succeeded { summary: Uuid },
    /// There is no summary, and this problem, as JSON, is why.
    Failed { problem: String },
    /// It was called off before it was done.
    Cancelled,
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) step: Step,
    /// Grows with every change.
    pub(crate) revision: i64,
    pub(crate) created_at: Timestamp,
}

// === impl State ===

impl State {
    /// As clients read it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

// === impl Media ===

impl Media {
    /// Every one of them.
    pub(crate) const ALL: [Self; 3] = [Self::Json, Self::Text, Self::Compatible];

    /// As it is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Compatible => "compatible",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }
}
