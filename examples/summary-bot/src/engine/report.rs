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

/// Tells a sentence. `is_common` says whether a lower-case word is an ordinary one (not a name).
pub(crate) fn report(sentence: &str, is_common: impl Fn(&str) -> bool) -> Reported {
    let sentence = sentence.trim_end_matches(['.', '!', ',', ';', ' ', '…']);
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let lower: Vec<String> = words.iter().map(|word| plain(word)).collect();
    for (opening, verb, subject) in OPENINGS {
        let fits = words.len() > opening.len() + 2
            && opening.iter().zip(&lower).all(|(one, other)| one == other)
            && words[..opening.len() - 1].iter().all(|word| word.ends_with(char::is_alphanumeric));
        if !fits {
            continue;
        }
        let rest = &words[opening.len()..];
        let takes_clause = verb.ends_with("that") && subject.is_empty();
        if takes_clause && !is_clause(&lower[opening.len()..]) {
            continue;
        }
        let clause = told(rest, subject.is_empty(), &is_common);
        return Reported { verb: Some(verb), clause: format!("{subject}{clause}") };
    }
    if sentence.ends_with(['?', '？']) || !is_clause(&lower) {
        return Reported { verb: None, clause: sentence.to_owned() };
    }
    Reported { verb: Some(verb_for(&lower)), clause: told(&words, true, &is_common) }
}

fn plain(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase().replace('’', "'")
}

/// What kind of thing is said decides the verb.
fn verb_for(lower: &[String]) -> &'static str {
    let has = |list: &[&str]| lower.iter().any(|word| list.contains(&word.as_str()));
    let starts = |list: &[&str]| list.contains(&lower[0].as_str());
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
fn is_clause(lower: &[String]) -> bool {
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
    let begins = !NEVER_FIRST.contains(&first.as_str());
    let near =
        |list: &[&str], reach: usize| lower.iter().take(reach).any(|word| list.contains(&word.as_str()));
    lower.len() >= 3 && begins && (SUBJECTS.contains(&first.as_str()) || near(&VERBS, 9))
}

/// The words in the third person, contractions written out, the first letter small unless it begins a name.
fn told(words: &[&str], begins: bool, is_common: &impl Fn(&str) -> bool) -> String {
    let mut told: Vec<String> = Vec::with_capacity(words.len() + 4);
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map(|next| plain(next)).unwrap_or_default();
        let core_start = word.find(char::is_alphanumeric).unwrap_or(0);
        let core_end = word
            .rfind(char::is_alphanumeric)
            .map_or(word.len(), |at| at + word[at..].chars().next().map_or(1, char::len_utf8));
        let (front, core, back) = (&word[..core_start], &word[core_start..core_end], &word[core_end..]);
        let lower = core.to_lowercase().replace('’', "'");
        let previous = told.last().map(String::as_str);
        let core = match third_person(&lower, &next, previous) {
            Some(changed) => changed.to_owned(),
            None if at == 0 && begins && is_common(&lower) => lower,
            None => core.to_owned(),
        };
        told.push(format!("{front}{core}{back}"));
    }
    told.join(" ")
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
