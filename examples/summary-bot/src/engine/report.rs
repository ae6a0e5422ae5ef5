//! English reported speech: "I think we should use plastic" becomes "thought that they should use plastic".

use super::clause::is_clause;
use super::person::{Told, told};

/// A sentence as somebody else tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// What the speaker did, such as `said that`; nothing if the sentence can only be quoted.
    pub(crate) verb: Option<&'static str>,
    /// What follows the verb, without a stop at the end.
    pub(crate) clause: String,
}

/// Openings that become the verb. `they` tells that the subject has to be put back.
const OPENINGS: [(&[&str], &str, &str); 32] = [
    (&["i", "think", "that"], "thought that", ""),
    (&["i", "think"], "thought that", ""),
    (&["i", "believe", "that"], "believed that", ""),
    (&["i", "believe"], "believed that", ""),
    (&["i", "guess"], "thought that", ""),
    (&["i", "suppose"], "thought that", ""),
    (&["i", "feel", "that"], "felt that", ""),
    (&["i", "hope", "that"], "hoped that", ""),
    (&["i", "hope"], "hoped that", ""),
    (&["i'm", "afraid"], "feared that", ""),
    (&["i", "would", "say", "that"], "said that", ""),
    (&["i", "would", "say"], "said that", ""),
    (&["i'd", "say"], "said that", ""),
    (&["i", "must", "say", "that"], "said that", ""),
    (&["i", "suggest", "that"], "suggested that", ""),
    (&["i", "would", "suggest", "that"], "suggested that", ""),
    (&["i", "propose", "that"], "proposed that", ""),
    (&["i", "recommend", "that"], "recommended that", ""),
    (&["i", "agree", "that"], "agreed that", ""),
    (&["i", "want", "to"], "wanted to", ""),
    (&["i", "wanted", "to"], "wanted to", ""),
    (&["i", "would", "like", "to"], "wanted to", ""),
    (&["i'd", "like", "to"], "wanted to", ""),
    (&["i", "decided", "to"], "decided to", ""),
    (&["i", "agree", "with"], "agreed with", ""),
    (&["we", "should"], "suggested that", "they should "),
    (&["we", "could"], "suggested that", "they could "),
    (&["let's"], "suggested that", "they "),
    (&["let", "us"], "suggested that", "they "),
    (&["maybe", "we"], "suggested that", "they "),
    (&["perhaps", "we"], "suggested that", "they "),
    (&["i", "know", "that"], "knew that", ""),
];

/// Whether a sentence can be told in the third person; `words` are its lower-case words.
pub(crate) fn is_tellable(sentence: &str, words: &[&str]) -> bool {
    !sentence.ends_with(['?', '？', '"', '”'])
        && (is_clause(words, sentence.contains(", ")) || opening(words).is_some())
}

/// Tells a sentence.
pub(crate) fn report(sentence: &str, context: &Told<'_>) -> Reported {
    let sentence = sentence.trim_end_matches(['.', '!', ',', ';', ' ', '…']);
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let lower: Vec<String> = words.iter().map(|word| plain(word)).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let comma = words.iter().any(|word| word.ends_with(','));
    if let Some((used, verb, subject)) = opening(&lower) {
        let unbroken = words[..used - 1].iter().all(|word| word.ends_with(char::is_alphanumeric));
        let whole = !verb.ends_with("that") || !subject.is_empty() || is_clause(&lower[used..], comma);
        if unbroken && whole {
            let clause = told(&words[used..], subject, context);
            return Reported { verb: Some(verb), clause: format!("{subject}{clause}") };
        }
    }
    if sentence.ends_with(['?', '？', '"', '”']) || !is_clause(&lower, comma) {
        return Reported { verb: None, clause: sentence.to_owned() };
    }
    Reported { verb: Some(verb_for(&lower)), clause: told(&words, "", context) }
}

/// The opening that becomes the verb: how many words it takes, the verb, and the subject to put back.
fn opening(lower: &[&str]) -> Option<(usize, &'static str, &'static str)> {
    OPENINGS
        .iter()
        .find(|(opening, ..)| lower.len() > opening.len() + 2 && lower.starts_with(opening))
        .map(|(opening, verb, subject)| (opening.len(), *verb, *subject))
}

pub(crate) fn plain(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase().replace('’', "'")
}

/// What kind of thing is said decides the verb.
fn verb_for(lower: &[&str]) -> &'static str {
    let has = |list: &[&str]| lower.iter().any(|word| list.contains(word));
    let starts = |list: &[&str]| list.contains(&lower[0]);
    if has(&["because", "means", "reason", "therefore"]) {
        "explained that"
    } else if starts(&["we", "i"]) && has(&["need", "must", "have"]) && has(&["to"]) {
        "stressed that"
    } else if has(&["problem", "concern", "concerned", "worried", "risk", "issue", "however"]) {
        "pointed out that"
    } else {
        "said that"
    }
}
