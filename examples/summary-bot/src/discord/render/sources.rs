//! "Tell me why": each statement with the messages that it came from.

use std::collections::HashMap;

use super::body::named;
use super::lengths::DESCRIPTION;
use super::line::{Line, pages};
use super::links::Links;
use crate::discord::reply::{Embed, Reply};
use crate::document::{Citation, Document};

/// So much of a cited message is quoted, in letters.
const QUOTE: usize = 300;
/// What is longer is in the file, or in the channel itself.
const MOST_MESSAGES: usize = 2;

/// The sources of a summary, for whoever asked only.
pub(crate) fn sources(document: &Document) -> Vec<Reply> {
    let summary = &document.summary;
    let jumps = Links::of(&document.origin);
    let cited: HashMap<&str, &Citation> =
        document.citations.iter().map(|citation| (citation.id.as_str(), citation)).collect();
    let points = [&summary.sentences, &summary.key_points, &summary.decisions, &summary.open_questions];
    let points = points.into_iter().flatten().map(|point| (&point.text, &point.messages));
    let tasks = summary.action_items.iter().map(|item| (&item.description, &item.messages));
    let mut lines = Vec::new();
    for (text, messages) in points.chain(tasks) {
        let sources: Vec<&Citation> =
            messages.iter().filter_map(|id| cited.get(id.as_str()).copied()).collect();
        if !sources.is_empty() {
            lines.extend(Line::wrapped("**", text, "**"));
            lines.extend(sources.into_iter().flat_map(|citation| quoted(citation, &jumps)));
        }
    }
    let mut pages = pages(lines, DESCRIPTION);
    if pages.is_empty() {
        pages.push("Nothing in this summary names the messages that it came from.".to_owned());
    }
    let more = pages.len() > MOST_MESSAGES;
    pages.truncate(MOST_MESSAGES);
    let framed = |text| Reply::embed(Embed { description: Some(text), ..Embed::default() }).private();
    let mut replies: Vec<Reply> = pages.into_iter().map(framed).collect();
    if let Some(last) = replies.last_mut().filter(|_| more) {
        last.content = Some("And more; these are the first.".to_owned());
    }
    replies
}

fn quoted(citation: &Citation, jumps: &Links<'_>) -> Vec<Line> {
    let author = named(&citation.author);
    let who = match (jumps.to(&citation.id), &citation.time) {
        (Some(link), Some(time)) => format!("> {author}, [{}]({link}): ", named(time)),
        (Some(link), None) => format!("> {author}, [here]({link}): "),
        (None, Some(time)) => format!("> {author}, {}: ", named(time)),
        (None, None) => format!("> {author}: "),
    };
    let text: String = citation.text.chars().take(QUOTE).collect();
    let more = if text.len() < citation.text.len() { "…" } else { "" };
    Line::wrapped(&who, &text, more)
}
