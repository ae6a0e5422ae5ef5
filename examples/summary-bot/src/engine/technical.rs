//! Names of things: acronyms, versions, files, commands, identifiers.

use std::collections::HashMap;

use super::analysis::Analysis;
use crate::summary::Term;

/// The names that come most often, as they are written.
pub(crate) fn terms(analysis: &Analysis<'_>, entries: usize) -> Vec<Term> {
    let mut found: HashMap<String, Term> = HashMap::new();
    for sentence in &analysis.sentences {
        let (text, id) = (&sentence.text, &analysis.conversation.items[sentence.item as usize].id);
        let shouted = text.chars().filter(|letter| letter.is_uppercase()).count() * 2
            > text.chars().filter(|letter| letter.is_alphabetic()).count();
        for word in text.split_whitespace() {
            // Most words are plain ones: small letters throughout, save the first.
            if word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase()) {
                continue;
            }
            let word = word
                .trim_matches(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '/' | '#' | '+'));
            let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
            if !is_technical(word, shouted) || analysis.names.find(word).is_some() {
                continue;
            }
            if !found.contains_key(word) {
                if found.len() >= 100_000 {
                    continue;
                }
                found.insert(word.to_owned(), Term { term: word.to_owned(), count: 0, messages: Vec::new() });
            }
            if let Some(term) = found.get_mut(word) {
                term.count += 1;
                if term.messages.len() < 5 && term.messages.last().is_none_or(|last| **last != **id) {
                    term.messages.push(id.to_string());
                }
            }
        }
    }
    let mut terms: Vec<Term> = found.into_values().collect();
    terms.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.term.cmp(&other.term)));
    terms.truncate(entries);
    terms
}

/// Whether a word is written as only names of things are.
fn is_technical(word: &str, shouted: bool) -> bool {
    let length = word.chars().count();
    if !(2..=40).contains(&length) || !word.chars().any(char::is_alphabetic) {
        return false;
    }
    let letters: Vec<char> = word.chars().collect();
    let all_upper = letters.iter().all(|letter| letter.is_uppercase() || letter.is_ascii_digit());
    let has_digit = letters.iter().any(char::is_ascii_digit);
    let ordinal = has_digit
        && word.trim_start_matches(|first: char| first.is_ascii_digit()).len() <= 2
        && letters[0].is_ascii_digit();
    let hump = letters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
    let inside = |mark: char| word[1..word.len() - 1].contains(mark) && word.is_ascii();
    if all_upper {
        return !shouted && length <= 6 && !has_digit && !COMMON.contains(&word) || has_digit && !ordinal;
    }
    if hump && word.is_ascii() && !word.contains('\'') {
        return true;
    }
    if !word.is_ascii() || word.contains("..") || word.contains('\'') {
        return false;
    }
    let path =
        word.starts_with('/') && length > 3 || inside('/') && (inside('.') || word.matches('/').count() > 1);
    let dotted = inside('.')
        && !word.ends_with('.')
        && word.split('.').all(|part| {
            part.len() > 1
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    path || dotted || inside('_') || (has_digit && !ordinal && letters[0].is_alphabetic())
}

/// Written in capitals, but no names.
const COMMON: [&str; 20] = [
    "OK", "LOL", "AM", "PM", "BTW", "IMO", "IMHO", "FYI", "TBH", "OMG", "WTF", "ASAP", "NO", "YES", "NOT",
    "ALL", "AND", "THE", "TODO", "TBD",
];
