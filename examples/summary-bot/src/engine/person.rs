//! English pronouns from the speaker's mouth to the reporter's: "I", "we" and "you" become "they" and names.

use super::report::plain;
use crate::lang::holds;

/// What telling needs to know.
pub(crate) struct Told<'a> {
    /// Whether a lower-case word is an ordinary one (not a name).
    pub(crate) is_common: &'a dyn Fn(&str) -> bool,
    /// Whom "you" means.
    pub(crate) listener: Option<&'a str>,
}

/// The words in the third person and the past, contractions written out, the first letter small unless it begins a
/// name. `subject` is what will stand before them, if anything.
pub(crate) fn told(words: &[&str], subject: &str, context: &Told<'_>) -> String {
    let begins = subject.is_empty();
    let mut told: Vec<String> = Vec::with_capacity(words.len() + 4);
    let mut skip = false;
    for (at, word) in words.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let next = words.get(at + 1).map(|next| plain(next)).unwrap_or_default();
        let (front, core, back) = parts(word);
        let lower = core.to_lowercase().replace('’', "'");
        let previous = told.last().map(String::as_str).or_else(|| subject.split_whitespace().last());
        if let Some((subject, used)) =
            context.listener.and_then(|name| second_person(name, &lower, &next, back))
        {
            skip = used;
            let back = if used { parts(words[at + 1]).2 } else { back };
            told.push(format!("{front}{subject}{back}"));
            continue;
        }
        let core = match third_person(&lower, &next, previous) {
            Some(changed) => backshifted_last(changed, previous),
            None if past(&lower, previous).is_some() => backshifted_last(&lower, previous),
            None if at == 0 && begins && (context.is_common)(&lower) => lower,
            None => core.to_owned(),
        };
        told.push(format!("{front}{core}{back}"));
    }
    told.join(" ")
}

/// The last word of what replaces a contraction, in the past: "they are" becomes "they were".
fn backshifted_last(changed: &str, previous: Option<&str>) -> String {
    match changed.rsplit_once(' ') {
        Some((front, "not")) => match past(front, previous) {
            Some(past) => format!("{past} not"),
            None => changed.to_owned(),
        },
        Some((front, last)) => match past(last, Some(front)) {
            Some(past) => format!("{front} {past}"),
            None => changed.to_owned(),
        },
        None => past(changed, previous).unwrap_or(changed).to_owned(),
    }
}

/// The past of a finite verb, as reported speech has it; nothing where the form is no finite verb here.
fn past(word: &str, previous: Option<&str>) -> Option<&'static str> {
    const BEFORE_INFINITIVES: &str =
        "to not would could should must might may did do does can will shall who've";
    let previous = previous.unwrap_or("");
    let infinitive = holds(BEFORE_INFINITIVES, previous);
    Some(match word {
        "is" => "was",
        "are" | "am" => "were",
        "will" => "would",
        "can" | "cannot" => {
            if word == "can" {
                "could"
            } else {
                "could not"
            }
        }
        "may" => "might",
        "has" => "had",
        "have" if !infinitive => "had",
        "do" | "does" if !infinitive && (previous == "they" || word == "does") => "did",
        "need" if previous == "they" => "needed",
        "want" if previous == "they" => "wanted",
        "think" if previous == "they" => "thought",
        "know" if previous == "they" => "knew",
        "hope" if previous == "they" => "hoped",
        _ => return None,
    })
}

/// A word without the marks before and after it.
fn parts(word: &str) -> (&str, &str, &str) {
    let start = word.find(char::is_alphanumeric).unwrap_or(0);
    let end = word
        .char_indices()
        .rev()
        .find(|(_, letter)| letter.is_alphanumeric())
        .map_or(word.len(), |(at, letter)| at + letter.len_utf8());
    (&word[..start], &word[start..end.max(start)], &word[end.max(start)..])
}

/// "you have" becomes "anna has"; whether the next word is used up by that. Verbs that would change in ways that are
/// not known here keep their "you".
fn second_person(name: &str, lower: &str, next: &str, back: &str) -> Option<(String, bool)> {
    const SAME: [&str; 12] = [
        "can",
        "could",
        "will",
        "would",
        "should",
        "must",
        "may",
        "might",
        "can't",
        "cannot",
        "won't",
        "shouldn't",
    ];
    const AFTER_OBJECT: [&str; 24] = [
        "", "up", "to", "the", "a", "an", "on", "in", "at", "with", "for", "about", "by", "tomorrow",
        "tonight", "and", "some", "my", "when", "if", "later", "today", "off", "from",
    ];
    let own = |suffix: &str| Some((format!("{name}{suffix}"), false));
    match (lower, next) {
        ("your" | "yours", _) => own("'s"),
        ("you're", _) => own(" was"),
        ("you'll", _) => own(" would"),
        ("you've", _) => own(" had"),
        ("you", "are" | "were") => Some((format!("{name} was"), true)),
        ("you", "have") => Some((format!("{name} had"), true)),
        ("you", "do") => Some((format!("{name} did"), true)),
        ("you", "need") => Some((format!("{name} needed"), true)),
        ("you", "want") => Some((format!("{name} wanted"), true)),
        ("you", "don't") => Some((format!("{name} did not"), true)),
        ("you", next) if SAME.contains(&next) || AFTER_OBJECT.contains(&next) || !back.is_empty() => own(""),
        _ => None,
    }
}

fn third_person(lower: &str, next: &str, previous: Option<&str>) -> Option<&'static str> {
    let participle = matches!(next, "been" | "got" | "had" | "become" | "gone" | "done");
    Some(match lower {
        "i" | "we" => "they",
        "am" | "'m" => "are",
        "was" if previous == Some("they") => "were",
        "me" | "us" => "them",
        "my" | "our" => "their",
        "mine" | "ours" => "theirs",
        "myself" | "ourselves" => "themselves",
        "im" | "i'm" | "we're" | "they're" => "they are",
        "ive" | "i've" | "we've" | "they've" => "they have",
        "i'll" | "we'll" | "they'll" => "they will",
        "i'd" | "we'd" | "they'd" if participle => "they had",
        "i'd" | "we'd" | "they'd" => "they would",
        "it's" if participle => "it has",
        "it's" => "it is",
        "thats" | "that's" => "that is",
        "there's" => "there is",
        "he's" => "he is",
        "she's" => "she is",
        "you're" => "you are",
        "you've" => "you have",
        "you'll" => "you will",
        "it'll" => "it will",
        "dont" | "don't" => "do not",
        "doesn't" => "does not",
        "didn't" => "did not",
        "can't" => "cannot",
        "won't" => "will not",
        "isn't" => "is not",
        "aren't" => "are not",
        "wasn't" => "was not",
        "weren't" => "were not",
        "haven't" => "have not",
        "hasn't" => "has not",
        "hadn't" => "had not",
        "wouldn't" => "would not",
        "couldn't" => "could not",
        "shouldn't" => "should not",
        "gonna" => "going to",
        "wanna" => "want to",
        "gotta" => "have to",
        "cause" if next == "it" || next == "we" || next == "they" || next == "i" || next == "the" => {
            "because"
        }
        "'cause" | "cos" | "cuz" | "coz" => "because",
        "guys" if previous == Some("you") => "all",
        _ => return None,
    })
}
