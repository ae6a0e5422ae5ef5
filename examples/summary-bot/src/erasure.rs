//! Takes a person out of a summary.

use std::collections::HashSet;

use crate::document::Document;
use crate::summary::{Point, Summary};

/// What stands where a name stood.
pub(crate) const ERASED: &str = "[erased]";

/// The document without somebody: what they wrote goes, what others said stays without their name.
///
/// `names` are the names under which the summary knows them. Somebody else of the same name goes, too: better so than
/// the other way round.
pub(crate) fn without(mut document: Document, user: &str, names: &[String]) -> Document {
    let whose = |name: &str| names.iter().any(|known| known == name);
    let theirs: HashSet<String> = document
        .citations
        .iter()
        .filter(|citation| whose(&citation.author))
        .map(|citation| citation.id.clone())
        .collect();
    let eraser = Eraser { names, theirs };
    document.citations.retain(|citation| !eraser.theirs.contains(&citation.id));
    for citation in &mut document.citations {
        citation.text = eraser.nameless(&citation.text);
    }
    document.title = eraser.nameless(&document.title);
    document.options.exclude_users.retain(|excluded| excluded != user && !whose(excluded));
    if document.origin.requested_by.as_deref() == Some(user) {
        document.origin.requested_by = None;
    }
    document.people.retain(|(id, _)| id != user);
    eraser.summary(&mut document.summary);
    document
}

struct Eraser<'a> {
    names: &'a [String],
    /// The messages that they wrote.
    theirs: HashSet<String>,
}

// === impl Eraser ===

impl Eraser<'_> {
    fn summary(&self, summary: &mut Summary) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let of_sentences: Vec<String> =
            summary.sentences.iter().flat_map(|point| words(&point.text)).collect();
        let made_of_sentences = of_sentences == words(&summary.summary_text);
        self.points(&mut summary.sentences);
        summary.summary_text = if made_of_sentences {
            summary.sentences.iter().map(|point| point.text.as_str()).collect::<Vec<_>>().join(" ")
        } else {
            self.nameless(&summary.summary_text)
        };
        self.points(&mut summary.key_points);
        self.points(&mut summary.decisions);
        self.points(&mut summary.open_questions);
        summary.action_items.retain(|item| !self.is_theirs(&item.messages));
        for item in &mut summary.action_items {
            item.description = self.nameless(&item.description);
            item.assignee = item.assignee.take().filter(|name| !self.names.contains(name));
            self.unlink(&mut item.messages);
        }
        summary.technical_terms.iter_mut().for_each(|term| self.unlink(&mut term.messages));
        summary.participants.retain(|person| !self.names.contains(&person.name));
        for person in &mut summary.participants {
            person.key_contribution = self.nameless(&person.key_contribution);
        }
    }

    fn points(&self, points: &mut Vec<Point>) {
        points.retain(|point| {
            let said = point.speaker.as_ref().is_some_and(|speaker| self.names.contains(speaker));
            !said && !self.is_theirs(&point.messages)
        });
        for point in points {
            point.text = self.nameless(&point.text);
            self.unlink(&mut point.messages);
        }
    }

    /// Whether nobody else said it.
    fn is_theirs(&self, messages: &[String]) -> bool {
        !messages.is_empty() && messages.iter().all(|id| self.theirs.contains(id))
    }

    fn unlink(&self, messages: &mut Vec<String>) {
        messages.retain(|id| !self.theirs.contains(id));
    }

    /// A text without the names, as whole words in any case.
    fn nameless(&self, text: &str) -> String {
        self.names
            .iter()
            .filter(|name| !name.is_empty())
            .fold(text.to_owned(), |text, name| replaced(&text, name))
    }
}

fn replaced(text: &str, name: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let before = kept.chars().next_back().is_some_and(char::is_alphanumeric);
        let end = if before { None } else { begins(rest, name) };
        if let Some(end) = end.filter(|end| !rest[*end..].starts_with(char::is_alphanumeric)) {
            kept.push_str(ERASED);
            rest = &rest[end..];
        } else {
            kept.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    kept
}

/// Where the name ends that the text begins with, if it does, in any case.
fn begins(text: &str, name: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    for wanted in name.chars() {
        let (_, letter) = letters.next()?;
        if letter != wanted && !letter.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(letters.next().map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Asked, Collector, Filter, Options, summarize};

    const LOG: &str = "[14:01] <anna> The pump is broken again, Ben, and the water is cold since Monday.\n\
        [14:02] <ben> I'll order a new pump by Friday, the old pump cannot be repaired.\n\
        [14:03] <cleo> We decided that ben pays for the pump from the repair budget.\n\
        [14:04] <anna> Who tells the neighbours that the water is off on Friday?\n\
        [14:05] <ben> The neighbours know about the water, I wrote to all of them.\n";

    fn document() -> Document {
        let mut collector = Collector::new(Filter::default());
        crate::read::read(LOG.as_bytes(), "", &mut |message| collector.push(message)).expect("a log");
        let conversation = collector.finish();
        let summary = summarize(&conversation, &Options::default());
        Document::new(None, Asked::default(), &conversation, summary)
    }

    #[test]
    fn nothing_of_them_is_left() {
        let document = document();
        let before = serde_json::to_string(&document).expect("JSON");
        assert!(before.contains("ben") && before.contains("I'll order"), "{before}");
        let after = serde_json::to_string(&without(document, "ben", &["ben".to_owned()])).expect("JSON");
        assert!(!after.to_lowercase().contains("ben"), "{after}");
        assert!(!after.contains("order a new pump") && !after.contains("wrote to all"), "{after}");
    }

    #[test]
    fn what_others_said_stays_without_the_name() {
        let after = without(document(), "ben", &["ben".to_owned()]);
        let kept: Vec<&str> = after.citations.iter().map(|citation| citation.text.as_str()).collect();
        assert!(kept.iter().any(|text| text.contains("broken again, [erased], and")), "{kept:?}");
        assert!(after.summary.participants.iter().any(|person| person.name == "anna"));
    }

    #[test]
    fn the_text_goes_on_being_made_of_its_sentences() {
        let after = without(document(), "ben", &["ben".to_owned()]);
        let sentences: Vec<&str> = after.summary.sentences.iter().map(|point| point.text.as_str()).collect();
        assert_eq!(after.summary.summary_text, sentences.join(" "));
    }

    #[test]
    fn only_whole_words_are_names() {
        assert_eq!(
            replaced("Ben and Benno, ben's; Reuben BEN", "ben"),
            "[erased] and Benno, [erased]'s; Reuben [erased]"
        );
        assert_eq!(replaced("İben Ben", "ben"), "İben [erased]");
    }

    #[test]
    fn nobody_is_taken_out_for_another() {
        let before = document();
        let after = without(before.clone(), "dora", &["dora".to_owned()]);
        assert_eq!(serde_json::to_value(after).expect("JSON"), serde_json::to_value(before).expect("JSON"));
    }
}
