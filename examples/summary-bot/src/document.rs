//! A summary as it is stored and answered.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Conversation, Origin, Summary};

/// A summary with its id, what was asked for, and the messages that it cites.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// Its id: a UUID of version 7, so that later ones sort after earlier ones.
    pub id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// What the conversation is called.
    pub title: String,
    /// What was asked for.
    pub options: Asked,
    /// Where the conversation comes from.
    #[serde(default)]
    pub origin: Origin,
    /// The summary.
    #[serde(flatten)]
    pub summary: Summary,
    /// The messages that the summary cites, in their order.
    pub citations: Vec<Citation>,
    /// Who is named in it: ids of accounts with the names that are shown. Not for readers; the store keeps them apart.
    #[serde(skip)]
    pub(crate) people: Vec<(String, String)>,
}

/// The options that a summary was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// `brief`, `detailed`, `comprehensive`, or `custom` where `words` was given.
    pub length: String,
    /// At most so many words in `summary_text`.
    pub words: usize,
    /// Whose interests weigh more.
    pub perspective: String,
    /// The language that it was to be written in, if somebody said which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was written before was left out.
    pub since: Option<String>,
    /// What was written after was left out.
    pub until: Option<String>,
    /// Who was left out.
    pub exclude_users: Vec<String>,
    /// Whether programs were counted, too.
    pub include_bots: bool,
    /// With fewer messages there would be no summary.
    pub min_messages: u64,
}

/// A message that a summary cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The message's id, as the points of the summary name it.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// When, as far as the source says.
    pub time: Option<String>,
    /// What it says; very long ones are cut.
    pub text: String,
}

impl Citation {
    /// Bytes of a cited message that are kept.
    const LIMIT: usize = 4096;
}

impl Document {
    /// A document for a new summary of `conversation`.
    pub(crate) fn new(
        title: Option<&str>,
        asked: Asked,
        conversation: &Conversation,
        summary: Summary,
    ) -> Self {
        let title = title.map(tidy).filter(|title| !title.is_empty());
        let citations = citations(conversation, &summary);
        Self {
            id: Uuid::now_v7(),
            created_at: now(),
            title: title.unwrap_or_else(|| who(conversation)),
            options: asked,
            origin: Origin::default(),
            people: people(conversation, &summary, &citations),
            citations,
            summary,
        }
    }

    /// The same, of a conversation from there.
    pub(crate) fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The beginning of the summary, for lists.
    pub(crate) fn excerpt(&self) -> String {
        let text = tidy(&self.summary.summary_text);
        shortened(&text, 200)
    }
}

/// A name for a conversation that has none: who took part, the most active first.
fn who(conversation: &Conversation) -> String {
    let mut people: Vec<_> = conversation.people.iter().filter(|person| person.messages > 0).collect();
    people.sort_by_key(|person| std::cmp::Reverse(person.messages));
    let names: Vec<String> = people.iter().take(3).map(|person| tidy(&person.name)).collect();
    let title = match (names.as_slice(), people.len().saturating_sub(3)) {
        ([], _) => "Conversation".to_owned(),
        ([one], _) => one.clone(),
        ([one, two], _) => format!("{one} and {two}"),
        (all, 0) => all.join(", "),
        (all, 1) => format!("{} and 1 other", all.join(", ")),
        (all, more) => format!("{} and {more} others", all.join(", ")),
    };
    shortened(&title, 200)
}

/// To the millisecond, which is what the store keeps.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn citations(conversation: &Conversation, summary: &Summary) -> Vec<Citation> {
    let points = [&summary.sentences, &summary.key_points, &summary.decisions, &summary.open_questions];
    let of_points = points.into_iter().flatten().flat_map(|point| &point.messages);
    let of_tasks = summary.action_items.iter().flat_map(|item| &item.messages);
    let of_terms = summary.technical_terms.iter().flat_map(|term| &term.messages);
    let of_people = summary.participants.iter().flat_map(|person| &person.messages);
    let mut wanted: HashSet<&str> =
        of_points.chain(of_tasks).chain(of_terms).chain(of_people).map(String::as_str).collect();
    let cited = conversation.items.iter().filter(|item| wanted.remove(item.id.as_ref()));
    cited
        .map(|item| Citation {
            id: item.id.to_string(),
            author: conversation
                .people
                .get(item.author as usize)
                .map_or_else(String::new, |it| it.name.clone()),
            time: item.time.map(|time| time.to_string()),
            text: shortened(&item.text, Citation::LIMIT),
        })
        .collect()
}

/// Those of the conversation whom a reader of the summary meets.
fn people(conversation: &Conversation, summary: &Summary, citations: &[Citation]) -> Vec<(String, String)> {
    let cited = citations.iter().map(|citation| citation.author.as_str());
    let listed = summary.participants.iter().map(|person| person.name.as_str());
    let points = [&summary.sentences, &summary.key_points, &summary.decisions, &summary.open_questions];
    let speakers = points.into_iter().flatten().filter_map(|point| point.speaker.as_deref());
    let assignees = summary.action_items.iter().filter_map(|item| item.assignee.as_deref());
    let met: HashSet<&str> = cited.chain(listed).chain(speakers).chain(assignees).collect();
    let people = conversation.people.iter().filter(|person| met.contains(person.name.as_str()));
    // Databases take no U+0000, which exports may hold.
    let plain = |text: &str| text.replace('\0', "");
    people.map(|person| (plain(&person.id), plain(&person.name))).filter(|(id, _)| !id.is_empty()).collect()
}

fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let start = &text[..text.floor_char_boundary(limit)];
    // Words stay whole, where there are any.
    let end = start.rfind(char::is_whitespace).filter(|end| end * 2 > limit).unwrap_or(start.len());
    format!("{}…", &start[..end])
}

/// One line without control characters, at most 200 bytes long.
fn tidy(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    shortened(&line, 200)
}
