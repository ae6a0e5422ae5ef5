//! What a summary says in Discord, line by line.

use super::escape::{escaped, quiet};
use super::lengths::cut;
use super::line::Line;
use super::links::Links;
use crate::document::Document;
use crate::render::{headline, terms_of};
use crate::summary::{Participant, Point, Summary, Term};

/// Names are not longer than this, in letters.
const NAME: usize = 100;

/// The whole summary.
pub(super) fn lines(document: &Document) -> Vec<Line> {
    let (summary, jumps) = (&document.summary, Links::of(&document.origin));
    let mut lines = Vec::new();
    for warning in &summary.metadata.warnings {
        lines.extend(Line::wrapped("⚠ ", &warning.message, ""));
    }
    text(&mut lines, summary, &jumps);
    points(&mut lines, "Key points", &summary.key_points, &jumps);
    points(&mut lines, "Decisions", &summary.decisions, &jumps);
    section(&mut lines, "Action items", &summary.action_items, |item| {
        let terms = escaped(&cut(&terms_of(item), 3 * NAME));
        Line::wrapped("- ", &item.description, &format!(" *({terms})*{}", jumps.behind(&item.messages)))
    });
    points(&mut lines, "Open questions", &summary.open_questions, &jumps);
    terms(&mut lines, &summary.technical_terms);
    section(&mut lines, "Participants", &summary.participants, |person| participant(person, &jumps));
    lines
}

/// Which engine wrote it, what for, and about how much.
pub(super) fn footer(document: &Document) -> String {
    let summary = &document.summary;
    let engine = Some(&summary.metadata.engine).filter(|engine| !engine.is_empty());
    let parts = engine.cloned().into_iter().chain([headline(summary)]);
    quiet(&parts.collect::<Vec<_>>().join(" · "))
}

/// The running text. Each of its sentences has its links, if the sentences are the text.
fn text(lines: &mut Vec<Line>, summary: &Summary, jumps: &Links<'_>) {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let of_sentences: Vec<String> = summary.sentences.iter().flat_map(|point| words(&point.text)).collect();
    if of_sentences == words(&summary.summary_text) {
        for sentence in &summary.sentences {
            lines.extend(Line::wrapped("", &sentence.text, &jumps.behind(&sentence.messages)));
        }
        return;
    }
    for paragraph in summary.summary_text.lines() {
        lines.extend(Line::wrapped("", paragraph, ""));
    }
    let mut cited: Vec<String> = Vec::new();
    for message in summary.sentences.iter().flat_map(|point| &point.messages) {
        if !cited.contains(message) {
            cited.push(message.clone());
        }
    }
    lines.extend(Line::wrapped("", "", &jumps.behind(&cited)));
}

fn points(lines: &mut Vec<Line>, title: &str, points: &[Point], jumps: &Links<'_>) {
    section(lines, title, points, |point| {
        let front = point.speaker.as_ref().map_or("- ".to_owned(), |name| format!("- **{}:** ", named(name)));
        Line::wrapped(&front, &point.text, &jumps.behind(&point.messages))
    });
}

fn participant(person: &Participant, jumps: &Links<'_>) -> Vec<Line> {
    let said = if person.key_contribution.is_empty() { "" } else { ": " };
    let front = format!("- **{}** ({}){said}", named(&person.name), person.message_count);
    Line::wrapped(&front, &person.key_contribution, &jumps.behind(&person.messages))
}

fn terms(lines: &mut Vec<Line>, terms: &[Term]) {
    if !terms.is_empty() {
        let list: Vec<String> = terms.iter().map(|term| format!("{} ({})", term.term, term.count)).collect();
        lines.push(Line::heading("Technical terms"));
        lines.extend(Line::wrapped("", &list.join(", "), ""));
    }
}

fn section<T>(lines: &mut Vec<Line>, title: &str, entries: &[T], written: impl Fn(&T) -> Vec<Line>) {
    if entries.is_empty() {
        return;
    }
    lines.push(Line::heading(title));
    lines.extend(entries.iter().flat_map(written));
}

pub(super) fn named(name: &str) -> String {
    escaped(&cut(name.trim(), NAME))
}
