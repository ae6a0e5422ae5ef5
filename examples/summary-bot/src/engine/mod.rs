//! The offline engine: finds what a conversation is about, picks the sentences that say it, and tells them.

mod addresses;
mod analysis;
mod clause;
mod compose;
mod deadline;
mod lead;
mod lists;
mod people;
mod person;
mod phrases;
mod questions;
mod report;
mod segments;
mod select;
mod tasks;
mod technical;
mod terms;
mod utterances;
mod weigh;
mod wording;

use std::time::Instant;

use crate::collect::Conversation;
use crate::options::Options;
use crate::summary::{Metadata, Summary, Warning};

pub(crate) use analysis::Analysis;

/// The name under which summaries of this engine are stored.
const NAME: &str = "groundcrew-extractive/1";

/// Summarises a conversation: the same input and options give the same summary, `duration_ms` aside.
///
/// ```
/// use summary_bot::{Collector, Filter, Options, summarize};
///
/// let log = "anna: The release is broken on ARM.\nben: I will fix the release build by Friday.";
/// let mut collector = Collector::new(Filter::default());
/// summary_bot::read::read(log.as_bytes(), "", &mut |message| collector.push(message))?;
/// let summary = summarize(&collector.finish(), &Options::default());
/// assert_eq!(summary.action_items[0].assignee.as_deref(), Some("ben"));
/// # Ok::<(), summary_bot::read::ReadError>(())
/// ```
pub fn summarize(conversation: &Conversation, options: &Options) -> Summary {
    study(conversation, options).0
}

/// A summary, and the messages with which topics begin.
pub(crate) fn study(conversation: &Conversation, options: &Options) -> (Summary, Vec<usize>) {
    let begun = Instant::now();
    let analysis = Analysis::of(conversation, options);
    let mut summary = Summary::default();
    compose::write(&analysis, options, &mut summary);
    lists::write(&analysis, options, &mut summary);
    summary.participants = people::participants(&analysis, options.length.entries().max(8));
    summary.metadata = metadata(&analysis, options, &summary);
    summary.metadata.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let sentences = analysis.starts.iter().filter_map(|start| analysis.sentences.get(*start));
    let topics = sentences.map(|sentence| sentence.item as usize).collect();
    (summary, topics)
}

fn metadata(analysis: &Analysis<'_>, options: &Options, summary: &Summary) -> Metadata {
    let conversation = analysis.conversation;
    let counts = conversation.counts;
    let mut warnings = Vec::new();
    let mut warn = |code: &str, message: String| warnings.push(Warning { code: code.to_owned(), message });
    if counts.counted < options.min_messages {
        let text = format!(
            "{} messages to summarise, at least {} were expected",
            counts.counted, options.min_messages
        );
        warn("INSUFFICIENT_CONTENT", text);
    } else if summary.summary_text.is_empty() {
        warn("INSUFFICIENT_CONTENT", "no message says anything that could be summarised".to_owned());
    }
    if conversation.is_sampled() {
        let kept = conversation.items.len();
        warn(
            "SAMPLED",
            format!("of {} messages, the {kept} most telling stand for the rest", counts.counted),
        );
    }
    Metadata {
        engine: NAME.to_owned(),
        language: analysis.lexicon.language.code().to_owned(),
        messages_read: counts.read,
        messages_counted: counts.counted,
        messages_excluded: counts.excluded,
        participant_count: conversation.people.iter().filter(|person| person.messages > 0).count() as u64,
        words_counted: counts.words,
        summary_words: summary.summary_text.split_whitespace().count() as u64,
        first_message: conversation.range.map(|(first, _)| first.to_string()),
        last_message: conversation.range.map(|(_, last)| last.to_string()),
        duration_ms: 0,
        warnings,
        model: None,
    }
}
