//! Headings and lists, for wikis, tickets and chats.

use std::fmt::Write;

use super::{headline, printable, terms_of};
use crate::summary::{Point, Summary};

pub(super) fn render(summary: &Summary) -> String {
    let mut page = String::from("# Summary\n\n");
    if !summary.summary_text.is_empty() {
        let _ = writeln!(page, "{}\n", escaped(&summary.summary_text));
    }
    points(&mut page, "Key points", &summary.key_points);
    points(&mut page, "Decisions", &summary.decisions);
    section(&mut page, "Action items", &summary.action_items, |item| {
        format!("{} *({})*{}", escaped(&item.description), escaped(&terms_of(item)), cited(&item.messages))
    });
    points(&mut page, "Open questions", &summary.open_questions);
    section(&mut page, "Technical terms", &summary.technical_terms, |term| {
        format!("{} ({})", escaped(&term.term), term.count)
    });
    section(&mut page, "Participants", &summary.participants, |person| {
        let said = if person.key_contribution.is_empty() { "" } else { ": " };
        format!(
            "**{}** ({}){said}{}",
            escaped(&person.name),
            person.message_count,
            escaped(&person.key_contribution)
        )
    });
    let _ = writeln!(page, "{}", escaped(&headline(summary)));
    for warning in &summary.metadata.warnings {
        let _ = writeln!(page, "\n> `{}` {}", warning.code, escaped(&warning.message));
    }
    page
}

fn points(page: &mut String, title: &str, points: &[Point]) {
    section(page, title, points, |point| match &point.speaker {
        Some(speaker) => {
            format!("**{}:** {}{}", escaped(speaker), escaped(&point.text), cited(&point.messages))
        }
        None => format!("{}{}", escaped(&point.text), cited(&point.messages)),
    });
}

fn section<T>(page: &mut String, title: &str, entries: &[T], written: impl Fn(&T) -> String) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(page, "## {title}\n");
    for entry in entries {
        let _ = writeln!(page, "- {}", written(entry));
    }
    page.push('\n');
}

fn cited(messages: &[String]) -> String {
    if messages.is_empty() { String::new() } else { format!(" \\[{}\\]", escaped(&messages.join(", "))) }
}

/// What messages hold stays text: no markup, no HTML, no link.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(letter);
            }
            _ => safe.push(letter),
        }
    }
    safe
}
