//! What a model is given to read: one JSON object a line, with short ids, between lines that nobody can forge.

use std::collections::HashMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::tokens;
use crate::Conversation;

/// Bytes of a message that a model gets to read.
const LONGEST: usize = 8 * 1024;

/// Lines for a prompt, and what their ids stand for.
#[derive(Debug, Default)]
pub(crate) struct Material {
    pub(crate) lines: Vec<Line>,
}

/// A line with its size.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) json: String,
    /// Estimated.
    pub(crate) tokens: u64,
}

/// A text between its two marks.
#[derive(Debug)]
pub(crate) struct Enclosed {
    /// What the marks have in them.
    pub(crate) boundary: String,
    pub(crate) text: String,
}

// === impl Material ===

impl Material {
    /// Every message that was kept. Ids are `m1`, `m2` …: shorter than Discord's, and nobody else chooses them.
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let items = &conversation.items;
        let numbers: HashMap<&str, usize> =
            items.iter().enumerate().map(|(at, item)| (item.id.as_ref(), at)).collect();
        let line = |at: usize| {
            let item = &items[at];
            let author = conversation.people.get(item.author as usize).map_or("", |it| it.name.as_str());
            let mut object = json!({"id": id(at), "author": author, "text": shortened(&item.text)});
            if let Some(time) = item.time {
                object["time"] = json!(time.to_string());
            }
            if let Some(answered) = item.reply_to.as_deref().and_then(|to| numbers.get(to)) {
                object["reply_to"] = json!(id(*answered));
            }
            if item.reactions > 0 {
                object["reactions"] = json!(item.reactions);
            }
            if item.action {
                object["done"] = json!(true);
            }
            Line::of(object.to_string())
        };
        Self { lines: (0..items.len()).map(line).collect() }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.lines.iter().map(|line| line.tokens).sum()
    }

    /// What it says, for a key that is the same wherever the same is said.
    pub(crate) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for line in &self.lines {
            hash.update(line.json.as_bytes());
            hash.update(b"\n");
        }
        hex(&hash.finalize())
    }
}

// === impl Line ===

impl Line {
    pub(crate) fn of(json: String) -> Self {
        Self { tokens: tokens::estimate(&json) + 1, json }
    }
}

// === impl Enclosed ===

impl Enclosed {
    /// The marks are made of what stands between them, so that nobody can have written them into it.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut hash = Sha256::new();
        for line in lines {
            hash.update(line.json.as_bytes());
        }
        let boundary = hex(&hash.finalize())[..12].to_owned();
        let body: Vec<&str> = lines.iter().map(|line| line.json.as_str()).collect();
        let text = format!("<<<{boundary}\n{}\n{boundary}>>>", body.join("\n"));
        Self { boundary, text }
    }
}

/// The id of the message at this place.
pub(crate) fn id(at: usize) -> String {
    format!("m{}", at + 1)
}

/// The place of the message with this id.
pub(crate) fn place(id: &str, letter: char) -> Option<usize> {
    id.strip_prefix(letter)?.parse::<usize>().ok()?.checked_sub(1)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST)])
}
