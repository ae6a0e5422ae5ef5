//! A summary from what a model wrote: its claims, beside what can be counted and need not be asked.

use super::check::places;
use super::claims::{Claim, Claims};
use super::study::Study;
use crate::sentences::length;
use crate::{ActionItem, Point, Summary};

/// The summary, without what its metadata says of the model.
pub(crate) fn summary(study: &Study, claims: Claims) -> Summary {
    let entries = study.options.length.entries();
    let point = |claim: &Claim| point(study, claim);
    let points = |claims: &[Claim]| claims.iter().take(entries).map(point).collect::<Vec<_>>();
    let sentences = within(study.options.length.words(), &claims.summary);
    let mut summary = study.offline.clone();
    summary.sentences = sentences.iter().map(point).collect();
    let texts: Vec<&str> = summary.sentences.iter().map(|point| point.text.as_str()).collect();
    summary.summary_text = texts.join(" ");
    let new = |claim: &&Claim| !sentences.iter().any(|sentence| sentence.text == claim.text);
    let key_points: Vec<Claim> = claims.key_points.iter().filter(new).cloned().collect();
    summary.key_points = points(&key_points);
    summary.decisions = points(&claims.decisions);
    summary.open_questions = points(&claims.open_questions);
    summary.action_items =
        claims.action_items.into_iter().take(entries).map(|task| task_of(study, task)).collect();
    summary.metadata.summary_words = summary.summary_text.split_whitespace().count() as u64;
    if let Some(language) = study.task.as_ref().and_then(|task| task.brief.language.clone()) {
        summary.metadata.language = language;
    }
    summary
}

fn point(study: &Study, claim: &Claim) -> Point {
    let places = places(&claim.messages);
    let items = &study.conversation.items;
    let mut authors = places.iter().filter_map(|at| items.get(*at)).map(|item| item.author);
    // Who said it is what its messages say, not what the model says.
    let first = authors.next();
    let speaker = first.filter(|first| authors.all(|author| author == *first));
    let name = |author: u32| study.conversation.people.get(author as usize).map(|person| person.name.clone());
    Point { text: claim.text.clone(), speaker: speaker.and_then(name), messages: ids(study, &places) }
}

fn task_of(study: &Study, task: super::claims::Task) -> ActionItem {
    let places = places(&task.messages);
    let said = study.said(&places).to_lowercase();
    let person = |name: &str| {
        let people = study.conversation.people.iter();
        let known =
            people.map(|person| &person.name).find(|known| known.to_lowercase() == name.to_lowercase());
        known.cloned().or_else(|| said.contains(&name.to_lowercase()).then(|| name.to_owned()))
    };
    ActionItem {
        description: task.description,
        assignee: task.assignee.as_deref().and_then(person),
        priority: task.priority,
        deadline: task.deadline.filter(|deadline| said.contains(&deadline.to_lowercase())),
        messages: ids(study, &places),
    }
}

fn ids(study: &Study, places: &[usize]) -> Vec<String> {
    let items = places.iter().filter_map(|at| study.conversation.items.get(*at));
    items.map(|item| item.id.to_string()).collect()
}

/// The sentences that fit; one that is too long by itself is cut.
fn within(words: usize, sentences: &[Claim]) -> Vec<Claim> {
    let mut left = words;
    let mut kept = Vec::new();
    for sentence in sentences {
        let length = length(&sentence.text).max(sentence.text.split_whitespace().count());
        if length <= left {
            left -= length;
            kept.push(sentence.clone());
        } else if !kept.is_empty() {
            break;
        } else {
            let short: Vec<&str> = sentence.text.split_whitespace().take(words).collect();
            let text = format!("{}…", short.join(" "));
            return vec![Claim { text, messages: sentence.messages.clone() }];
        }
    }
    kept
}
