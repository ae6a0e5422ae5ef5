//! From messages to sentences that could stand in a summary.

use super::addresses::Names;
use super::wording::wording;
use crate::clean::plain;
use crate::collect::Conversation;
use crate::fluency::fluent;
use crate::lang::{Lexicon, Marks, padded};
use crate::sentences::{length, split};

/// A sentence that somebody said.
#[derive(Debug, Clone)]
pub(crate) struct Utterance {
    /// The first message that it comes from.
    pub(crate) item: u32,
    /// The last one: a turn may go on after somebody's "mm-hmm".
    pub(crate) last_item: u32,
    pub(crate) author: u32,
    /// Who it is addressed to.
    pub(crate) to: Option<u32>,
    pub(crate) text: String,
    pub(crate) length: usize,
    pub(crate) question: bool,
    /// Whether it ends as sentences do.
    pub(crate) ended: bool,
    /// What its words say that it does.
    pub(crate) marks: Marks,
    /// How well its wording stands alone.
    pub(crate) wording: f64,
}

/// The share of messages that end with a mark, above which an unmarked end is taken for a broken-off one.
const PUNCTUATED: f64 = 0.6;

pub(crate) struct Utterances {
    pub(crate) list: Vec<Utterance>,
    /// Whether people (or the transcript) put stops at the ends of sentences.
    pub(crate) punctuated: bool,
    /// Whether it is a transcript of what was said aloud.
    pub(crate) spoken: bool,
}

/// Every sentence of the conversation, broken turns put together.
pub(crate) fn utterances(conversation: &Conversation, lexicon: &Lexicon, names: &Names) -> Utterances {
    let texts: Vec<String> = conversation.items.iter().map(|item| plain(&item.text)).collect();
    let punctuated = is_punctuated(&texts);
    let spoken = is_transcript(conversation);
    let mut gathered = Gathered { list: Vec::new(), lexicon, names, punctuated, spoken };
    let mut open: Option<Turn> = None;
    for ((at, item), text) in (0_u32..).zip(&conversation.items).zip(texts) {
        let (to, body) = names.address(&text);
        if is_noise(body, lexicon) {
            continue;
        }
        let goes_on = |turn: &Turn| turn.author == item.author && punctuated && is_broken(&turn.text);
        if let Some(turn) = open.as_mut().filter(|turn| goes_on(turn)) {
            turn.text.push(' ');
            turn.text.push_str(body);
            turn.last = at;
            continue;
        }
        let next = Turn { first: at, last: at, author: item.author, to, text: body.to_owned() };
        if let Some(turn) = open.replace(next) {
            gathered.take(&turn);
        }
    }
    if let Some(turn) = open {
        gathered.take(&turn);
    }
    Utterances { list: gathered.list, punctuated, spoken }
}

struct Turn {
    first: u32,
    last: u32,
    author: u32,
    to: Option<u32>,
    text: String,
}

struct Gathered<'a> {
    list: Vec<Utterance>,
    lexicon: &'a Lexicon,
    names: &'a Names,
    punctuated: bool,
    spoken: bool,
}

impl Gathered<'_> {
    fn take(&mut self, turn: &Turn) {
        for sentence in split(&turn.text) {
            let (to, sentence) = self.names.address(sentence);
            let settles = settles(sentence);
            for text in fluent(sentence, self.lexicon, self.spoken) {
                let length = length(&text);
                if length < 2 {
                    continue;
                }
                let question = text.ends_with(['?', '？', '؟']) || self.lexicon.asks(&text);
                let ended =
                    !self.punctuated || text.ends_with(['.', '!', '?', '。', '！', '？', '"', '”', ')']);
                let padded = padded(&text);
                let words: Vec<&str> = padded.split_whitespace().collect();
                let marks = self.lexicon.cues.marks(&words);
                let marks = if settles { marks.and(Marks::DECIDES) } else { marks };
                let loose = !(self.spoken || self.punctuated);
                let wording = wording(&text, &words, marks, question, loose, self.lexicon);
                self.list.push(Utterance {
                    marks,
                    wording,
                    item: turn.first,
                    last_item: turn.last,
                    author: turn.author,
                    to: to.or(turn.to),
                    text,
                    length,
                    question,
                    ended,
                });
            }
        }
    }
}

/// "Agreed, the login comes first": the word goes as an empty opening, but it settles what follows.
fn settles(sentence: &str) -> bool {
    const AGREED: [&str; 8] =
        ["agreed", "decided", "einverstanden", "abgemacht", "entendu", "acordado", "deciso", "afgesproken"];
    let mut words = sentence.split_whitespace();
    let first = words.next().unwrap_or("").trim_end_matches([',', ':', '.', ';']).to_lowercase();
    AGREED.contains(&first.as_str()) && words.count() > 3
}

/// Whether somebody wrote down what was said aloud: hesitations and transcript marks in a tenth of the messages.
fn is_transcript(conversation: &Conversation) -> bool {
    let marked = |text: &str| {
        text.contains("{disfmarker}")
            || text.contains("{vocalsound}")
            || text.split_whitespace().any(|word| {
                matches!(
                    word.trim_end_matches([',', '.']),
                    "um" | "Um" | "uh" | "Uh" | "uhm" | "Uhm" | "er" | "äh" | "euh"
                )
            })
    };
    let (mut all, mut marks) = (0, 0);
    for item in sample(&conversation.items) {
        all += 1;
        marks += usize::from(marked(&item.text));
    }
    marks * 10 > all
}

fn is_punctuated(texts: &[String]) -> bool {
    let (mut long, mut ended) = (0, 0);
    for text in sample(texts).filter(|text| length(text) >= 5) {
        long += 1;
        ended += usize::from(text.trim_end().ends_with(['.', '?', '!', '…', '。']));
    }
    ended as f64 >= PUNCTUATED * f64::from(long.max(1))
}

/// Enough of a list to tell a habit by, from all over it.
fn sample<T>(list: &[T]) -> impl Iterator<Item = &T> {
    list.iter().step_by((list.len() / 4000).max(1))
}

/// Whether a turn stops in the middle of a sentence.
fn is_broken(text: &str) -> bool {
    text.len() < 2000
        && text.trim_end().ends_with(|last: char| last.is_alphanumeric() || matches!(last, ',' | '—'))
}

/// Whether a message says nothing: listener's noises, greetings, thanks, marks.
pub(crate) fn is_noise(text: &str, lexicon: &Lexicon) -> bool {
    let mut words = 0;
    for word in text.split_whitespace() {
        words += 1;
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
        let empty = bare.is_empty() || lexicon.is_chatter(&bare) || lexicon.is_chatter(&word.to_lowercase());
        if words > 6 || !(empty || words > 1 && lexicon.is_function_word(&bare)) {
            return false;
        }
    }
    true
}
