//! For people at a terminal.

use std::fmt::Write;

use super::{headline, printable, terms_of};
use crate::summary::{Point, Summary};

/// Lines are broken so that they fit this many columns.
const COLUMNS: usize = 100;

pub(super) fn render(summary: &Summary) -> String {
    let mut page = String::new();
    if !summary.summary_text.is_empty() {
        wrap(&mut page, "", &printable(&summary.summary_text));
        page.push('\n');
    }
    points(&mut page, "Key points", &summary.key_points);
    points(&mut page, "Decisions", &summary.decisions);
    let tasks: Vec<String> = summary
        .action_items
        .iter()
        .map(|item| format!("{} ({}) {}", item.description, terms_of(item), cited(&item.messages)))
        .collect();
    list(&mut page, "Action items", &tasks);
    points(&mut page, "Open questions", &summary.open_questions);
    let terms: Vec<String> =
        summary.technical_terms.iter().map(|term| format!("{} ({})", term.term, term.count)).collect();
    if !terms.is_empty() {
        list(&mut page, "Technical terms", &[terms.join(", ")]);
    }
    let people: Vec<String> = summary
        .participants
        .iter()
        .map(|person| {
            let said = if person.key_contribution.is_empty() { "" } else { ": " };
            format!("{} ({}){said}{}", person.name, person.message_count, person.key_contribution)
        })
        .collect();
    list(&mut page, "Participants", &people);
    let _ = writeln!(page, "{}", printable(&headline(summary)));
    for warning in &summary.metadata.warnings {
        let _ = writeln!(page, "{}: {}", warning.code, printable(&warning.message));
    }
    page
}

fn points(page: &mut String, title: &str, points: &[Point]) {
    let lines: Vec<String> = points
        .iter()
        .map(|point| match &point.speaker {
            Some(speaker) => format!("{speaker}: {} {}", point.text, cited(&point.messages)),
            None => format!("{} {}", point.text, cited(&point.messages)),
        })
        .collect();
    list(page, title, &lines);
}

fn cited(messages: &[String]) -> String {
    if messages.is_empty() { String::new() } else { format!("[{}]", messages.join(", ")) }
}

fn list(page: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(page, "{title}");
    for line in lines {
        wrap(page, "  - ", &printable(line));
    }
    page.push('\n');
}

/// Breaks a line between words; later lines are indented as far as the first.
fn wrap(page: &mut String, bullet: &str, line: &str) {
    let mut width = bullet.chars().count();
    page.push_str(bullet);
    let mut first = true;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if !first && width + 1 + length > COLUMNS {
            page.push('\n');
            page.push_str(&" ".repeat(bullet.chars().count()));
            width = bullet.chars().count();
        } else if !first {
            page.push(' ');
            width += 1;
        }
        page.push_str(word);
        width += length;
        first = false;
    }
    page.push('\n');
}
