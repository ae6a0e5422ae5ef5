//! The vocabulary of a conversation: which words count as one term, how often and by whom they are said.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use super::addresses::Names;
use crate::lang::{Lexicon, holds};
use crate::sentences::is_unspaced;
use crate::sketch::Sketch;

/// Where a run of terms ends: a function word or a mark.
pub(crate) const GAP: u32 = u32::MAX;

/// What a term is known by.
#[derive(Debug, Default, Clone)]
pub(crate) struct Term {
    /// How often it comes among the sentences.
    pub(crate) count: u32,
    /// How often it comes in the whole conversation, if only a sample of it was kept.
    whole: u32,
    /// In how many sentences.
    pub(crate) sentences: u32,
    /// How often it follows "the" directly.
    pub(crate) after_the: u32,
    /// How often it follows an article or possessive of the singular, or "the".
    pub(crate) after_determiner: u32,
    /// How often "to" or an auxiliary comes just before: the mark of a verb.
    pub(crate) after_verb_mark: u32,
    /// How often nothing of weight follows: nouns end a phrase, adjectives begin one.
    pub(crate) ends_run: u32,
    /// How often it ends a phrase that an article, possessive or preposition began.
    pub(crate) noun: u32,
    /// The form that is written most often.
    pub(crate) surface: String,
    surface_count: u32,
    last_sentence: u32,
    speakers: [u32; 4],
    /// How many speakers use it, at most four.
    pub(crate) spread: u8,
}

#[derive(Debug, Clone, Copy)]
struct Form {
    term: u32,
    count: u32,
}

/// The vocabulary.
pub(crate) struct Terms {
    forms: HashMap<String, Form>,
    stems: HashMap<String, u32>,
    pub(crate) list: Vec<Term>,
}

impl Terms {
    /// Words beyond this many different ones are not told apart any more: they are typos and addresses.
    const LIMIT: usize = 400_000;

    pub(crate) fn new() -> Self {
        Self { forms: HashMap::new(), stems: HashMap::new(), list: Vec::new() }
    }

    /// The terms of one sentence, in order, with gaps between runs; counts them.
    pub(crate) fn read(
        &mut self,
        text: &str,
        speaker: u32,
        number: u32,
        lexicon: &Lexicon,
        names: &Names,
    ) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut run = Run::default();
        let (mut before, mut end) = (String::new(), 0);
        for (at, word) in text.unicode_word_indices() {
            let joined = text[end..at].chars().all(|between| matches!(between, ' ' | '-' | '\''));
            let touching = end == at;
            end = at + word.len();
            let mut key = word.to_lowercase().replace('’', "'");
            let unspaced = word.chars().next().is_some_and(is_unspaced);
            if unspaced && word.chars().count() == 1 {
                // Scripts without spaces: pairs of letters do for words.
                let first = std::mem::replace(&mut before, key.clone());
                if !touching || first.chars().count() != 1 {
                    continue;
                }
                key = first + &key;
            }
            if !joined {
                self.close(&mut found, &mut run, "");
            }
            let carries = key.chars().any(char::is_alphabetic)
                && (unspaced || key.chars().count() > 1)
                && !lexicon.is_empty_word(&key)
                && !names.holds(&key);
            if carries {
                let term = self.count(&key, word, speaker, number, lexicon);
                if term != GAP {
                    if run.length == 0 {
                        run.noun = ARTICLES.contains(&before.as_str());
                    }
                    run.length += 1;
                    self.list[term as usize].note_before(&before);
                }
                found.push(term);
            } else {
                self.close(&mut found, &mut run, &key);
            }
            if !unspaced {
                before = key;
            }
        }
        self.close(&mut found, &mut run, "");
        found
    }

    /// Ends a run of terms before the word `next`.
    fn close(&mut self, found: &mut Vec<u32>, run: &mut Run, next: &str) {
        let run = std::mem::take(run);
        let Some(last) = found.last().copied().filter(|last| *last != GAP) else { return };
        // "The young people": the noun is still to come, though it carries no topic.
        let complete = !PALE_NOUNS.contains(&next);
        let term = &mut self.list[last as usize];
        term.ends_run += u32::from(complete);
        term.noun += u32::from(complete && run.noun);
        found.push(GAP);
    }

    fn count(&mut self, key: &str, written: &str, speaker: u32, number: u32, lexicon: &Lexicon) -> u32 {
        let full = self.forms.len() >= Self::LIMIT;
        let form = match self.forms.get_mut(key) {
            Some(form) => {
                form.count += 1;
                *form
            }
            None if full => return GAP,
            None => {
                let next = u32::try_from(self.list.len()).unwrap_or(GAP);
                let term = *self.stems.entry(lexicon.stem(key)).or_insert(next);
                if term == next {
                    self.list.push(Term { last_sentence: u32::MAX, ..Term::default() });
                }
                let form = Form { term, count: 1 };
                self.forms.insert(key.to_owned(), form);
                form
            }
        };
        let term = &mut self.list[form.term as usize];
        term.count += 1;
        if form.count > term.surface_count {
            term.surface_count = form.count;
            if term.surface.to_lowercase() != key {
                written.clone_into(&mut term.surface);
            }
        }
        // "Remote" at the start of a sentence is still "remote".
        if written == key && term.surface != key && term.surface.to_lowercase() == key {
            key.clone_into(&mut term.surface);
        }
        if term.last_sentence != number {
            term.last_sentence = number;
            term.sentences += 1;
        }
        let spread = usize::from(term.spread);
        if spread < 4 && !term.speakers[..spread].contains(&speaker) {
            term.speakers[spread] = speaker;
            term.spread += 1;
        }
        form.term
    }

    /// The term that a lower-case word counts as.
    pub(crate) fn find(&self, word: &str) -> Option<&Term> {
        self.forms.get(word).map(|form| &self.list[form.term as usize])
    }

    /// Replaces counts of a sample by those of the whole.
    pub(crate) fn widen(&mut self, background: &Sketch) {
        let mut whole = vec![0_u32; self.list.len()];
        for (word, form) in &self.forms {
            whole[form.term as usize] = whole[form.term as usize].saturating_add(background.count(word));
        }
        for (term, count) in self.list.iter_mut().zip(whole) {
            term.whole = count;
        }
    }
}

/// A run of terms while it is read.
#[derive(Default)]
struct Run {
    length: usize,
    noun: bool,
}

/// What stands before nouns.
const ARTICLES: [&str; 58] = [
    "the", "a", "an", "this", "that", "these", "those", "our", "your", "my", "their", "his", "her", "its",
    "of", "for", "with", "some", "any", "no", "on", "in", "about", "der", "die", "das", "den", "dem", "des",
    "ein", "eine", "einen", "einem", "unser", "unsere", "le", "la", "les", "un", "une", "des", "du", "notre",
    "el", "los", "las", "una", "il", "lo", "gli", "o", "os", "as", "um", "uma", "de", "het", "een",
];

/// Nouns that carry no topic, but take the adjective before them.
const PALE_NOUNS: [&str; 22] = [
    "people", "person", "one", "ones", "guy", "guys", "thing", "things", "way", "ways", "kind", "sort",
    "stuff", "point", "part", "side", "time", "day", "week", "year", "place", "question",
];

impl Term {
    /// How often it comes in the whole conversation.
    pub(crate) fn total(&self) -> u32 {
        self.count.max(self.whole)
    }

    fn note_before(&mut self, before: &str) {
        const VERB_MARKS: [&str; 20] = [
            "to", "will", "would", "can", "could", "should", "must", "i", "we", "they", "you", "he", "she",
            "it", "don't", "didn't", "can't", "who", "i'll", "not",
        ];
        const DETERMINERS: &str = "the a an this my our your his her their its each every another";
        self.after_determiner += u32::from(holds(DETERMINERS, before));
        self.after_the += u32::from(before == "the");
        self.after_verb_mark += u32::from(VERB_MARKS.contains(&before));
    }
}
