//! Who is to do what, by when.

use super::analysis::Analysis;
use super::compose::{ended, shortened};
use super::deadline::deadline;
use super::lists::best;
use crate::lang::{Language, Marks};
use crate::sentences::capitalised;
use crate::summary::{ActionItem, Priority};

/// The tasks that were given or taken, in order.
pub(crate) fn action_items(analysis: &Analysis<'_>, entries: usize) -> Vec<ActionItem> {
    let english = analysis.lexicon.language == Language::English;
    let is_one = |sentence: usize| {
        let spoken = &analysis.sentences[sentence];
        let binds = spoken.marks.has(Marks::BINDS) && !spoken.marks.has(Marks::IDLE_TALK);
        (4..=40).contains(&spoken.length)
            && (!spoken.question || spoken.marks.has(Marks::REQUESTS))
            && !analysis.bag(sentence).is_empty()
            && spoken.marks.has(Marks::ASSIGNS)
            && (binds || !english || deadline(&spoken.text).is_some())
    };
    best(analysis, entries, is_one).into_iter().map(|sentence| action_item(analysis, sentence)).collect()
}

fn action_item(analysis: &Analysis<'_>, sentence: usize) -> ActionItem {
    let spoken = &analysis.sentences[sentence];
    let priority = if spoken.marks.has(Marks::CAN_WAIT) {
        Priority::Low
    } else if spoken.marks.has(Marks::URGENT) {
        Priority::High
    } else {
        Priority::Medium
    };
    ActionItem {
        description: capitalised(&ended(&shortened(&spoken.text))),
        assignee: assignee(analysis, sentence),
        priority,
        deadline: deadline(&spoken.text),
        messages: analysis.cited(sentence),
    }
}

/// "I will" is the speaker; "anna will", "@anna can you" and "anna: please" are anna.
fn assignee(analysis: &Analysis<'_>, sentence: usize) -> Option<String> {
    let spoken = &analysis.sentences[sentence];
    if spoken.marks.has(Marks::MINE) {
        return Some(analysis.name(spoken.author).to_owned());
    }
    if let Some(to) = spoken.to {
        return Some(analysis.name(to).to_owned());
    }
    // A participant named right before "will", "should" or the like, or after "can" / ",".
    let mut before: Option<u32> = None;
    for word in spoken.text.split_whitespace() {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
        let acts = matches!(
            bare.as_str(),
            "will"
                | "should"
                | "has"
                | "needs"
                | "must"
                | "can"
                | "could"
                | "to"
                | "please"
                | "wird"
                | "soll"
                | "muss"
                | "va"
                | "debe"
                | "deve"
                | "zal"
                | "moet"
                | "kümmert"
                | "übernimmt"
        );
        if let Some(person) = before.filter(|_| acts) {
            return Some(analysis.name(person).to_owned());
        }
        before = analysis.names.find(word);
        if before.is_some() && (word.starts_with('@') || word.ends_with(',')) {
            return before.map(|person| analysis.name(person).to_owned());
        }
    }
    None
}
