//! What is to be summarised, for whom, and how.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Asked, Conversation, Options, Warning};

/// A conversation that is to be summarised, whoever asked for it and however it came.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) conversation: Conversation,
    pub(crate) options: Options,
    /// The options as they were given, to be shown beside the summary.
    pub(crate) asked: Asked,
    pub(crate) title: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) wish: Wish,
    /// What whoever reads the summary should know of how the conversation was read.
    pub(crate) warnings: Vec<Warning>,
}

/// Where a conversation comes from, and who may read its summary.
///
/// Without a guild it was uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Discord's id of the server.
    pub guild_id: Option<String>,
    /// Discord's id of the channel or thread; `None` where it is of several together.
    pub channel_id: Option<String>,
    /// Discord's ids of all channels and threads of which it holds something; empty where that is `channel_id` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Who asked: Discord's id of a user, or the subject of a key or token.
    pub requested_by: Option<String>,
    /// Only `requested_by` may read it.
    pub private: bool,
}

// === impl Origin ===

impl Origin {
    /// All channels and threads of which it holds something: who may not read one of them may not read the whole.
    pub(crate) fn sources(&self) -> BTreeSet<&str> {
        self.channel_id.iter().chain(&self.channels).map(String::as_str).collect()
    }
}

/// What the asker would like of a language model. The offline engine grants none of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wish {
    /// The model, by the name that the configuration gives it.
    pub(crate) model: Option<String>,
    /// From 0, which is sober, to 2.
    pub(crate) temperature: Option<f32>,
    /// Further instructions, in the asker's words.
    pub(crate) custom_prompt: Option<String>,
    /// The language to write in, as a code such as `de`; by default the conversation's own.
    pub(crate) language: Option<String>,
}
