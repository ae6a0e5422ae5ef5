//! Which questions were taken up, and which stayed open.

use std::collections::HashSet;

use super::analysis::Analysis;
use crate::lang::Marks;

/// How many sentences after a question may hold the answer.
const REACH: usize = 12;

/// For each sentence: a question that somebody else answered, as far as can be told.
pub(crate) fn answered(analysis: &Analysis<'_>) -> Vec<bool> {
    let replied: HashSet<&str> =
        analysis.conversation.items.iter().filter_map(|item| item.reply_to.as_deref()).collect();
    (0..analysis.sentences.len())
        .map(|number| analysis.sentences[number].question && is_answered(analysis, number, &replied))
        .collect()
}

fn is_answered(analysis: &Analysis<'_>, number: usize, replied: &HashSet<&str>) -> bool {
    let asked = &analysis.sentences[number];
    let item = &analysis.conversation.items[asked.item as usize];
    let helpless = |sentence: &&super::utterances::Utterance| sentence.marks.has(Marks::LEAVES_OPEN);
    let after =
        || analysis.sentences.iter().skip(number + 1).take(REACH).filter(|next| next.author != asked.author);
    if after().next().as_ref().is_some_and(helpless) {
        return false;
    }
    if replied.contains(&*item.id) {
        return true;
    }
    let addresses = |to: Option<u32>| to == Some(asked.author);
    let bag = analysis.bag(number);
    let after = analysis.sentences.iter().enumerate().skip(number + 1).take(REACH);
    for (turn, (at, sentence)) in after.filter(|(_, sentence)| sentence.author != asked.author).enumerate() {
        let shares = || analysis.bag(at).iter().any(|term| bag.contains(term));
        let direct = turn == 0 && sentence.to.is_none() && asked.to.is_none_or(|to| to == sentence.author);
        let taken_up = !sentence.question && !sentence.marks.has(Marks::LEAVES_OPEN) && (direct || shares());
        if addresses(sentence.to) || taken_up {
            return true;
        }
    }
    // Only listener's words followed ("yeah"): an answer, if it came at once.
    let next = analysis.conversation.items.get(asked.last_item as usize + 1);
    next.is_some_and(|next| next.author != asked.author && next.text.split_whitespace().count() <= 3)
        && analysis.conversation.people.len() < 8
}
