//! The frame of a summary: what the conversation was about, and what came up in each part of it.

use super::analysis::Analysis;
use super::phrases::{Phrase, distinct};
use crate::lang::Language;
use crate::summary::Point;

/// What is said about the conversation as a whole, and before each topic.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) lead: Option<Point>,
    pub(crate) topics: Vec<Option<Point>>,
    /// The terms of the lead.
    pub(crate) terms: Vec<u32>,
}

/// A summary shorter than this goes to the point at once.
const SHORTEST: usize = 70;

/// The frame of a summary of `limit` words; empty for short ones.
pub(crate) fn frame(analysis: &Analysis<'_>, limit: usize) -> Frame {
    let topics = analysis.starts.len();
    let mut frame = Frame { topics: vec![None; topics], ..Frame::default() };
    if limit < SHORTEST {
        return frame;
    }
    let phrases = distinct(&analysis.phrases, if limit < 100 { 3 } else { 5 }, |_| true);
    if phrases.len() < 2 {
        return frame;
    }
    frame.terms = phrases.iter().flat_map(|phrase| phrase.terms.clone()).collect();
    let list = listed(analysis, &phrases);
    let english = analysis.lexicon.language == Language::English;
    let text = if english { format!("The {} was about {list}.", noun(analysis)) } else { format!("{list}.") };
    frame.lead =
        Some(Point { text, speaker: None, messages: cited(analysis, &phrases, 0..analysis.sentences.len()) });
    if english && topics > 1 && limit >= 100 {
        let named = if limit < 140 { 2 } else { 3 };
        let mut known = frame.terms.clone();
        frame.topics = (0..topics).map(|topic| intro(analysis, topic, named, &mut known)).collect();
    }
    frame
}

/// "Then they discussed the buttons and the menu": at most `named` things. What was named before is `known`: each topic is told by what is
/// new in it.
fn intro(analysis: &Analysis<'_>, topic: usize, named: usize, known: &mut Vec<u32>) -> Option<Point> {
    let range = analysis.topic(topic);
    let share = range.len() as f64 / analysis.sentences.len().max(1) as f64;
    let mut here: Vec<Phrase> = analysis
        .phrases
        .iter()
        .filter(|phrase| phrase.topics[topic.min(7)] > share)
        .filter(|phrase| !phrase.terms.iter().any(|term| known.contains(term)))
        .map(|phrase| Phrase { score: phrase.score * phrase.topics[topic.min(7)], ..phrase.clone() })
        .collect();
    here.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.terms.cmp(&other.terms)));
    let phrases = distinct(&here, named, |_| true);
    if phrases.is_empty() {
        return None;
    }
    known.extend(phrases.iter().flat_map(|phrase| phrase.terms.iter().copied()));
    let list = listed(analysis, &phrases);
    let link = match topic {
        0 => "First",
        _ if topic + 1 == analysis.starts.len() => "Finally",
        _ => ["Then", "After that", "Later"][topic % 3],
    };
    let said = ["they discussed", "they talked about", "they turned to"][topic % 3];
    let text = format!("{link}, {said} {list}.");
    Some(Point { text, speaker: None, messages: cited(analysis, &phrases, range) })
}

/// The first message within the range for each phrase.
fn cited(analysis: &Analysis<'_>, phrases: &[&Phrase], range: std::ops::Range<usize>) -> Vec<String> {
    let first =
        |phrase: &&Phrase| phrase.sentences.iter().copied().find(|at| range.contains(&(*at as usize)));
    let mut sentences: Vec<u32> = phrases.iter().filter_map(first).collect();
    sentences.sort_unstable();
    sentences.dedup();
    let mut messages: Vec<String> = sentences
        .iter()
        .flat_map(|sentence| analysis.cited(*sentence as usize).into_iter().take(1))
        .collect();
    messages.dedup();
    messages
}

fn listed(analysis: &Analysis<'_>, phrases: &[&Phrase]) -> String {
    let names: Vec<&str> = phrases.iter().map(|phrase| phrase.text.as_str()).collect();
    match names.split_last() {
        _ if analysis.lexicon.language != Language::English => {
            crate::sentences::capitalised(&names.join(" · "))
        }
        Some((last, [])) => (*last).to_owned(),
        Some((last, front)) => format!("{} and {last}", front.join(", ")),
        None => String::new(),
    }
}

/// What the speakers call it themselves; people who talk aloud to each other meet.
fn noun(analysis: &Analysis<'_>) -> &'static str {
    let says = || analysis.conversation.items.iter().any(|item| item.text.to_lowercase().contains("meeting"));
    let company = analysis.conversation.people.len() > 2;
    if analysis.spoken && company || analysis.punctuated && says() { "meeting" } else { "conversation" }
}
