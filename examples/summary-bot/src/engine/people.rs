//! Who took part, and the most telling thing that each of them said.

use super::analysis::Analysis;
use super::compose::{ended, shortened};
use super::select::Said;
use crate::sentences::capitalised;
use crate::summary::Participant;

/// The most active people, with their best sentence.
pub(crate) fn participants(analysis: &Analysis<'_>, entries: usize) -> Vec<Participant> {
    let people = &analysis.conversation.people;
    let mut best: Vec<Option<(f64, usize)>> = vec![None; people.len()];
    let nothing = Said::nothing(analysis);
    for (number, sentence) in analysis.sentences.iter().enumerate() {
        let worth = nothing.gain(analysis, number, sentence.length as f64);
        let place = &mut best[sentence.author as usize];
        if worth > 0.0 && place.is_none_or(|(known, _)| worth > known) {
            *place = Some((worth, number));
        }
    }
    let mut order: Vec<usize> = (0..people.len()).filter(|at| people[*at].messages > 0).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(people[*at].messages), *at));
    order.truncate(entries);
    let participant = |at: usize| Participant {
        name: people[at].name.clone(),
        key_contribution: best[at].map_or_else(String::new, |(_, number)| {
            capitalised(&ended(&shortened(&analysis.sentences[number].text)))
        }),
        message_count: people[at].messages,
        messages: best[at].map_or_else(Vec::new, |(_, number)| analysis.cited(number)),
    };
    order.into_iter().map(participant).collect()
}
