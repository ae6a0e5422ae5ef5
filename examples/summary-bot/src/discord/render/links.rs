//! Where in Discord a cited message stands.

use crate::Origin;

/// More links than this at one point are noise; "tell me why" has them all.
const MOST: usize = 4;

/// Makes links to the messages of one conversation.
#[derive(Debug)]
pub(super) struct Links<'d> {
    guild: Option<&'d str>,
    channel: Option<&'d str>,
}

// === impl Links ===

impl<'d> Links<'d> {
    pub(super) fn of(origin: &'d Origin) -> Self {
        let id = |text: &'d Option<String>| text.as_deref().filter(|text| is_id(text));
        Self { guild: id(&origin.guild_id), channel: id(&origin.channel_id) }
    }

    /// A link to a message, whose id may hold its channel's before a slash; `None` for what is not from Discord.
    pub(super) fn to(&self, message: &str) -> Option<String> {
        let (channel, message) = match message.split_once('/') {
            Some((channel, message)) => (channel, message),
            None => (self.channel?, message),
        };
        let guild = self.guild?;
        let right = is_id(channel) && is_id(message);
        right.then(|| format!("https://discord.com/channels/{guild}/{channel}/{message}"))
    }

    /// The links behind a point: ` ([1](…), [2](…), +3)`, or nothing.
    pub(super) fn behind(&self, messages: &[String]) -> String {
        let links: Vec<String> = messages.iter().filter_map(|message| self.to(message)).collect();
        if links.is_empty() {
            return String::new();
        }
        let shown = links.iter().take(MOST).enumerate();
        let mut parts: Vec<String> = shown.map(|(index, link)| format!("[{}]({link})", index + 1)).collect();
        if links.len() > MOST {
            parts.push(format!("+{}", links.len() - MOST));
        }
        format!(" ({})", parts.join(", "))
    }
}

/// Whether a text is an id of Discord's.
fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { guild_id: Some("1".into()), channel_id: Some("2".into()), ..Origin::default() }
    }

    #[test]
    fn a_message_is_found_in_its_channel() {
        let origin = origin();
        let links = Links::of(&origin);
        assert_eq!(links.to("3").as_deref(), Some("https://discord.com/channels/1/2/3"));
        assert_eq!(links.to("9/3").as_deref(), Some("https://discord.com/channels/1/9/3"));
    }

    #[test]
    fn what_is_no_message_of_discords_has_no_link() {
        let origin = origin();
        assert_eq!(Links::of(&origin).to("L12"), None);
        assert_eq!(Links::of(&Origin::default()).to("3"), None);
        assert_eq!(Links::of(&origin).behind(&["L1".to_owned()]), "");
    }

    #[test]
    fn of_many_links_some_are_shown_and_the_others_counted() {
        let ids: Vec<String> = (3..9).map(|id: u8| id.to_string()).collect();
        let shown = Links::of(&origin()).behind(&ids);
        assert!(shown.ends_with("[4](https://discord.com/channels/1/2/6), +2)"), "{shown}");
    }
}
