//! Whether English words make a clause that can follow "said that".

use crate::lang::holds;

/// Whether the words look like a clause with subject and verb, not like a command or a scrap.
pub(crate) fn is_clause(lower: &[&str], comma: bool) -> bool {
    const SUBORDINATES: [&str; 12] = [
        "as", "if", "when", "while", "because", "although", "since", "for", "unless", "where", "after",
        "before",
    ];
    const SUBJECTS: [&str; 22] = [
        "i",
        "we",
        "they",
        "he",
        "she",
        "it",
        "there",
        "i'm",
        "we're",
        "they're",
        "it's",
        "he's",
        "she's",
        "there's",
        "i've",
        "we've",
        "they've",
        "i'll",
        "we'll",
        "that's",
        "nobody",
        "everybody",
    ];
    const VERBS: [&str; 52] = [
        "is",
        "are",
        "was",
        "were",
        "has",
        "have",
        "had",
        "does",
        "did",
        "do",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "hasn't",
        "haven't",
        "doesn't",
        "didn't",
        "don't",
        "won't",
        "wouldn't",
        "can't",
        "couldn't",
        "shouldn't",
        "it's",
        "that's",
        "there's",
        "we've",
        "they're",
        "you're",
        "you've",
        "it'll",
        "what's",
        "cannot",
        "says",
        "said",
        "needs",
        "seems",
        "means",
        "wants",
        "looks",
        "makes",
        "works",
        "gets",
    ];
    const NEVER_FIRST: [&str; 34] = [
        "is", "are", "was", "were", "has", "have", "do", "does", "did", "will", "would", "can", "could",
        "should", "please", "which", "who", "whose", "than", "to", "of", "try", "use", "go", "look", "check",
        "make", "see", "get", "take", "not", "whereas", "don't", "let",
    ];
    let Some(first) = lower.first() else { return false };
    let begins = !NEVER_FIRST.contains(first);
    let near = |list: &[&str], reach: usize| lower.iter().take(reach).any(|word| list.contains(word));
    // "As I said before": without a comma the main clause is missing.
    let dependent = SUBORDINATES.contains(first) && !comma;
    let has_verb = SUBJECTS.contains(first)
        || near(&VERBS, 9)
        || (1..lower.len().min(7)).any(|at| is_inflected(lower, at));
    lower.len() >= 3 && !dependent && begins && has_verb
}

/// What may come between a noun and its verb.
const AFTER_NOUNS: &str =
    "of in on for with at from to by and or as than about into over under between like per";

/// Whether the word at `at` is a verb by its form and place: "the page returns 502", "the garage delivered it".
fn is_inflected(lower: &[&str], at: usize) -> bool {
    const PAST: [&str; 30] = [
        "came", "went", "got", "made", "took", "found", "gave", "sent", "ran", "broke", "left", "paid",
        "saw", "thought", "told", "kept", "brought", "built", "bought", "began", "wrote", "won", "lost",
        "met", "hit", "felt", "held", "knew", "grew", "spent",
    ];
    const BEFORE_NOUNS: [&str; 24] = [
        "the", "a", "an", "this", "that", "these", "those", "my", "our", "your", "their", "his", "her",
        "its", "of", "in", "on", "for", "with", "to", "and", "or", "some", "all",
    ];
    const OBJECTS: [&str; 24] = [
        "the", "a", "an", "it", "them", "us", "me", "my", "our", "your", "their", "his", "her", "this",
        "that", "up", "out", "down", "back", "only", "not", "more", "too", "very",
    ];
    let word = lower[at];
    let before = lower[at - 1];
    if BEFORE_NOUNS.contains(&before) || before.is_empty() {
        return false;
    }
    let object = lower.get(at + 1).is_some_and(|next| {
        OBJECTS.contains(next) || next.bytes().next().is_some_and(|first| first.is_ascii_digit())
    });
    // "The budget allows invoices", but not "the buttons on the left": a singular before, no preposition after.
    let follows = lower.get(at + 1).is_some_and(|next| !holds(AFTER_NOUNS, next)) && lower.len() > at + 2;
    let subject =
        holds("the a an this my our your his her their", lower[0]) && at > 1 && !before.ends_with('s');
    let third = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    let present = third && (object || (subject && follows));
    PAST.contains(&word) || (word.len() > 4 && word.ends_with("ed") && !word.ends_with("eed")) || present
}
