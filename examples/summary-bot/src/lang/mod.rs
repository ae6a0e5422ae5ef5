//! What the engine knows of languages: function words, noise, and the phrases that mark decisions and tasks.

mod cues;
mod words;

use std::collections::{HashMap, HashSet};

use crate::hash::BuildQuick;

pub(crate) use cues::{Cues, Marks, padded};

/// A language that the engine has word lists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
    /// Portuguese.
    Portuguese,
    /// Dutch.
    Dutch,
    /// Any other: scripts and frequencies have to do.
    Other,
}

impl Language {
    /// Every language with word lists.
    pub(crate) const KNOWN: [Self; 7] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Dutch,
    ];

    /// The two-letter code; `und` for [`Other`](Self::Other).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Dutch => "nl",
            Self::Other => "und",
        }
    }

    fn function_words(self) -> &'static str {
        match self {
            Self::English => words::ENGLISH,
            Self::German => words::GERMAN,
            Self::French => words::FRENCH,
            Self::Spanish => words::SPANISH,
            Self::Italian => words::ITALIAN,
            Self::Portuguese => words::PORTUGUESE,
            Self::Dutch => words::DUTCH,
            Self::Other => "",
        }
    }

    /// The language whose function words fill the text best; [`Other`](Self::Other) where none fills a tenth.
    pub(crate) fn detect<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let lists = Self::KNOWN.map(|language| set(language.function_words()));
        let (mut hits, mut total) = ([0_usize; 7], 0_usize);
        for word in words.take(20_000) {
            total += 1;
            for (list, hits) in lists.iter().zip(&mut hits) {
                *hits += usize::from(list.contains(word));
            }
        }
        let best = (0..7).max_by_key(|index| (hits[*index], 7 - index)).unwrap_or(0);
        if hits[best] > 0 && hits[best] * 10 >= total { Self::KNOWN[best] } else { Self::Other }
    }
}

/// Whether a list of words between spaces holds a word.
pub(crate) fn holds(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

fn set(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

/// Words that only link others.
const FUNCTION: u8 = 1;
/// Greetings, thanks, laughter, agreement.
const CHATTER: u8 = 2;
/// Hesitations.
const FILLER: u8 = 4;

/// The words and cues of one conversation: its own language's, with English beside it.
pub(crate) struct Lexicon {
    /// The conversation's language.
    pub(crate) language: Language,
    /// The phrases that mark decisions, tasks and the like.
    pub(crate) cues: Cues,
    /// What is known of a word: [`FUNCTION`], [`CHATTER`], [`FILLER`].
    words: HashMap<&'static str, u8, BuildQuick>,
    stemmer: Option<rust_stemmers::Stemmer>,
}

impl Lexicon {
    /// The lexicon for conversations in `language`.
    pub(crate) fn new(language: Language) -> Self {
        use rust_stemmers::Algorithm;
        let algorithm = match language {
            Language::English => Some(Algorithm::English),
            Language::German => Some(Algorithm::German),
            Language::French => Some(Algorithm::French),
            Language::Spanish => Some(Algorithm::Spanish),
            Language::Italian => Some(Algorithm::Italian),
            Language::Portuguese => Some(Algorithm::Portuguese),
            Language::Dutch => Some(Algorithm::Dutch),
            Language::Other => None,
        };
        let mut words: HashMap<&'static str, u8, BuildQuick> = HashMap::default();
        let mut add = |list: &'static str, kind: u8| {
            list.split_whitespace().for_each(|word| *words.entry(word).or_default() |= kind);
        };
        add(language.function_words(), FUNCTION);
        if language != Language::English {
            // Technical chats mix English in; these few never carry a topic in any of the languages.
            add("the and is of to it you that this for with are not", FUNCTION);
        }
        add(words::CHATTER, CHATTER);
        add(words::FILLERS, FILLER);
        Self {
            language,
            cues: Cues::new(language),
            words,
            stemmer: algorithm.map(rust_stemmers::Stemmer::create),
        }
    }

    fn is_any(&self, word: &str, kinds: u8) -> bool {
        self.words.get(word).is_some_and(|kind| kind & kinds != 0)
    }

    /// Whether a lower-case word carries no topic: function words, chatter, fillers.
    pub(crate) fn is_empty_word(&self, word: &str) -> bool {
        self.is_any(word, FUNCTION | CHATTER | FILLER)
    }

    /// Whether a lower-case word only links others (the stricter list, without chatter).
    pub(crate) fn is_function_word(&self, word: &str) -> bool {
        self.is_any(word, FUNCTION)
    }

    /// Whether a lower-case word is a greeting, thanks, laughter or the like.
    pub(crate) fn is_chatter(&self, word: &str) -> bool {
        self.is_any(word, CHATTER | FILLER)
    }

    /// Whether a lower-case word is a hesitation.
    pub(crate) fn is_filler(&self, word: &str) -> bool {
        self.is_any(word, FILLER)
    }

    /// Whether an English sentence without a mark at its end asks: "how can I stop it", "anyone here".
    pub(crate) fn asks(&self, text: &str) -> bool {
        const ASKING: [&str; 9] = ["how", "what", "why", "where", "when", "which", "who", "whose", "how's"];
        const INVERTED: [&str; 24] = [
            "is", "are", "was", "were", "do", "does", "did", "can", "could", "would", "will", "should",
            "has", "have", "to", "am", "i", "you", "it", "there", "the", "this", "that", "we",
        ];
        if self.language != Language::English || text.ends_with(['.', '!', ':']) {
            return false;
        }
        let mut words = text
            .split_whitespace()
            .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase());
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let asks = ASKING.contains(&first.as_str()) && INVERTED[..16].contains(&second.as_str());
        let turned = INVERTED[..14].contains(&first.as_str()) && INVERTED[16..].contains(&second.as_str());
        asks || turned || (matches!(first.as_str(), "anyone" | "anybody") && words.next().is_some())
    }

    /// The stem under which the forms of a lower-case word are counted.
    pub(crate) fn stem(&self, word: &str) -> String {
        let bare = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
        match &self.stemmer {
            Some(stemmer) if bare.chars().count() > 3 => stemmer.stem(bare).into_owned(),
            _ => bare.to_owned(),
        }
    }
}
