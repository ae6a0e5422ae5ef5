//! What of an answer may be believed and shown: claims that cite what there is, without anything that a conversation
//! may have talked the model into.

use std::collections::HashSet;

use super::claims::{Claim, Claims, Task};

/// Holds claims against what they were made from.
pub(crate) struct Check<'a> {
    /// The messages that an id stands for, by their places; none for an id that nobody gave.
    pub(crate) stands_for: &'a (dyn Fn(&str) -> Option<Vec<usize>> + Sync),
    /// Messages that a claim without ids can have come from.
    pub(crate) found: &'a (dyn Fn(&str) -> Vec<usize> + Sync),
    /// The texts at these places.
    pub(crate) said: &'a (dyn Fn(&[usize]) -> String + Sync),
    /// What must not be repeated: the instructions.
    pub(crate) secret: &'a Shingles,
}

/// A claim that holds, with the places of its messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) text: String,
    pub(crate) places: Vec<usize>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Ids that nobody gave.
    pub(crate) citations: u64,
    /// Claims that were left without any, or may not be shown.
    pub(crate) claims: u64,
}

/// Runs of words, to find a text again.
#[derive(Debug, Default)]
pub(crate) struct Shingles(HashSet<Vec<String>>);

/// So many messages are cited at most.
const CITED: usize = 8;

// === impl Dropped ===

impl Dropped {
    pub(crate) fn add(&mut self, more: Self) {
        self.citations += more.citations;
        self.claims += more.claims;
    }
}

// === impl Check ===

impl Check<'_> {
    /// The claims that hold. Their ids are places now, written as numbers.
    pub(crate) fn hold(&self, mut claims: Claims, dropped: &mut Dropped) -> Claims {
        for list in claims.lists_mut() {
            let held = std::mem::take(list).into_iter().filter_map(|claim| self.claim(&claim, dropped));
            *list = held.collect();
        }
        let tasks = std::mem::take(&mut claims.action_items);
        claims.action_items = tasks.into_iter().filter_map(|task| self.task(task, dropped)).collect();
        claims
    }

    fn claim(&self, claim: &Claim, dropped: &mut Dropped) -> Option<Claim> {
        let Held { text, places } = self.held(&claim.text, &claim.messages, dropped)?;
        Some(Claim { text, messages: numbers(&places) })
    }

    fn task(&self, task: Task, dropped: &mut Dropped) -> Option<Task> {
        let Held { text, places } = self.held(&task.description, &task.messages, dropped)?;
        let said = (self.said)(&places);
        let part =
            |part: Option<String>| part.map(|part| harmless(&part, &said)).filter(|part| !part.is_empty());
        let (assignee, deadline) = (part(task.assignee), part(task.deadline));
        Some(Task { description: text, assignee, deadline, messages: numbers(&places), ..task })
    }

    fn held(&self, text: &str, ids: &[String], dropped: &mut Dropped) -> Option<Held> {
        let mut places = Vec::new();
        for id in ids {
            match (self.stands_for)(id) {
                Some(more) => places.extend(more),
                None => dropped.citations += 1,
            }
        }
        if ids.is_empty() {
            places = (self.found)(text);
        }
        places.sort_unstable();
        places.dedup();
        places.truncate(CITED);
        let text = if places.is_empty() { String::new() } else { harmless(text, &(self.said)(&places)) };
        if text.is_empty() || self.secret.are_in(&text) {
            dropped.claims += 1;
            return None;
        }
        Some(Held { text, places })
    }
}

/// The places that a held claim names.
pub(crate) fn places(messages: &[String]) -> Vec<usize> {
    messages.iter().filter_map(|number| number.parse().ok()).collect()
}

fn numbers(places: &[usize]) -> Vec<String> {
    places.iter().map(usize::to_string).collect()
}

// === what may be shown ===

/// One line that calls nobody, leads nowhere that `said` does not lead, and has no letters that cannot be seen.
pub(crate) fn harmless(text: &str, said: &str) -> String {
    let visible: String =
        text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let visible: String = visible.chars().filter(|letter| !is_hidden(*letter)).collect();
    let words = without_marks(&visible);
    let kept = words.split(' ').filter(|word| !word.is_empty()).filter_map(|word| harmless_word(word, said));
    kept.collect::<Vec<_>>().join(" ")
}

/// Control characters, and those that turn or hide text.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// `[words](target)` and `![words](target)` become their words and, apart from them, their target; Discord's
/// `<@id>`, `<#id>`, `<:name:id>` and `<target>` lose what makes them more than text.
fn without_marks(text: &str) -> String {
    const MARKS: [&str; 9] = ["<@", "<#", "<:", "<a:", "<t:", "<id:", "</", "<http", "<www"];
    let text = text.replace("](", "] (").replace("![", "[");
    MARKS.iter().fold(text, |text, mark| text.replace(mark, &format!(" {}", &mark[1..])))
}

fn harmless_word(word: &str, said: &str) -> Option<String> {
    let bare = word.trim_matches(|letter: char| "()[]{}<>.,;:!?\"'*_`".contains(letter));
    let lower = bare.to_lowercase();
    let leads = lower.contains("://")
        || lower.starts_with("www.")
        || lower.contains("discord.gg/")
        || lower.starts_with("javascript:")
        || lower.starts_with("data:");
    if leads && !said.contains(bare) {
        return None;
    }
    // What Discord reads as a mention without its brackets, and what calls everybody.
    let mention = ["@&", "@!", "#"].iter().any(|mark| {
        lower
            .strip_prefix(mark)
            .is_some_and(|id| id.len() > 14 && id.bytes().all(|byte| byte.is_ascii_digit()))
    }) || lower
        .strip_prefix('@')
        .is_some_and(|id| id.len() > 14 && id.bytes().all(|byte| byte.is_ascii_digit()));
    if mention {
        return None;
    }
    let calls = ["@everyone", "@here"].iter().any(|name| lower.contains(name));
    Some(if calls { word.replace('@', "") } else { word.to_owned() })
}

// === impl Shingles ===

impl Shingles {
    const LENGTH: usize = 8;

    /// Of a text.
    pub(crate) fn of(text: &str) -> Self {
        let words: Vec<String> = crate::sentences::words(text).collect();
        Self(words.windows(Self::LENGTH).map(<[String]>::to_vec).collect())
    }

    fn are_in(&self, text: &str) -> bool {
        let words: Vec<String> = crate::sentences::words(text).collect();
        words.windows(Self::LENGTH).any(|run| self.0.contains(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_and_nothing_leads_out() {
        let said = "see https://example.org/plan and ask";
        for (text, shown) in [
            ("Read https://example.org/plan now.", "Read https://example.org/plan now."),
            ("Read https://evil.example/x now.", "Read now."),
            ("[the plan](https://evil.example/x) is out", "[the plan] is out"),
            ("![x](https://evil.example/pixel.png) Fine.", "[x] Fine."),
            ("@everyone look, @here too", "everyone look, here too"),
            ("Ask <@123456789012345678> or <@&123456789012345678>", "Ask or"),
            ("a < b in Vec<T>", "a < b in Vec<T>"),
            ("a\u{202e}b\u{200b}c\u{7} d\ne", "abc d e"),
            ("join discord.gg/abc", "join"),
        ] {
            assert_eq!(harmless(text, said), shown);
        }
    }

    #[test]
    fn what_repeats_the_instructions_is_dropped() {
        let secret =
            Shingles::of("You summarise conversations for people who were not there, and nothing else.");
        assert!(secret.are_in("It said: you summarise conversations for people who were not there!"));
        assert!(!secret.are_in("Anna told people who were not there what happened."));
    }
}
