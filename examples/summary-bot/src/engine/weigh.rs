//! What terms and sentences are worth.

use super::analysis::Analysis;
use super::terms::{Term, Terms};
use super::utterances::Utterance;
use crate::lang::{Language, padded};
use crate::options::Perspective;
use crate::sentences::words;

/// The worth of each term: how often it comes (the second time tells more than the twentieth), and by how many.
pub(crate) fn terms(terms: &Terms, perspective: Perspective, people: usize) -> Vec<f64> {
    let roots = perspective.roots();
    let worth = |term: &Term| {
        let often = f64::from(term.count).ln_1p();
        let often = if term.count == 1 { often * 0.5 } else { often };
        let shared = if people > 1 { 1.0 + 0.15 * f64::from(term.spread.saturating_sub(1)) } else { 1.0 };
        let lower = term.surface.to_lowercase();
        let wanted = if roots.iter().any(|root| lower.starts_with(root)) { 2.5 } else { 1.0 };
        often * shared * wanted
    };
    terms.terms.iter().map(worth).collect()
}

/// How well each sentence stands alone: whole, declarative, concrete, neither short nor long, and taken up by others.
pub(crate) fn sentences(analysis: &Analysis<'_>) -> Vec<f64> {
    let everyone = Everyone::of(analysis);
    (0..analysis.sentences.len()).map(|sentence| quality(analysis, sentence, &everyone)).collect()
}

/// What is usual in this conversation.
struct Everyone {
    /// The worth of the terms in all sentences of each person, on the average per sentence, over everybody's.
    standing: Vec<f64>,
    /// How many sentences answer to a message, by item.
    replies: Vec<u32>,
}

impl Everyone {
    fn of(analysis: &Analysis<'_>) -> Self {
        let mut words = vec![0.0; analysis.conversation.people.len()];
        for sentence in &analysis.sentences {
            words[sentence.author as usize] += sentence.length as f64;
        }
        let most: f64 = words.iter().copied().fold(1.0, f64::max);
        let standing = words.iter().map(|words| 0.85 + 0.15 * f64::sqrt(words / most)).collect();
        let mut replies = vec![0; analysis.conversation.items.len()];
        let by_id: std::collections::HashMap<&str, usize> =
            analysis.conversation.items.iter().enumerate().map(|(at, item)| (&*item.id, at)).collect();
        for item in &analysis.conversation.items {
            if let Some(at) = item.reply_to.as_deref().and_then(|id| by_id.get(id)) {
                replies[*at] += 1;
            }
        }
        Self { standing, replies }
    }
}

fn quality(analysis: &Analysis<'_>, number: usize, everyone: &Everyone) -> f64 {
    let sentence = &analysis.sentences[number];
    let content = analysis.bag(number).len();
    if content == 0 {
        return 0.0;
    }
    let item = &analysis.conversation.items[sentence.item as usize];
    let mut quality = by_length(sentence.length) * everyone.standing[sentence.author as usize];
    let density = content as f64 / sentence.length as f64;
    quality *= (density / 0.3).clamp(0.5, 1.15);
    if !sentence.ended {
        quality *= 0.6;
    }
    if sentence.question {
        quality *= if analysis.answered[number] { 0.6 } else { 0.45 };
    }
    if item.action {
        quality *= 0.7;
    }
    quality *= 1.0 + 0.15 * f64::from(item.reactions.min(50)).ln_1p();
    quality *= 1.0 + 0.1 * f64::from(everyone.replies[sentence.item as usize].min(20)).ln_1p();
    quality * by_wording(analysis, sentence)
}

/// Full marks between 8 and 30 words; less for scraps and for what nobody can take in.
fn by_length(length: usize) -> f64 {
    let length = length as f64;
    if length < 8.0 {
        (length / 8.0).powf(1.5)
    } else if length > 30.0 {
        (30.0 / length).sqrt()
    } else {
        1.0
    }
}

fn by_wording(analysis: &Analysis<'_>, sentence: &Utterance) -> f64 {
    let padded = padded(&sentence.text);
    let cues = &analysis.lexicon.cues;
    let mut worth = 1.0;
    worth *= if cues.decides(&padded) { 1.35 } else { 1.0 };
    worth *= if cues.proposes(&padded) { 1.15 } else { 1.0 };
    worth *= if cues.matters(&padded) { 1.2 } else { 1.0 };
    if analysis.lexicon.language == Language::English {
        worth *= english(&padded);
    }
    worth
}

/// Sentences that lean on what is around them, or on who speaks to whom, say little alone.
fn english(padded: &str) -> f64 {
    const LEANING: [&str; 26] = [
        " this one ",
        " that one ",
        " over here ",
        " over there ",
        " right here ",
        " like this ",
        " like that ",
        " the slide ",
        " next slide ",
        " this is ",
        " that is ",
        " that's ",
        " here is ",
        " here's ",
        " there you go ",
        " you see ",
        " i don't know ",
        " i dunno ",
        " i'm not sure ",
        " i can't remember ",
        " i forgot ",
        " i was just ",
        " thank you ",
        " welcome ",
        " sorry ",
        " good morning ",
    ];
    let words = words(padded).collect::<Vec<_>>();
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count() as f64;
    let length = words.len().max(1) as f64;
    let deictic = count(&[
        "this", "that", "it", "these", "those", "he", "she", "there", "here", "thing", "things", "stuff",
    ]);
    let second = count(&["you", "your", "you're", "you've", "yourself"]);
    let first = count(&["i", "i'm", "i've", "i'll", "my", "me"]);
    let leaning = LEANING.iter().filter(|phrase| padded.contains(*phrase)).count();
    let mut worth = 1.0
        - (deictic / length).min(0.3)
        - (0.8 * second / length).min(0.25)
        - (0.5 * first / length).min(0.15);
    worth *= 0.85_f64.powi(i32::try_from(leaning.min(4)).unwrap_or(4));
    worth.max(0.2)
}
