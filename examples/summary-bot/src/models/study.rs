//! What is known of a conversation before a model is asked: the offline engine's summary, and what to send.

use std::sync::OnceLock;

use super::material::Material;
use super::parts::Seams;
use super::prompts::{Brief, PromptSet, Prompts, language_code};
use super::support::Support;
use crate::engine;
use crate::order::{Order, Wish};
use crate::{Asked, Conversation, Options, Origin, Summary, Warning};

/// An order, studied.
#[derive(Debug)]
pub(crate) struct Study {
    pub(crate) conversation: Conversation,
    pub(crate) options: Options,
    pub(crate) asked: Asked,
    pub(crate) title: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) wish: Wish,
    /// What is to be said of how it was read.
    pub(crate) warnings: Vec<Warning>,
    /// What the offline engine makes of it.
    pub(crate) offline: Summary,
    /// What models get; nothing if none is to be asked.
    pub(crate) task: Option<Task>,
}

/// What models get.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) material: Material,
    pub(crate) hash: String,
    pub(crate) seams: Seams,
    pub(crate) prompts: PromptSet,
    pub(crate) brief: Brief,
    support: OnceLock<Support>,
}

// === impl Study ===

impl Study {
    /// Takes a while, off the workers. With `prompts` models are to be asked.
    pub(crate) fn of(order: Order, prompts: Option<&Prompts>) -> Self {
        let Order { conversation, options, asked, title, origin, wish, warnings } = order;
        let (offline, topics) = engine::study(&conversation, &options);
        let task = prompts.map(|prompts| {
            let material = Material::of(&conversation);
            let brief = Brief {
                words: options.length.words(),
                entries: options.length.entries(),
                language: wish.language.as_deref().and_then(language_code),
                perspective: asked.perspective.clone(),
                wish: wish.custom_prompt.clone().filter(|wish| !wish.trim().is_empty()),
            };
            Task {
                hash: material.hash(),
                seams: Seams::of(&conversation, &topics),
                prompts: prompts.read(origin.guild_id.as_deref()),
                support: OnceLock::new(),
                material,
                brief,
            }
        });
        Self { conversation, options, asked, title, origin, wish, warnings, offline, task }
    }

    /// Where a statement can have come from that cites nothing.
    pub(crate) fn found(&self, task: &Task, statement: &str) -> Vec<usize> {
        task.support.get_or_init(|| Support::of(&self.conversation)).find(statement)
    }

    /// What was said at these places, with who said it.
    pub(crate) fn said(&self, places: &[usize]) -> String {
        let items = places.iter().filter_map(|at| self.conversation.items.get(*at));
        let lines = items.map(|item| {
            let author = self.conversation.people.get(item.author as usize);
            format!("{}: {}\n", author.map_or("", |it| it.name.as_str()), item.text)
        });
        lines.collect()
    }
}
