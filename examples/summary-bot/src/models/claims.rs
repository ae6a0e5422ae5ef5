//! What a model claims about a conversation, each claim with the ids that it names.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Priority;

/// Everything that one answer claims.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The sentences of the summary's text.
    pub(crate) summary: Vec<Claim>,
    pub(crate) key_points: Vec<Claim>,
    pub(crate) decisions: Vec<Claim>,
    pub(crate) action_items: Vec<Task>,
    pub(crate) open_questions: Vec<Claim>,
}

/// A statement and the ids that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) text: String,
    pub(crate) messages: Vec<String>,
}

/// Something that somebody is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) description: String,
    pub(crate) assignee: Option<String>,
    pub(crate) priority: Priority,
    pub(crate) deadline: Option<String>,
    pub(crate) messages: Vec<String>,
}

/// The lists of statements, by the names that the schema gives them.
pub(crate) const LISTS: [&str; 4] = ["summary", "key_points", "decisions", "open_questions"];

// === impl Claims ===

impl Claims {
    /// Reads JSON that follows the schema, or nearly: models leave members out, and write strings for lists.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let known = |name: &str| LISTS.contains(&name) || name == "action_items" || name == "summary_text";
        if !members.keys().any(|name| known(name)) {
            return None;
        }
        let list = |name: &str| entries(&value[name]).into_iter().filter_map(claim).collect::<Vec<_>>();
        let mut claims = Self {
            summary: list("summary"),
            key_points: list("key_points"),
            decisions: list("decisions"),
            action_items: entries(&value["action_items"]).into_iter().filter_map(task).collect(),
            open_questions: list("open_questions"),
        };
        if claims.summary.is_empty() {
            claims.summary = list("summary_text");
        }
        Some(claims)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.lists().iter().map(|(_, list)| list.len()).sum::<usize>() + self.action_items.len()
    }

    /// The lists of statements with their names.
    pub(crate) fn lists(&self) -> [(&'static str, &Vec<Claim>); 4] {
        let lists = [&self.summary, &self.key_points, &self.decisions, &self.open_questions];
        let mut at = 0;
        lists.map(|list| {
            at += 1;
            (LISTS[at - 1], list)
        })
    }

    /// The same, to be changed.
    pub(crate) fn lists_mut(&mut self) -> [&mut Vec<Claim>; 4] {
        [&mut self.summary, &mut self.key_points, &mut self.decisions, &mut self.open_questions]
    }

    /// Adds those of a later part.
    pub(crate) fn extend(&mut self, later: Self) {
        self.summary.extend(later.summary);
        self.key_points.extend(later.key_points);
        self.decisions.extend(later.decisions);
        self.action_items.extend(later.action_items);
        self.open_questions.extend(later.open_questions);
    }
}

/// A list; what should be one and is not counts as its only entry.
fn entries(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(entries) => entries.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn claim(value: &Value) -> Option<Claim> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => first_text(other, &["text", "statement", "point", "sentence", "question", "description"])?,
    };
    let messages = ids(value);
    (!text.trim().is_empty()).then_some(Claim { text, messages })
}

fn task(value: &Value) -> Option<Task> {
    let description = match value {
        Value::String(text) => text.clone(),
        other => first_text(other, &["description", "text", "task"])?,
    };
    let priority = match first_text(value, &["priority"]).unwrap_or_default().to_lowercase().as_str() {
        "high" | "urgent" | "critical" => Priority::High,
        "low" => Priority::Low,
        _ => Priority::Medium,
    };
    let maybe = |name: &str| first_text(value, &[name]).filter(|text| !is_nothing(text));
    let task = Task {
        assignee: maybe("assignee"),
        deadline: maybe("deadline"),
        messages: ids(value),
        description,
        priority,
    };
    (!task.description.trim().is_empty()).then_some(task)
}

fn first_text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value[*name].as_str()).map(str::to_owned)
}

/// What models write where they should write null.
fn is_nothing(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "" | "null" | "none" | "n/a" | "unassigned" | "unknown")
}

fn ids(value: &Value) -> Vec<String> {
    let named = ["messages", "message_ids", "citations", "ids", "sources"];
    let ids = named.iter().map(|name| entries(&value[*name])).find(|ids| !ids.is_empty()).unwrap_or_default();
    ids.into_iter().filter_map(Value::as_str).flat_map(split_ids).collect()
}

/// `m1`, `[m1]`, `m1, m2`.
pub(crate) fn split_ids(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_');
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
