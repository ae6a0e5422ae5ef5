//! Writes `summary_text`: what it was about, then what was said, topic by topic, in order.

use super::analysis::Analysis;
use super::lead;
use super::person::Told;
use super::report::{Reported, report};
use super::select::{Pick, Said, candidates, select};
use crate::lang::Language;
use crate::options::Options;
use crate::sentences::{capitalised, length};
use crate::summary::{Point, Summary};

/// Sentences longer than this are cut at a comma or left out.
const LONGEST: usize = 32;

/// What one speaker says in one breath holds at most this many words.
const BREATH: usize = 45;

/// Fills `summary_text` and `sentences`.
pub(crate) fn write(analysis: &Analysis<'_>, options: &Options, summary: &mut Summary) {
    let limit = limit(analysis, options);
    let writer = Writer { analysis, english: analysis.lexicon.language == Language::English };
    let frame = lead::frame(analysis, limit);
    let mut said = Said::nothing(analysis);
    said.mention(&frame.terms);
    let mut pool = candidates(analysis, |sentence| analysis.sentences[sentence].length >= 4);
    let mut picks: Vec<Pick> = Vec::new();
    let mut points = writer.body(&picks, &frame);
    // Statements of one speaker share their name: what that saves is filled again.
    for _ in 0..3 {
        let used: usize = points.iter().map(|point| length(&point.text)).sum();
        let more = select(analysis, &mut pool, &mut said, limit.saturating_sub(used), |sentence| {
            writer.cost(sentence)
        });
        if more.is_empty() {
            break;
        }
        picks.extend(more);
        picks.sort_by_key(|pick| pick.sentence);
        points = writer.body(&picks, &frame);
    }
    cut(&mut points, options.length.words());
    summary.summary_text = points.iter().map(|point| point.text.as_str()).collect::<Vec<_>>().join(" ");
    summary.sentences = points;
}

/// A summary is shorter than what it summarises: two fifths of a short chat, whatever was allowed.
fn limit(analysis: &Analysis<'_>, options: &Options) -> usize {
    let words: usize = analysis.sentences.iter().map(|sentence| sentence.length).sum();
    options.length.words().min((words * 2 / 5).max(30))
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

/// Something that one speaker says, ready to be written.
struct Breath {
    author: u32,
    question: bool,
    verb: Option<&'static str>,
    /// The verb of the last statement, where there are two.
    last_verb: Option<&'static str>,
    text: String,
    statements: usize,
    messages: Vec<String>,
}

impl Writer<'_> {
    /// The words that a sentence takes with its speaker and verb.
    fn cost(&self, sentence: usize) -> usize {
        length(&self.written(&self.breath(sentence)))
    }

    fn breath(&self, sentence: usize) -> Breath {
        let spoken = &self.analysis.sentences[sentence];
        let text = shortened(&spoken.text);
        let told =
            if self.english { self.told(sentence, &text) } else { Reported { verb: None, clause: text } };
        let verb = told.verb.filter(|_| !spoken.question);
        Breath {
            author: spoken.author,
            question: spoken.question,
            verb,
            last_verb: verb,
            text: told.clause,
            statements: 1,
            messages: self.analysis.cited(sentence),
        }
    }

    fn told(&self, sentence: usize, text: &str) -> Reported {
        let analysis = self.analysis;
        let common = |word: &str| analysis.lexicon.is_empty_word(word) || !analysis.is_name(word);
        let to = analysis.listener(sentence).map(|person| analysis.name(person));
        report(text, &Told { is_common: &common, listener: to })
    }

    fn written(&self, breath: &Breath) -> String {
        let name = self.analysis.name(breath.author);
        let text = &breath.text;
        match breath.verb {
            Some(verb) => format!("{name} {} {}", bridged(verb, text), ended(text)),
            None if breath.question && self.english => {
                let mark = if text.ends_with(['?', '？']) { "" } else { "?" };
                format!("{name} asked: “{}{mark}”", capitalised(text))
            }
            None => format!("{name}: {}", ended(&capitalised(text))),
        }
    }

    /// The sentences in the order of the conversation, topic by topic, one speaker's together.
    fn body(&self, picks: &[Pick], frame: &lead::Frame) -> Vec<Point> {
        let mut points: Vec<Point> = frame.lead.clone().into_iter().collect();
        let mut plain = 0;
        for topic in 0..self.analysis.starts.len() {
            points.extend(frame.topics.get(topic).cloned().flatten());
            let mut breaths: Vec<Breath> = Vec::new();
            for pick in picks.iter().filter(|pick| self.analysis.topic_of(pick.sentence) == topic) {
                let next = self.breath(pick.sentence);
                match breaths.last_mut().filter(|last| joins(last, &next)) {
                    Some(last) => join(last, next),
                    None => breaths.push(next),
                }
            }
            for breath in breaths.iter_mut().filter(|breath| breath.verb == Some("said that")) {
                // A page of "said" tires the reader.
                breath.verb = Some(["said that", "mentioned that", "noted that"][plain % 3]);
                plain += 1;
            }
            points.extend(breaths.iter().map(|breath| Point {
                text: self.written(breath),
                speaker: Some(self.analysis.name(breath.author).to_owned()),
                messages: breath.messages.clone(),
            }));
        }
        points
    }
}

/// "said that they" reads better as "said they".
fn bridged<'a>(verb: &'a str, text: &str) -> &'a str {
    let pronoun = ["they ", "it ", "there "].iter().any(|subject| text.starts_with(subject));
    verb.strip_suffix(" that").filter(|_| pronoun).unwrap_or(verb)
}

fn joins(last: &Breath, next: &Breath) -> bool {
    last.author == next.author
        && !last.question
        && !next.question
        && last.verb.is_some() == next.verb.is_some()
        && last.statements < 2
        && length(&last.text) + length(&next.text) <= BREATH
}

/// "said that A, and that B"; what is only quoted stands side by side.
fn join(last: &mut Breath, next: Breath) {
    last.text = match next.verb {
        Some(verb) if last.last_verb == Some(verb) && verb.ends_with("that") => {
            let that = if bridged(verb, &next.text) == verb { "that " } else { "" };
            format!("{}, and {that}{}", last.text, next.text)
        }
        Some(verb) => format!("{}, and {verb} {}", last.text, next.text),
        None => format!("{} {}", ended(&last.text), capitalised(&next.text)),
    };
    last.statements += 1;
    last.last_verb = next.last_verb;
    last.messages.extend(next.messages);
    last.messages.dedup();
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
