//! Renderings of a summary. What comes from messages is made harmless for where it goes.

mod html;
mod markdown;
mod text;

use crate::summary::Summary;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendering {
    /// `summary_text` alone.
    SummaryText,
    /// For people at a terminal: the summary, then the lists.
    Text,
    /// Headings and lists.
    Markdown,
    /// The whole [`Summary`].
    Json,
    /// A page of its own, without script.
    Html,
}

/// The summary in one piece, with a line end.
///
/// ```
/// use summary_bot::{Summary, render};
///
/// let summary = Summary { summary_text: "They shipped.".to_owned(), ..Summary::default() };
/// assert_eq!(render::render(&summary, render::Rendering::SummaryText), "They shipped.\n");
/// ```
pub fn render(summary: &Summary, rendering: Rendering) -> String {
    match rendering {
        Rendering::SummaryText => format!("{}\n", printable(&summary.summary_text)),
        Rendering::Text => text::render(summary),
        Rendering::Markdown => markdown::render(summary),
        Rendering::Json => json(summary),
        Rendering::Html => html::render(summary),
    }
}

fn json(summary: &Summary) -> String {
    let text = serde_json::to_string_pretty(summary).expect("a summary holds strings and numbers only");
    text + "\n"
}

/// Without control characters and what turns text around, so that no message can drive a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|letter| if crate::clean::is_hidden(letter) { ' ' } else { letter }).collect()
}

/// What all renderings say about the conversation as a whole.
pub(crate) fn headline(summary: &Summary) -> String {
    let about = &summary.metadata;
    let count = |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let people = count(about.participant_count, "participant");
    let messages = count(about.messages_counted, "message");
    match (&about.first_message, &about.last_message) {
        (Some(first), Some(last)) => format!("{messages}, {people}, {first} to {last}"),
        _ => format!("{messages}, {people}"),
    }
}

/// What a task says beside its description: "anna, high, by Friday".
pub(crate) fn terms_of(item: &crate::summary::ActionItem) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(item.assignee.clone());
    parts.push(item.priority.to_string());
    parts.extend(item.deadline.clone());
    parts.join(", ")
}
