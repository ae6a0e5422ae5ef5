//! Collects the messages of a conversation, however many, in bounded memory.

use std::collections::HashMap;

use crate::clean::shown_name;
use crate::conversation::{Author, Kind, Message, When};
use crate::read::Moment;
use crate::sentences::words;
use crate::sketch::Sketch;

/// Which messages count.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Leave out what was written before.
    pub since: Option<Moment>,
    /// Leave out what was written after.
    pub until: Option<Moment>,
    /// Leave out these people, by name or account id, whatever the case of the letters.
    pub exclude: Vec<String>,
    /// Count what programs wrote; off by default.
    pub bots: bool,
}

impl Filter {
    fn admits(&self, message: &Message) -> bool {
        let author = &message.author;
        let named = |other: &String| {
            other.eq_ignore_ascii_case(&author.id)
                || other.to_lowercase() == author.name.to_lowercase()
                || other.to_lowercase() == shown_name(&author.name).to_lowercase()
        };
        (self.bots || !author.bot)
            && !self.exclude.iter().any(named)
            && message.time.is_none_or(|time| {
                self.since.is_none_or(|since| since.is_not_after(time))
                    && self.until.is_none_or(|until| until.is_not_before(time))
            })
    }
}

/// A message as the engine keeps it.
#[derive(Debug, Clone)]
pub struct Item {
    /// See [`Message::id`].
    pub id: Box<str>,
    /// Index into [`Conversation::people`].
    pub author: u32,
    /// See [`Message::time`].
    pub time: Option<When>,
    /// The text as it was written.
    pub text: Box<str>,
    /// See [`Message::reply_to`].
    pub reply_to: Option<Box<str>>,
    /// See [`Message::reactions`].
    pub reactions: u32,
    /// Whether somebody did it rather than said it.
    pub action: bool,
    ordinal: u64,
}

/// Somebody who wrote in the conversation.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account's id, or the name where there is none.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// How many of the counted messages are theirs.
    pub messages: u64,
}

/// How many messages were seen, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in the input, notices of the system included.
    pub read: u64,
    /// Messages that were counted.
    pub counted: u64,
    /// Messages that the filter left out.
    pub excluded: u64,
    /// Joins, parts, renames and other notices.
    pub notices: u64,
    /// Words of the counted messages.
    pub words: u64,
}

/// A conversation, ready for the engine.
#[derive(Debug, Default)]
pub struct Conversation {
    /// The messages that were kept, in order.
    pub items: Vec<Item>,
    /// Everybody whose messages were counted.
    pub people: Vec<Person>,
    /// What was seen.
    pub counts: Counts,
    /// The first and last time among the counted messages.
    pub range: Option<(When, When)>,
    /// Word counts over all messages, if not all of them could be kept.
    pub(crate) background: Option<Sketch>,
}

impl Conversation {
    /// Whether the conversation was too large to keep whole, so that a sample stands for it.
    pub fn is_sampled(&self) -> bool {
        self.background.is_some()
    }
}

/// Takes messages one by one and keeps what the engine needs, in bounded memory.
///
/// ```
/// use summary_bot::{Collector, Filter};
///
/// let mut collector = Collector::new(Filter::default());
/// summary_bot::read::read("anna: We ship on Friday.".as_bytes(), "", &mut |message| collector.push(message))?;
/// assert_eq!(collector.finish().people[0].name, "anna");
/// # Ok::<(), summary_bot::read::ReadError>(())
/// ```
pub struct Collector {
    filter: Filter,
    conversation: Conversation,
    ids: HashMap<String, u32>,
    bytes: usize,
    limits: Limits,
    /// Every this many messages of the input share [`Limits::PER_WINDOW`] places.
    window: u64,
    counted_into_sketch: u64,
}

/// What is kept at most before the conversation is thinned out.
#[derive(Debug, Clone, Copy)]
struct Limits {
    items: usize,
    bytes: usize,
    people: usize,
}

impl Limits {
    const PER_WINDOW: usize = 8;
    /// A single message counts up to here; longer ones are cut.
    const MESSAGE: usize = 256 * 1024;
}

impl Collector {
    /// An empty collector.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            conversation: Conversation::default(),
            ids: HashMap::new(),
            bytes: 0,
            limits: Limits { items: 160_000, bytes: 40 << 20, people: 100_000 },
            window: 8,
            counted_into_sketch: 0,
        }
    }

    /// Keeps at most this many messages whole (default 160 000); of more, a sample from all over stands for the rest.
    pub fn keeping(mut self, messages: usize) -> Self {
        self.limits.items = messages.max(Limits::PER_WINDOW);
        self
    }

    /// How many messages were seen so far.
    pub fn seen(&self) -> u64 {
        self.conversation.counts.read
    }

    /// Takes one message.
    pub fn push(&mut self, message: Message) {
        let ordinal = self.conversation.counts.read;
        self.conversation.counts.read += 1;
        if message.kind == Kind::Notice {
            self.conversation.counts.notices += 1;
            return;
        }
        if !self.filter.admits(&message) {
            self.conversation.counts.excluded += 1;
            return;
        }
        let author = self.person(&message.author);
        self.count(&message, author);
        let mut text = message.text;
        if text.len() > Limits::MESSAGE {
            let end = text.floor_char_boundary(Limits::MESSAGE);
            text.truncate(end);
        }
        self.bytes += text.len() + message.id.len();
        self.conversation.items.push(Item {
            id: message.id.into(),
            author,
            time: message.time,
            text: text.into(),
            reply_to: message.reply_to.map(Into::into),
            reactions: message.reactions,
            action: message.kind == Kind::Action,
            ordinal,
        });
        while self.conversation.items.len() > self.limits.items || self.bytes > self.limits.bytes {
            if !self.thin() {
                self.window *= 2;
            }
        }
    }

    /// The conversation.
    pub fn finish(mut self) -> Conversation {
        if self.conversation.is_sampled() {
            // The last messages are still all there; they count no more than those before.
            self.thin();
        }
        self.conversation
    }

    fn person(&mut self, author: &Author) -> u32 {
        let people = &mut self.conversation.people;
        if let Some(index) = self.ids.get(&author.id) {
            return *index;
        }
        let full = people.len() >= self.limits.people;
        let name = if full { "others".to_owned() } else { shown_name(&author.name) };
        let name = if name.is_empty() { "unknown".to_owned() } else { name };
        let index = u32::try_from(people.len()).unwrap_or(u32::MAX);
        if full {
            // The last place stands for everybody who came too late for one of their own.
            if people.len() == self.limits.people {
                people.push(Person { id: String::new(), name, messages: 0 });
            }
            return u32::try_from(self.limits.people).unwrap_or(u32::MAX);
        }
        people.push(Person { id: author.id.clone(), name, messages: 0 });
        self.ids.insert(author.id.clone(), index);
        index
    }

    fn count(&mut self, message: &Message, author: u32) {
        let conversation = &mut self.conversation;
        conversation.counts.counted += 1;
        conversation.counts.words += message.text.split_whitespace().count() as u64;
        conversation.people[author as usize].messages += 1;
        if let Some(time) = message.time {
            let (first, last) = conversation.range.unwrap_or((time, time));
            conversation.range = Some((first.min(time), last.max(time)));
        }
    }

    fn add_to_sketch(&mut self) {
        let sketch = self.conversation.background.get_or_insert_default();
        for item in self.conversation.items.iter().filter(|item| item.ordinal >= self.counted_into_sketch) {
            words(&item.text).for_each(|word| sketch.add(&word));
        }
        self.counted_into_sketch = self.conversation.counts.read;
    }

    /// Keeps the best few of every window of the input; whether anything went.
    fn thin(&mut self) -> bool {
        self.add_to_sketch();
        let before = self.conversation.items.len();
        // As wide as it takes to keep half of what fits.
        let fit =
            self.limits.items.min(self.limits.bytes / (self.bytes / before.max(1)).max(1)).max(1) as u64;
        let ample = (2 * Limits::PER_WINDOW as u64 * self.conversation.counts.read / fit).next_power_of_two();
        self.window = ample.max(self.window);
        let window = self.window;
        let items = std::mem::take(&mut self.conversation.items);
        let sketch = self.conversation.background.get_or_insert_default();
        let mut kept = Vec::with_capacity(before / 2 + Limits::PER_WINDOW);
        let mut group: Vec<(f64, Item)> = Vec::new();
        for item in items {
            if group.first().is_some_and(|(_, first)| first.ordinal / window != item.ordinal / window) {
                settle(&mut group, &mut kept);
            }
            group.push((sketch.salience(&item.text) * (1.0 + f64::from(item.reactions).ln_1p() / 4.0), item));
        }
        settle(&mut group, &mut kept);
        self.bytes = kept.iter().map(|item| item.text.len() + item.id.len()).sum();
        self.conversation.items = kept;
        self.conversation.items.len() < before
    }
}

fn settle(group: &mut Vec<(f64, Item)>, kept: &mut Vec<Item>) {
    group.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.ordinal.cmp(&other.1.ordinal)));
    group.truncate(Limits::PER_WINDOW);
    group.sort_by_key(|(_, item)| item.ordinal);
    kept.extend(group.drain(..).map(|(_, item)| item));
}
