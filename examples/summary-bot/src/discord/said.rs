//! From Discord's messages to ours: who said what, in words that can be read outside of Discord.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::atlas::Map;
use super::rest::Message as Theirs;
use crate::{Author, Kind, Message, When};

/// What people write: plain messages, answers, what a command said, and the first message of a thread.
const SAID: [u8; 5] = [0, 19, 20, 21, 23];
const ANSWER: u8 = 19;
const THREAD_STARTER: u8 = 21;

/// Which messages count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting<'a> {
    /// What programs wrote, too.
    pub(super) bots: bool,
    /// Not what these users wrote.
    pub(super) exclude_users: &'a [String],
}

/// The message as the engine takes it; `None` if it does not count: of the system, of a program, of somebody who is left
/// out, or without a word.
pub(super) fn message(theirs: &Theirs, map: &Map, counting: Counting<'_>) -> Option<Message> {
    if !SAID.contains(&theirs.kind) {
        return None;
    }
    if theirs.kind == THREAD_STARTER {
        // It stands for the message in the channel, and says nothing itself.
        return message(theirs.referenced.as_deref()?, map, counting);
    }
    let author = &theirs.author;
    let is_bot = author.bot || theirs.webhook_id.is_some();
    if is_bot && !counting.bots || counting.exclude_users.contains(&author.id) {
        return None;
    }
    let (text, kind) = text(theirs, map)?;
    let reference = theirs.reference.as_ref().filter(|_| theirs.kind == ANSWER);
    let time = theirs.timestamp.parse::<Timestamp>().ok().or_else(|| super::snowflake::made_at(&theirs.id));
    Some(Message {
        id: theirs.id.clone(),
        author: Author {
            name: author.global_name.clone().unwrap_or_else(|| author.username.clone()),
            id: author.id.clone(),
            bot: is_bot,
        },
        time: time.map(When::At),
        text,
        reply_to: reference.and_then(|reference| reference.message_id.clone()),
        reactions: theirs.reactions.iter().fold(0, |sum, reaction| sum.saturating_add(reaction.count)),
        attachments: u32::try_from(theirs.attachments.len()).unwrap_or(u32::MAX),
        kind,
    })
}

/// What was said, or what was done where nothing was.
fn text(theirs: &Theirs, map: &Map) -> Option<(String, Kind)> {
    let mut words = rewritten(&theirs.content, theirs, map);
    for snapshot in &theirs.snapshots {
        words.push_str(if words.is_empty() { "" } else { "\n" });
        words.push_str(&rewritten(&snapshot.message.content, theirs, map));
    }
    if let Some(question) = theirs.poll.as_ref().and_then(|poll| poll.question.text.as_ref()) {
        words.push_str(if words.is_empty() { "" } else { "\n" });
        words.push_str(question);
    }
    if says_something(&theirs.content) || (words.len() > theirs.content.len() && says_something(&words)) {
        return Some((words, Kind::Said));
    }
    let files: Vec<&str> = theirs
        .attachments
        .iter()
        .map(|file| {
            file.description.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or(&file.filename)
        })
        .filter(|name| !name.is_empty())
        .collect();
    (!files.is_empty()).then(|| (format!("shared {}", files.join(", ")), Kind::Action))
}

/// Whether there is a letter or a digit besides mentions and emoji.
fn says_something(content: &str) -> bool {
    let mut rest = content;
    let mut outside = String::new();
    while let Some(at) = rest.find('<') {
        outside.push_str(&rest[..at]);
        rest = &rest[at..];
        match mark(rest) {
            Some((_, length)) => rest = &rest[length..],
            None => {
                outside.push('<');
                rest = &rest[1..];
            }
        }
    }
    outside.push_str(rest);
    let bare = outside.replace("@everyone", "").replace("@here", "");
    bare.chars().any(char::is_alphanumeric)
}

/// A mark of Discord's at the beginning of a text.
enum Mark<'a> {
    User(&'a str),
    Role(&'a str),
    Channel(&'a str),
    Emoji(&'a str),
    Command(&'a str),
    Time(&'a str),
}

fn mark(text: &str) -> Option<(Mark<'_>, usize)> {
    // Marks are short; a text full of `<` is not searched to its end for each of them.
    let end = text.bytes().take(120).position(|byte| byte == b'>')?;
    let inner = text.get(1..end)?;
    let id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let mark = if let Some(role) = inner.strip_prefix("@&") {
        id(role).then_some(Mark::Role(role))
    } else if let Some(user) = inner.strip_prefix("@!").or_else(|| inner.strip_prefix('@')) {
        id(user).then_some(Mark::User(user))
    } else if let Some(channel) = inner.strip_prefix('#') {
        id(channel).then_some(Mark::Channel(channel))
    } else if let Some(time) = inner.strip_prefix("t:") {
        Some(Mark::Time(time.split(':').next().unwrap_or_default()))
    } else if let Some(command) = inner.strip_prefix('/') {
        let (name, number) = command.rsplit_once(':')?;
        id(number).then_some(Mark::Command(name))
    } else {
        let (name, number) =
            inner.strip_prefix("a:").or_else(|| inner.strip_prefix(':'))?.rsplit_once(':')?;
        id(number).then_some(Mark::Emoji(name))
    };
    mark.map(|mark| (mark, end + 1))
}

/// With names in place of ids, except in code.
fn rewritten(content: &str, theirs: &Theirs, map: &Map) -> String {
    if !content.contains('<') {
        return content.trim().to_owned();
    }
    let mut out = String::with_capacity(content.len());
    // Odd parts stand between backticks.
    for (index, part) in content.split('`').enumerate() {
        if index > 0 {
            out.push('`');
        }
        if index % 2 == 1 {
            out.push_str(part);
        } else {
            named(part, theirs, map, &mut out);
        }
    }
    out.trim().to_owned()
}

fn named(part: &str, theirs: &Theirs, map: &Map, out: &mut String) {
    let mut rest = part;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((mark, length)) = mark(rest) else {
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        match mark {
            Mark::User(id) => out.push_str(&user(id, theirs)),
            Mark::Role(id) => out.push_str(&role(id, map)),
            Mark::Channel(id) => {
                let name = map.channels.get(id).map_or("a-channel", |channel| channel.name.as_str());
                out.push_str(&format!("#{name}"));
            }
            Mark::Emoji(name) => out.push_str(&format!(":{name}:")),
            Mark::Command(name) => out.push_str(&format!("/{name}")),
            Mark::Time(seconds) => out.push_str(&time(seconds)),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
}

fn user(id: &str, theirs: &Theirs) -> String {
    let named = theirs.mentions.iter().find(|mention| mention.id == id);
    let name = named.map(|mention| {
        let nick = mention.member.as_ref().and_then(|member| member.nick.as_deref());
        nick.or(mention.global_name.as_deref()).unwrap_or(&mention.username)
    });
    // Without the `@`, which the engine takes for an address rather than for somebody.
    name.unwrap_or("somebody").to_owned()
}

fn role(id: &str, map: &Map) -> String {
    let role = map.guild.roles.iter().find(|role| role.id == id);
    role.map_or_else(|| "some of us".to_owned(), |role| role.name.trim_start_matches('@').to_owned())
}

fn time(seconds: &str) -> String {
    let moment = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let shown = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    moment.map_or_else(String::new, shown)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const ALL: Counting<'_> = Counting { bots: false, exclude_users: &[] };

    fn map() -> Map {
        let guild = serde_json::from_value(json!({
            "id": "1", "owner_id": "9", "roles": [{"id": "5", "name": "pilots", "permissions": "0"}],
        }));
        let channel = serde_json::from_value(json!({"id": "7", "type": 0, "name": "apron"})).unwrap();
        Map { guild: guild.unwrap(), channels: HashMap::from([("7".to_owned(), channel)]) }
    }

    fn cleaned(extra: &Value) -> Option<Message> {
        let mut theirs = json!({
            "id": "1054", "channel_id": "7", "type": 0, "content": "hello", "timestamp": "2026-03-01T14:03:00Z",
            "author": {"id": "3", "username": "ada", "global_name": "Ada L."},
        });
        theirs.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        message(&serde_json::from_value(theirs).unwrap(), &map(), ALL)
    }

    fn text_of(content: &str) -> Option<String> {
        let mentions = json!([{"id": "4", "username": "bob", "global_name": "Bob"}]);
        cleaned(&json!({"content": content, "mentions": mentions})).map(|message| message.text)
    }

    #[test]
    fn ids_become_names() {
        let text = text_of("<@4> and <@&5>: see <#7> <:tada:123> </summarize:99> <t:1772373780:R>").unwrap();
        assert_eq!(text, "Bob and pilots: see #apron :tada: /summarize 2026-03-01 14:03 UTC");
    }

    #[test]
    fn code_stays_as_it_is() {
        assert_eq!(
            text_of("look: `Vec<@4>` and ```\nfoo<#7>\n```").unwrap(),
            "look: `Vec<@4>` and ```\nfoo<#7>\n```"
        );
    }

    #[test]
    fn a_message_of_mentions_and_emoji_only_does_not_count() {
        assert_eq!(text_of("<@4> <:tada:123> @everyone 🎉"), None);
        assert!(text_of("<@4> ok").is_some());
    }

    #[test]
    fn joins_and_pins_do_not_count() {
        for kind in [1, 3, 6, 7, 8, 18, 46] {
            assert_eq!(cleaned(&json!({"type": kind})), None);
        }
    }

    #[test]
    fn programs_do_not_count_unless_they_are_asked_for() {
        let bot = json!({"author": {"id": "8", "username": "robot", "bot": true}});
        assert_eq!(cleaned(&bot), None);
        assert_eq!(cleaned(&json!({"webhook_id": "55"})), None);
    }

    #[test]
    fn what_was_only_shared_was_done_rather_than_said() {
        let files =
            json!([{"filename": "plan.pdf"}, {"filename": "x.png", "description": "a picture of the apron"}]);
        let message = cleaned(&json!({"content": "", "attachments": files})).unwrap();
        assert_eq!(message.text, "shared plan.pdf, a picture of the apron");
        assert_eq!((message.kind, message.attachments), (Kind::Action, 2));
    }

    #[test]
    fn answers_and_reactions_are_kept() {
        let message = cleaned(&json!({
            "type": 19, "message_reference": {"message_id": "1053"},
            "reactions": [{"count": 2, "emoji": {"name": "👍"}}, {"count": 3, "emoji": {"name": "🎉"}}],
        }));
        let message = message.unwrap();
        assert_eq!((message.reply_to.as_deref(), message.reactions), (Some("1053"), 5));
        assert_eq!(message.author.name, "Ada L.");
    }

    #[test]
    fn a_thread_begins_with_what_it_is_about() {
        let starter = json!({"type": 21, "content": "", "referenced_message": {
            "id": "1000", "type": 0, "content": "shall we?", "author": {"id": "4", "username": "bob"},
            "timestamp": "2026-03-01T14:00:00Z",
        }});
        let message = cleaned(&starter).unwrap();
        assert_eq!((message.id.as_str(), message.text.as_str()), ("1000", "shall we?"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(content in ".*") {
            let _text = text_of(&content);
        }

        #[test]
        fn marks_within_marks_are_no_trouble(content in "[<>@&!#:/ta0-9`]{0,200}") {
            let _text = text_of(&content);
        }
    }
}
