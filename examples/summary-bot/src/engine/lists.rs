//! The lists beside the text: key points, decisions, open questions, tasks, technical terms.

use super::analysis::Analysis;
use super::compose::{ended, shortened};
use super::select::{Said, candidates, select};
use super::{tasks, technical};
use crate::lang::Marks;
use crate::options::Options;
use crate::sentences::capitalised;
use crate::summary::{Point, Summary};

/// Fills the lists of `summary`.
pub(crate) fn write(analysis: &Analysis<'_>, options: &Options, summary: &mut Summary) {
    let entries = options.length.entries();
    summary.key_points = key_points(analysis, entries);
    summary.decisions = decisions(analysis, entries);
    summary.open_questions = open_questions(analysis, entries);
    summary.action_items = tasks::action_items(analysis, entries);
    summary.technical_terms = technical::terms(analysis, entries * 2);
}

pub(crate) fn point(analysis: &Analysis<'_>, sentence: usize) -> Point {
    Point {
        text: capitalised(&ended(&shortened(&analysis.sentences[sentence].text))),
        speaker: Some(analysis.speaker(sentence).to_owned()),
        messages: analysis.cited(sentence),
    }
}

fn key_points(analysis: &Analysis<'_>, entries: usize) -> Vec<Point> {
    let mut pool = candidates(analysis, |sentence| {
        let sentence = &analysis.sentences[sentence];
        !sentence.question && (4..=60).contains(&sentence.length)
    });
    let entries = entries.min(analysis.sentences.len().div_ceil(3));
    let mut picks = select(analysis, &mut pool, &mut Said::nothing(analysis), entries, |_| 1);
    picks.sort_by_key(|pick| pick.sentence);
    picks.iter().map(|pick| point(analysis, pick.sentence)).collect()
}

/// The best `entries` sentences that `is_one` lets through, each saying something new, in order.
pub(crate) fn best(analysis: &Analysis<'_>, entries: usize, is_one: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut found: Vec<usize> = (0..analysis.sentences.len()).filter(|sentence| is_one(*sentence)).collect();
    let nothing = Said::nothing(analysis);
    let worth =
        |sentence: &usize| nothing.gain(analysis, *sentence, analysis.sentences[*sentence].length as f64);
    let mut ranked: Vec<(f64, usize)> = found.iter().map(|sentence| (worth(sentence), *sentence)).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    found.clear();
    for (_, sentence) in ranked {
        let bag = analysis.bag(sentence);
        let again = found.iter().any(|other| {
            let known = analysis.bag(*other);
            let same = bag.iter().filter(|term| known.contains(term)).count();
            2 * same > bag.len().min(known.len()) && same > 1
        });
        if !again {
            found.push(sentence);
        }
        if found.len() == entries {
            break;
        }
    }
    found.sort_unstable();
    found
}

fn decisions(analysis: &Analysis<'_>, entries: usize) -> Vec<Point> {
    let is_one = |sentence: usize| {
        let spoken = &analysis.sentences[sentence];
        !spoken.question
            && spoken.length >= 4
            && !analysis.bag(sentence).is_empty()
            && spoken.marks.has(Marks::DECIDES)
            && !spoken.marks.has(Marks::LEAVES_OPEN)
    };
    best(analysis, entries, is_one).into_iter().map(|sentence| point(analysis, sentence)).collect()
}

fn open_questions(analysis: &Analysis<'_>, entries: usize) -> Vec<Point> {
    let is_one = |sentence: usize| {
        let spoken = &analysis.sentences[sentence];
        let content = analysis.bag(sentence).len();
        let asked = spoken.question && !analysis.answered[sentence] && spoken.length >= 4 && content >= 2;
        asked || (!spoken.question && content >= 2 && spoken.marks.has(Marks::LEAVES_OPEN))
    };
    best(analysis, entries, is_one).into_iter().map(|sentence| point(analysis, sentence)).collect()
}
