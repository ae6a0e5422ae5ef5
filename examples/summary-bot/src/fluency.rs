//! A sentence as it would have been said without the stumbles.

use std::borrow::Cow;

use crate::lang::{Language, Lexicon};
use crate::sentences::capitalised;

/// A word as it was written, and its lower-case letters.
struct Word<'a> {
    written: &'a str,
    bare: Cow<'a, str>,
}

impl<'a> Word<'a> {
    fn new(written: &'a str) -> Self {
        let bare = written.trim_matches(|letter: char| !letter.is_alphanumeric());
        let small = bare.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        Self { written, bare: if small { Cow::Borrowed(bare) } else { Cow::Owned(bare.to_lowercase()) } }
    }

    fn is(&self, list: &[&str]) -> bool {
        list.contains(&&*self.bare)
    }

    /// Whether a mark follows the word.
    fn is_set_off(&self) -> bool {
        !self.written.ends_with(char::is_alphanumeric)
    }
}

/// A sentence without hesitations, false starts, repetitions and empty openings; nothing if little is left.
///
/// `spoken` says that the text is a transcript, where scraps of letters are stumbles and not abbreviations.
/// A false start inside (a dash of its own) splits the sentence, since neither half goes on with the other.
pub(crate) fn fluent(sentence: &str, lexicon: &Lexicon, spoken: bool) -> Vec<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    words.chunks(LONGEST_READ).flat_map(|words| fluent_part(words, lexicon, spoken)).collect()
}

/// What nobody says in one sentence is read in parts, so that the work stays in proportion.
const LONGEST_READ: usize = 400;

fn fluent_part(words: &[&str], lexicon: &Lexicon, spoken: bool) -> Vec<String> {
    let mut pieces: Vec<Vec<Word<'_>>> = vec![Vec::new()];
    for word in words.iter().copied() {
        match pieces.last_mut() {
            Some(piece) if word != "—" => piece.push(Word::new(word)),
            _ => pieces.push(Vec::new()),
        }
    }
    let mut joined: Vec<Vec<Word<'_>>> = Vec::new();
    for piece in pieces {
        match joined.last_mut().map(|before| (taken_up(before, &piece), before)) {
            Some((Some(keep), before)) => {
                before.truncate(keep);
                before.extend(piece);
            }
            _ => joined.push(piece),
        }
    }
    joined.into_iter().flat_map(|piece| smooth(piece, lexicon, spoken)).collect()
}

/// Longer sentences are taken apart at their commas.
const LONGEST: usize = 32;

/// A part of a sentence holds at least this many words.
const SHORTEST: usize = 8;

/// Takes a long sentence apart into clauses, best where a link or a subject begins a new one.
fn clauses<'a>(mut words: Vec<Word<'a>>, lexicon: &Lexicon) -> Vec<Vec<Word<'a>>> {
    const BEGINNINGS: [&str; 22] = [
        "and", "but", "so", "because", "while", "which", "i", "we", "they", "he", "she", "it", "there",
        "und", "aber", "weil", "et", "mais", "y", "pero", "e", "en",
    ];
    let mut parts = Vec::new();
    while words.len() > LONGEST {
        let ends = |at: &usize| words[at - 1].written.ends_with([',', ';', ':', '–', '—']);
        let places = || (SHORTEST..LONGEST).rev().filter(ends).filter(|at| words.len() - at >= SHORTEST);
        let best = places().find(|at| words[*at].is(&BEGINNINGS)).or_else(|| places().next());
        let Some(at) = best else { break };
        let mut rest = words.split_off(at);
        drop_opening(&mut rest, lexicon);
        let mut part = std::mem::replace(&mut words, rest);
        drop_closing(&mut part);
        parts.push(part);
    }
    parts.push(words);
    parts
}

/// Where to cut `before` if `after` takes its last words up again ("we look at — look at what").
fn taken_up(before: &[Word<'_>], after: &[Word<'_>]) -> Option<usize> {
    let (Some(first), false) = (after.first(), before.is_empty()) else { return Some(before.len()) };
    let reach = before.len().min(6);
    (1..=reach).rev().map(|back| before.len() - back).find(|at| before[*at].bare == first.bare)
}

fn smooth(words: Vec<Word<'_>>, lexicon: &Lexicon, spoken: bool) -> Vec<String> {
    // What goes from the front of a Spanish question takes its mark along.
    let mark =
        words.iter().find_map(|word| word.written.chars().next().filter(|first| matches!(first, '¿' | '¡')));
    let mut words = without_stumbles(words, lexicon, spoken);
    once(&mut words);
    if lexicon.language == Language::English {
        drop_asides(&mut words);
    }
    drop_opening(&mut words, lexicon);
    if drop_vocative(&mut words) {
        drop_opening(&mut words, lexicon);
    }
    drop_closing(&mut words);
    let parts = clauses(words, lexicon);
    let mut texts: Vec<String> = parts.iter().filter_map(|words| written(words, mark)).collect();
    if let Some((_, cut)) = texts.split_last_mut() {
        cut.iter_mut().filter(|text| text.ends_with(char::is_alphanumeric)).for_each(|text| text.push('.'));
    }
    texts
}

fn written(words: &[Word<'_>], mark: Option<char>) -> Option<String> {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.written);
    }
    let text = text.trim_matches([',', ' ', ';', '-', '–', '—', ':']);
    if !text.chars().any(char::is_alphanumeric) {
        return None;
    }
    Some(match mark {
        Some(mark) if !text.contains(mark) && text.ends_with(['?', '!']) => {
            format!("{mark}{}", capitalised(text))
        }
        _ => text.replace(",,", ","),
    })
}

fn without_stumbles<'a>(words: Vec<Word<'a>>, lexicon: &Lexicon, spoken: bool) -> Vec<Word<'a>> {
    let mut keep = Vec::with_capacity(words.len());
    let mut begun = false;
    for (at, word) in words.iter().enumerate() {
        let stutter = words.get(at + 1).is_some_and(|next| is_stutter(word, &next.bare, lexicon, spoken));
        let inner = spoken && at > 0 && word.is(&["yeah", "okay", "ok", "yep"]);
        let silent = word.bare.is_empty() && !begun;
        let kept = !(stutter || inner || silent || lexicon.is_filler(&word.bare));
        begun |= kept;
        keep.push(kept);
    }
    words.into_iter().zip(keep).filter_map(|(word, keep)| keep.then_some(word)).collect()
}

/// `w we're`, `th the`: a beginning of the next word, too short to be one.
fn is_stutter(word: &Word<'_>, next: &str, lexicon: &Lexicon, spoken: bool) -> bool {
    let text = &*word.bare;
    let length = text.chars().take(4).count();
    if length > 3 || length == 0 || !word.written.chars().all(char::is_lowercase) {
        return false;
    }
    let single = length == 1 && !matches!(text, "a" | "i" | "o" | "y" | "e" | "à" | "é" | "u");
    let mute = !text.chars().any(|letter| "aeiouyäöüáéíóúàèìòùâêîôû".contains(letter));
    let fragment = single || (length > 1 && !lexicon.is_empty_word(text));
    (fragment && next.len() > text.len() && next.starts_with(text))
        || (spoken && (single || mute) && !lexicon.is_empty_word(text))
}

/// Says repeated runs of up to four words once.
fn once(words: &mut Vec<Word<'_>>) {
    for run in (1..=4).rev() {
        let mut at = 0;
        while at + 2 * run <= words.len() {
            let same = (0..run).all(|offset| {
                let (first, second) = (&words[at + offset], &words[at + run + offset]);
                first.bare == second.bare
                    && !first.bare.is_empty()
                    && (offset + 1 == run || !first.is_set_off())
            });
            let stays = |word: &Word<'_>| {
                word.written.ends_with(['.', '?', '!']) || word.bare.bytes().any(|byte| byte.is_ascii_digit())
            };
            if same && !stays(&words[at + run - 1]) {
                words.drain(at..at + run);
            } else {
                at += 1;
            }
        }
    }
}

/// "you know", "I mean", "sort of", "like" between commas: said, not meant.
fn drop_asides(words: &mut Vec<Word<'_>>) {
    let mut at = 0;
    while at + 1 < words.len() {
        let cut_before = at == 0 || words[at - 1].written.ends_with([',', '.', ';']);
        if is_aside(words, at, cut_before) {
            words.drain(at..at + 2);
            continue;
        }
        let word = &words[at];
        let like = &*word.bare == "like" && word.written.ends_with(',') && at > 0;
        let hedge = word.is(&["basically", "actually", "obviously", "literally", "really", "just"])
            && (!word.is_set_off() || cut_before)
            && (at == 0 || !words[at - 1].is(&["not", "don't", "doesn't", "didn't", "isn't", "is", "was"]));
        if like || hedge {
            words.remove(at);
        } else {
            at += 1;
        }
    }
}

fn is_aside(words: &[Word<'_>], at: usize, cut_before: bool) -> bool {
    const OBJECTS: [&str; 9] = ["what", "how", "that", "the", "if", "where", "why", "who", "about"];
    const KINDS_BEFORE: [&str; 19] = [
        "this",
        "that",
        "what",
        "some",
        "any",
        "a",
        "the",
        "same",
        "these",
        "those",
        "which",
        "one",
        "certain",
        "other",
        "another",
        "every",
        "each",
        "different",
        "all",
    ];
    let second = &words[at + 1];
    let before = |list: &[&str]| at > 0 && words[at - 1].is(list);
    match (&*words[at].bare, &*second.bare) {
        ("you", "know") => {
            let goes_on =
                words.get(at + 2).is_some_and(|next| next.is(&OBJECTS)) && !second.written.ends_with(',');
            let verb = before(&["do", "did", "as", "if", "that", "let", "would", "should"]);
            !verb && !goes_on && !second.written.ends_with('?')
        }
        ("i", "mean") => cut_before || second.written.ends_with(','),
        ("sort" | "kind", "of") => !before(&KINDS_BEFORE),
        _ => false,
    }
}

/// Words that link to what is not shown.
const LINKS: [&str; 46] = [
    "so",
    "and",
    "but",
    "well",
    "then",
    "now",
    "anyway",
    "also",
    "like",
    "basically",
    "actually",
    "because",
    "cause",
    "cos",
    "or",
    "though",
    "plus",
    "either",
    "anyways",
    "however",
    "therefore",
    "thus",
    "too",
    "und",
    "aber",
    "naja",
    "tja",
    "et",
    "mais",
    "donc",
    "alors",
    "bon",
    "ben",
    "pues",
    "entonces",
    "y",
    "pero",
    "bueno",
    "allora",
    "quindi",
    "e",
    "ma",
    "então",
    "mas",
    "dus",
    "nou",
];

/// "So", "well", "yeah, but", "hi all,": openings that say nothing.
fn drop_opening(words: &mut Vec<Word<'_>>, lexicon: &Lexicon) {
    let greets = words.first().is_some_and(|word| lexicon.is_chatter(&word.bare));
    let end = words.iter().take(4).position(|word| word.written.ends_with([',', '!']));
    if let Some(end) = end.filter(|end| greets && words.len() > end + 3) {
        words.drain(..=end);
    }
    while let [first, second, ..] = words.as_slice() {
        let keeps_sense = first.is(&["now", "then", "like"]) && second.is(&["that", "the", "a"]);
        let links = first.bare.is_empty() || (first.is(&LINKS) && !keeps_sense);
        if &*first.bare == "i" && &*second.bare == "mean" && words.len() > 2 {
            words.drain(..2);
        } else if links || is_interjection(first, second, lexicon) {
            words.remove(0);
        } else {
            break;
        }
    }
}

/// Agreement and the like, if a mark sets it off or a link follows: "Yeah, right, we could".
fn is_interjection(first: &Word<'_>, second: &Word<'_>, lexicon: &Lexicon) -> bool {
    let always = first.is(&[
        "yeah", "okay", "ok", "yep", "yes", "alright", "oh", "ja", "oui", "sí", "sim", "lol", "haha", "lmao",
        "hehe", "wow",
    ]);
    let joins = second.is(&["and", "but", "so", "because", "und", "et", "y"]);
    lexicon.is_chatter(&first.bare) && (always || joins || first.is_set_off())
}

/// How people address each other aloud.
const TITLES: [&str; 14] = [
    "mr",
    "mrs",
    "ms",
    "madam",
    "madame",
    "sir",
    "ma'am",
    "dr",
    "chair",
    "chairman",
    "minister",
    "professor",
    "speaker",
    "guys",
];

fn is_title(word: &Word<'_>) -> bool {
    TITLES.contains(&word.bare.split('.').next().unwrap_or(""))
}

/// "Mr. Chair, …", "Thank you, Minister, …": whom it is said to, not what is said.
fn drop_vocative(words: &mut Vec<Word<'_>>) -> bool {
    let Some(at) = words.iter().take(4).position(|word| word.written.ends_with(',')) else { return false };
    let fits = words[..=at].iter().any(is_title) && words.len() > at + 4;
    if fits {
        words.drain(..=at);
    }
    fits
}

/// "…, Mr. Chair.", "…, so", "…, right?" at the end.
fn drop_closing(words: &mut Vec<Word<'_>>) {
    let from = words.len().saturating_sub(3);
    let comma = words[from..].iter().position(|word| word.written.ends_with(','));
    let after = comma.map(|comma| from + comma + 1).filter(|at| *at > 4 && *at < words.len());
    if let Some(at) = after.filter(|at| is_title(&words[*at])) {
        words.truncate(at);
    }
    while let [.., before, last] = words.as_slice() {
        let dangling = last.is(&[
            "so", "and", "but", "or", "because", "then", "the", "a", "of", "to", "my", "our", "from", "with",
            "if", "than",
        ]) || (before.written.ends_with(',')
            && last.is(&["right", "okay", "ok", "yeah", "though", "anyway", "too"]));
        if words.len() <= 3 || !dangling || last.written.ends_with('?') {
            break;
        }
        words.pop();
    }
}
