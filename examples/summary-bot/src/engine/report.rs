//! English reported speech: "I think we should use plastic" becomes "thought that they should use plastic".

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

/// What telling needs to know.
pub(crate) struct Told<'a> {
    /// Whether a lower-case word is an ordinary one (not a name).
    pub(crate) is_common: &'a dyn Fn(&str) -> bool,
    /// Whom "you" means.
    pub(crate) listener: Option<&'a str>,
}

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
            let clause = told(&words[used..], subject.is_empty(), context);
            return Reported { verb: Some(verb), clause: format!("{subject}{clause}") };
        }
    }
    if sentence.ends_with(['?', '？', '"', '”']) || !is_clause(&lower, comma) {
        return Reported { verb: None, clause: sentence.to_owned() };
    }
    Reported { verb: Some(verb_for(&lower)), clause: told(&words, true, context) }
}

/// The opening that becomes the verb: how many words it takes, the verb, and the subject to put back.
fn opening(lower: &[&str]) -> Option<(usize, &'static str, &'static str)> {
    OPENINGS
        .iter()
        .find(|(opening, ..)| lower.len() > opening.len() + 2 && lower.starts_with(opening))
        .map(|(opening, verb, subject)| (opening.len(), *verb, *subject))
}

fn plain(word: &str) -> String {
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

/// Whether the words look like a clause with subject and verb, not like a command or a scrap.
fn is_clause(lower: &[&str], comma: bool) -> bool {
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
    const SUBORDINATES: [&str; 12] = [
        "as", "if", "when", "while", "because", "although", "since", "for", "unless", "where", "after",
        "before",
    ];
    // "As I said before": without a comma the main clause is missing.
    let dependent = SUBORDINATES.contains(first) && !comma;
    let has_verb = SUBJECTS.contains(first)
        || near(&VERBS, 9)
        || (1..lower.len().min(7)).any(|at| is_inflected(lower, at));
    lower.len() >= 3 && !dependent && begins && has_verb
}

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
    let present =
        word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && object;
    PAST.contains(&word) || (word.len() > 4 && word.ends_with("ed") && !word.ends_with("eed")) || present
}

/// The words in the third person, contractions written out, the first letter small unless it begins a name.
fn told(words: &[&str], begins: bool, context: &Told<'_>) -> String {
    let mut told: Vec<String> = Vec::with_capacity(words.len() + 4);
    let mut skip = false;
    for (at, word) in words.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let next = words.get(at + 1).map(|next| plain(next)).unwrap_or_default();
        let (front, core, back) = parts(word);
        let lower = core.to_lowercase().replace('’', "'");
        let previous = told.last().map(String::as_str);
        if let Some((subject, used)) =
            context.listener.and_then(|name| second_person(name, &lower, &next, back))
        {
            skip = used;
            let back = if used { parts(words[at + 1]).2 } else { back };
            told.push(format!("{front}{subject}{back}"));
            continue;
        }
        let core = match third_person(&lower, &next, previous) {
            Some(changed) => changed.to_owned(),
            None if at == 0 && begins && (context.is_common)(&lower) => lower,
            None => core.to_owned(),
        };
        told.push(format!("{front}{core}{back}"));
    }
    told.join(" ")
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
        ("you're", _) => own(" is"),
        ("you'll", _) => own(" will"),
        ("you've", _) => own(" has"),
        ("you", "are") => Some((format!("{name} is"), true)),
        ("you", "have") => Some((format!("{name} has"), true)),
        ("you", "do") => Some((format!("{name} does"), true)),
        ("you", "were") => Some((format!("{name} was"), true)),
        ("you", "need") => Some((format!("{name} needs"), true)),
        ("you", "want") => Some((format!("{name} wants"), true)),
        ("you", "don't") => Some((format!("{name} does not"), true)),
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
        "i'm" | "we're" | "they're" => "they are",
        "i've" | "we've" | "they've" => "they have",
        "i'll" | "we'll" | "they'll" => "they will",
        "i'd" | "we'd" | "they'd" if participle => "they had",
        "i'd" | "we'd" | "they'd" => "they would",
        "it's" if participle => "it has",
        "it's" => "it is",
        "that's" => "that is",
        "there's" => "there is",
        "he's" => "he is",
        "she's" => "she is",
        "you're" => "you are",
        "you've" => "you have",
        "you'll" => "you will",
        "it'll" => "it will",
        "don't" => "do not",
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
        "thats" => "that is",
        "dont" => "do not",
        "im" => "they are",
        "ive" => "they have",
        _ => return None,
    })
}
