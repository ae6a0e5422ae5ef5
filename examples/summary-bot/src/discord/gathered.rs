//! What was said in one channel or in several, as one conversation.

use super::history::Part;
use crate::{Collector, Conversation, Filter, Message, Origin};

/// A conversation, and where it was held.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) conversation: Conversation,
    /// The channel that it is of, if it is of one.
    home: Option<String>,
    /// The channels and threads, in their order.
    channels: Vec<String>,
}

// === impl Gathered ===

impl Gathered {
    /// The parts one after another. Of several, the id of each message says in which channel it stands:
    /// `channel/message`.
    pub(crate) fn of(parts: Vec<Part>, filter: Filter) -> Self {
        let home = match parts.as_slice() {
            [only] => Some(only.channel.id.clone()),
            _ => None,
        };
        Self::new(home, parts, filter)
    }

    /// The same of a channel and its threads: it is of that channel, whichever of them hold something.
    pub(crate) fn below(home: &str, parts: Vec<Part>, filter: Filter) -> Self {
        Self::new(Some(home.to_owned()), parts, filter)
    }

    fn new(home: Option<String>, parts: Vec<Part>, filter: Filter) -> Self {
        let channels: Vec<String> = parts.iter().map(|part| part.channel.id.clone()).collect();
        let plain = channels.iter().all(|channel| home.as_ref() == Some(channel));
        let mut collector = Collector::new(filter);
        for part in parts {
            for message in part.messages {
                collector.push(if plain { message } else { placed(message, &part.channel.id) });
            }
        }
        let channels = if plain { Vec::new() } else { channels };
        Self { conversation: collector.finish(), home, channels }
    }

    /// Where it comes from.
    pub(crate) fn origin(&self, guild: Option<String>) -> Origin {
        Origin {
            guild_id: guild,
            channel_id: self.home.clone(),
            channels: self.channels.clone(),
            ..Origin::default()
        }
    }
}

fn placed(mut message: Message, channel: &str) -> Message {
    message.id = format!("{channel}/{}", message.id);
    message.reply_to = message.reply_to.map(|id| format!("{channel}/{id}"));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::history::Channel;

    fn part(channel: &str, log: &str) -> Part {
        let mut messages = Vec::new();
        crate::read::read(log.as_bytes(), "", &mut |message| messages.push(message)).expect("a log");
        let channel = Channel { id: channel.to_owned(), name: "hall".to_owned(), parent_id: None };
        Part { channel, messages, left_out: 0, cut: false }
    }

    fn ids(gathered: &Gathered) -> Vec<String> {
        gathered.conversation.items.iter().map(|item| item.id.to_string()).collect()
    }

    const ASKED: &str =
        r#"[{"id": "11", "author": "ann", "content": "Who orders the new pump for the cellar?"}]"#;
    const ANSWERED: &str =
        r#"[{"id": "12", "author": "ben", "content": "I will order the new pump by Friday."}]"#;

    #[test]
    fn of_one_channel_ids_and_origin_stay_plain() {
        let gathered = Gathered::of(vec![part("7", ASKED)], Filter::default());
        assert_eq!(ids(&gathered), ["11"]);
        let origin = gathered.origin(None);
        assert_eq!((origin.channel_id.as_deref(), origin.channels.len()), (Some("7"), 0));
    }

    #[test]
    fn of_several_each_message_says_where_it_stands_and_the_origin_names_all() {
        let gathered = Gathered::of(vec![part("7", ASKED), part("8", ANSWERED)], Filter::default());
        assert_eq!(ids(&gathered), ["7/11", "8/12"]);
        let origin = gathered.origin(None);
        assert_eq!((origin.channel_id, origin.channels), (None, vec!["7".to_owned(), "8".to_owned()]));
    }

    #[test]
    fn what_was_said_in_a_thread_alone_is_of_its_channel_and_stands_in_the_thread() {
        let gathered = Gathered::below("7", vec![part("8", ANSWERED)], Filter::default());
        assert_eq!(ids(&gathered), ["8/12"]);
        let origin = gathered.origin(None);
        assert_eq!((origin.channel_id.as_deref(), origin.channels), (Some("7"), vec!["8".to_owned()]));
    }
}
