//! Writes `summary_text`: what it was about, then what was said, in order.

use super::analysis::Analysis;
use super::phrases::{Phrase, distinct};
use super::report::{Reported, report};
use super::select::{Pick, Said, candidates, select};
use crate::lang::Language;
use crate::options::Options;
use crate::sentences::length;
use crate::summary::{Point, Summary};

/// Sentences longer than this are cut at a comma or left out.
const LONGEST: usize = 32;

/// Fills `summary_text` and `sentences`.
pub(crate) fn write(analysis: &Analysis<'_>, options: &Options, summary: &mut Summary) {
    let limit = limit(analysis, options);
    let writer = Writer { analysis, english: analysis.lexicon.language == Language::English };
    let lead = writer.lead(limit);
    let mut said = Said::nothing(analysis);
    let mut used = 0;
    if let Some((point, terms)) = &lead {
        said.mention(terms);
        used = length(&point.text);
    }
    let pool = candidates(analysis, |sentence| analysis.sentences[sentence].length >= 4);
    let mut picks =
        select(analysis, pool, &mut said, limit.saturating_sub(used), |sentence| writer.cost(sentence));
    let mut points = writer.body(&mut picks);
    if let Some((point, _)) = lead {
        points.insert(0, point);
    }
    cut(&mut points, options.length.words());
    summary.summary_text = points.iter().map(|point| point.text.as_str()).collect::<Vec<_>>().join(" ");
    summary.sentences = points;
}

/// A summary is shorter than what it summarises: a third of a short chat, whatever was allowed.
fn limit(analysis: &Analysis<'_>, options: &Options) -> usize {
    let words: usize = analysis.sentences.iter().map(|sentence| sentence.length).sum();
    options.length.words().min((words * 2 / 5).max(24))
}

/// The promise is kept whatever went before: at most `limit` words.
fn cut(points: &mut Vec<Point>, limit: usize) {
    let mut left = limit;
    points.retain_mut(|point| {
        let words = point.text.split_whitespace().count();
        if words > left {
            let kept: Vec<&str> = point.text.split_whitespace().take(left).collect();
            point.text = kept.join(" ");
            if !point.text.is_empty() && !point.text.ends_with('.') {
                point.text = format!("{}…", point.text.trim_end_matches([',', ';', ':']));
            }
        }
        left = left.saturating_sub(words);
        !point.text.is_empty()
    });
}

struct Writer<'a> {
    analysis: &'a Analysis<'a>,
    english: bool,
}

impl Writer<'_> {
    /// "The meeting was about the remote control, the battery and the budget."
    fn lead(&self, limit: usize) -> Option<(Point, Vec<u32>)> {
        let analysis = self.analysis;
        if limit < 50 {
            return None;
        }
        let wanted = if limit < 100 { 3 } else { 5 };
        let phrases = distinct(&analysis.phrases, wanted, |_| true);
        if phrases.len() < 2 {
            return None;
        }
        let terms = phrases.iter().flat_map(|phrase| phrase.terms.clone()).collect();
        let mut cited: Vec<u32> =
            phrases.iter().filter_map(|phrase| phrase.sentences.first().copied()).collect();
        cited.sort_unstable();
        cited.dedup();
        let messages = cited
            .iter()
            .flat_map(|sentence| analysis.cited(*sentence as usize).into_iter().take(1))
            .collect();
        let list = self.listed(&phrases);
        let text =
            if self.english { format!("The {} was about {list}.", self.noun()) } else { format!("{list}.") };
        Some((Point { text, speaker: None, messages }, terms))
    }

    fn listed(&self, phrases: &[&Phrase]) -> String {
        let names: Vec<&str> = phrases.iter().map(|phrase| phrase.text.as_str()).collect();
        match names.split_last() {
            Some((last, front)) if self.english && !front.is_empty() => {
                format!("{} and {last}", front.join(", "))
            }
            _ => {
                let list = names.join(" · ");
                let mut letters = list.chars();
                letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
            }
        }
    }

    /// What the speakers themselves call it.
    fn noun(&self) -> &'static str {
        let says = |word: &str| {
            self.analysis.conversation.items.iter().any(|item| item.text.to_lowercase().contains(word))
        };
        if !self.analysis.punctuated {
            return "conversation";
        }
        if says("meeting") { "meeting" } else { "conversation" }
    }

    fn told(&self, sentence: usize) -> Reported {
        let text = shortened(&self.analysis.sentences[sentence].text);
        report(&text, |word| self.analysis.lexicon.is_empty_word(word) || !self.analysis.is_name(word))
    }

    /// The words that a sentence takes with its speaker and verb.
    fn cost(&self, sentence: usize) -> usize {
        length(&self.alone(sentence, "")) + usize::from(self.english)
    }

    fn alone(&self, sentence: usize, link: &str) -> String {
        let name = self.analysis.speaker(sentence);
        let text = shortened(&self.analysis.sentences[sentence].text);
        if !self.english {
            return format!("{name}: {}", ended(&text));
        }
        let Reported { verb, clause } = self.told(sentence);
        match verb {
            Some(verb) => format!("{link}{name} {verb} {}", ended(&clause)),
            None if clause.ends_with('?') => format!("{link}{name} asked: “{clause}”"),
            None => format!("{link}{name}: {}", ended(&clause)),
        }
    }

    /// The sentences in the order of the conversation, linked.
    fn body(&self, picks: &mut [Pick]) -> Vec<Point> {
        picks.sort_by_key(|pick| pick.sentence);
        let mut topic = None;
        let mut points = Vec::new();
        let last = picks.last().map(|pick| self.analysis.topic_of(pick.sentence));
        for pick in picks.iter() {
            let here = self.analysis.topic_of(pick.sentence);
            let link = match topic {
                _ if !self.english => "",
                None => "",
                Some(before) if before == here => "",
                Some(_) if Some(here) == last => "Finally, ",
                Some(_) => ["Then ", "After that, ", "Later, "][here % 3],
            };
            topic = Some(here);
            points.push(Point {
                text: self.alone(pick.sentence, link),
                speaker: Some(self.analysis.speaker(pick.sentence).to_owned()),
                messages: self.analysis.cited(pick.sentence),
            });
        }
        points
    }
}

/// A long sentence up to the last comma that leaves a whole clause.
pub(crate) fn shortened(text: &str) -> String {
    if length(text) <= LONGEST {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let cut = (8..LONGEST.min(words.len())).rev().find(|at| words[at - 1].ends_with([',', ';', ':']));
    match cut {
        Some(at) => words[..at].join(" ").trim_end_matches([',', ';', ':']).to_owned(),
        None => words[..LONGEST.min(words.len())].join(" "),
    }
}

/// With a stop at the end.
pub(crate) fn ended(text: &str) -> String {
    let text = text.trim_end_matches([',', ';', ':', ' ']);
    if text.ends_with(['.', '!', '?', '…', '。', '！', '？', '"', '”']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
