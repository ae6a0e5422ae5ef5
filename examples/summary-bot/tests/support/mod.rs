//! Shared by the test files: conversations from text, summaries of them.
#![allow(dead_code)] // Each test file uses its own part.

use summary_bot::{Collector, Conversation, Filter, Length, Message, Options, Summary, read};

pub(crate) fn messages(source: &str) -> Vec<Message> {
    let mut messages = Vec::new();
    read::read(source.as_bytes(), "", &mut |message| messages.push(message))
        .expect("the source is well-formed");
    messages
}

pub(crate) fn conversation(source: &str, filter: Filter) -> Conversation {
    let mut collector = Collector::new(filter);
    for message in messages(source) {
        collector.push(message);
    }
    collector.finish()
}

pub(crate) fn summary(source: &str) -> Summary {
    summary_bot::summarize(&conversation(source, Filter::default()), &Options::default())
}

pub(crate) fn summary_of(source: &str, words: usize) -> Summary {
    let options = Options { length: Length::Words(words), ..Options::default() };
    summary_bot::summarize(&conversation(source, Filter::default()), &options)
}

pub(crate) fn sample(name: &str) -> String {
    let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the sample is part of the package")
}

/// Every message id that a summary cites.
pub(crate) fn cited(summary: &Summary) -> Vec<String> {
    let points = [&summary.sentences, &summary.key_points, &summary.decisions, &summary.open_questions];
    let mut ids: Vec<String> =
        points.into_iter().flatten().flat_map(|point| point.messages.clone()).collect();
    ids.extend(summary.action_items.iter().flat_map(|item| item.messages.clone()));
    ids.extend(summary.technical_terms.iter().flat_map(|term| term.messages.clone()));
    ids.extend(summary.participants.iter().flat_map(|person| person.messages.clone()));
    ids
}
