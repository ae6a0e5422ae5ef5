//! What a conversation is about, as a person would list it: "the remote control, the battery and the budget".

use std::collections::HashMap;

use super::analysis::Analysis;
use super::terms::GAP;
use crate::lang::Language;

/// A topic: one to three words that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Phrase {
    pub(crate) terms: Vec<u32>,
    /// As it is written, with "the" where people put it.
    pub(crate) text: String,
    pub(crate) score: f64,
    /// The share of it that lies in each topic.
    pub(crate) topics: [f64; 8],
    /// Some of the sentences with it.
    pub(crate) sentences: Vec<u32>,
}

#[derive(Default, Clone)]
struct Tally {
    count: u32,
    sentences: Vec<u32>,
    /// How often each topic holds it.
    topics: [u32; 8],
}

/// Every phrase that comes often enough to be a topic, the most telling first.
pub(crate) fn phrases(analysis: &Analysis<'_>) -> Vec<Phrase> {
    let mut tallies: HashMap<Vec<u32>, Tally> = HashMap::new();
    // In a large conversation a topic comes more often than twice; the rest would only take memory.
    let rare = 1 + u32::try_from(analysis.sentences.len() / 4000).unwrap_or(u32::MAX);
    let is_rare = |word: &u32| analysis.terms.list[*word as usize].count <= rare;
    for number in 0..analysis.sentences.len() {
        for run in analysis.run(number).split(|term| *term == GAP) {
            for size in 2..=3 {
                for words in run.windows(size) {
                    let fresh = words.iter().enumerate().all(|(at, word)| !words[..at].contains(word));
                    if fresh && !words.iter().any(is_rare) {
                        note(&mut tallies, words, number, analysis);
                    }
                }
            }
            for word in run.iter().filter(|word| !is_rare(word)) {
                note(&mut tallies, std::slice::from_ref(word), number, analysis);
            }
        }
    }
    let mut found: Vec<Phrase> =
        tallies.into_iter().filter_map(|(terms, tally)| phrase(analysis, terms, tally)).collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.terms.cmp(&other.terms)));
    found
}

fn note(tallies: &mut HashMap<Vec<u32>, Tally>, words: &[u32], number: usize, analysis: &Analysis<'_>) {
    if !tallies.contains_key(words) {
        tallies.insert(words.to_vec(), Tally::default());
    }
    let Some(tally) = tallies.get_mut(words) else { return };
    tally.count += 1;
    tally.topics[analysis.topic_of(number).min(7)] += 1;
    if tally.sentences.len() < 64 {
        tally.sentences.push(u32::try_from(number).unwrap_or(u32::MAX));
    }
}

fn phrase(analysis: &Analysis<'_>, terms: Vec<u32>, tally: Tally) -> Option<Phrase> {
    let known = |term: &u32| &analysis.terms.list[*term as usize];
    let size = terms.len();
    if size > 1 && tally.count < 2 {
        return None;
    }
    let last = known(terms.last()?);
    let first = known(terms.first()?);
    if analysis.lexicon.language == Language::English {
        // A noun follows articles, a verb follows "to" and "we".
        let noun = f64::from(last.noun) / f64::from(last.count.max(1));
        let verb = f64::from(first.after_verb_mark) / f64::from(first.count.max(1));
        let ends = f64::from(last.ends_run) / f64::from(last.count.max(1));
        if verb > 0.3 || (size == 1 && noun < 0.3) || ends < 0.45 {
            return None;
        }
    }
    let text: Vec<&str> = terms.iter().map(|term| known(term).surface.as_str()).collect();
    let worth: f64 = terms.iter().map(|term| analysis.weights[*term as usize]).sum::<f64>() / size as f64;
    // Longer phrases are rarer and say more.
    let score = worth * f64::from(tally.count).powf(0.7) * (1.0 + 0.6 * (size as f64 - 1.0));
    // "The" where people say it; a singular noun that takes articles can less do without one.
    let share = |count: u32| f64::from(count) / f64::from(first.count.max(1));
    let plural = last.surface.ends_with('s');
    let the = !first.surface.starts_with(char::is_uppercase)
        && if plural { share(first.after_the) >= 0.25 } else { share(first.after_determiner) >= 0.3 };
    let text = text.join(" ");
    let text =
        if the && analysis.lexicon.language == Language::English { format!("the {text}") } else { text };
    let topics = tally.topics.map(|count| f64::from(count) / f64::from(tally.count));
    Some(Phrase { terms, text, score, topics, sentences: tally.sentences })
}

/// The best `count` phrases that share no word, out of those that `keep` lets through.
pub(crate) fn distinct(
    phrases: &[Phrase],
    count: usize,
    mut keep: impl FnMut(&Phrase) -> bool,
) -> Vec<&Phrase> {
    let mut chosen: Vec<&Phrase> = Vec::new();
    for phrase in phrases {
        if chosen.len() == count {
            break;
        }
        let shares = chosen.iter().any(|other| other.terms.iter().any(|term| phrase.terms.contains(term)));
        if !shares && keep(phrase) {
            chosen.push(phrase);
        }
    }
    chosen
}
