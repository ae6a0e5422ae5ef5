//! What terms and sentences are worth.

use super::analysis::Analysis;
use super::terms::{Term, Terms};
use crate::perspective::Perspective;

/// The worth of each term: how often it comes (the second time tells more than the twentieth), and by how many.
pub(crate) fn terms(terms: &Terms, perspective: Perspective, people: usize) -> Vec<f64> {
    let roots: Vec<&str> = perspective.roots().split_whitespace().collect();
    let plain = |term: &Term| {
        let often = f64::from(term.total()).powf(0.65);
        let often = if term.total() == 1 { often * 0.5 } else { often };
        let shared = if people > 1 { 1.0 + 0.15 * f64::from(term.spread.saturating_sub(1)) } else { 1.0 };
        often * shared
    };
    let most = terms.list.iter().map(plain).fold(0.0, f64::max);
    let worth = |term: &Term| {
        let lower = term.surface.to_lowercase();
        // What the reader looks for counts even if it is said once.
        let wanted = roots.iter().any(|root| lower.starts_with(root));
        if wanted { plain(term).max(most * 0.6) * 3.0 } else { plain(term) }
    };
    terms.list.iter().map(worth).collect()
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
    /// Who answers to commands only: a program, whatever the source says.
    automatic: Vec<bool>,
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
        Self { standing, replies, automatic: automatic(analysis) }
    }
}

/// People of whose messages most come right after a command (`!help`, `/roll`).
fn automatic(analysis: &Analysis<'_>) -> Vec<bool> {
    let mut after_command = vec![0_u64; analysis.conversation.people.len()];
    let mut command: Option<(usize, u32)> = None;
    for (at, item) in analysis.conversation.items.iter().enumerate() {
        let answers = command.is_some_and(|(since, by)| at - since <= 3 && by != item.author);
        after_command[item.author as usize] += u64::from(answers);
        let mut letters = item.text.chars();
        let marked = matches!(letters.next(), Some('!' | '/' | '?'))
            && letters.next().is_some_and(char::is_alphabetic);
        if marked {
            command = Some((at, item.author));
        }
    }
    let people = analysis.conversation.people.iter();
    after_command
        .iter()
        .zip(people)
        .map(|(after, person)| *after >= 3 && after * 5 > person.messages * 3)
        .collect()
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
    if everyone.automatic[sentence.author as usize] {
        quality *= 0.3;
    }
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
    // The first sentences of a topic say what it is about.
    let place = number - analysis.topic(analysis.topic_of(number)).start;
    quality *= if place < 3 { 1.15 } else { 1.0 };
    quality * sentence.wording
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
