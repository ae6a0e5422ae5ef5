//! Which messages a statement can have come from that names none.

use std::collections::{HashMap, HashSet};

use crate::Conversation;
use crate::sentences::words;

/// The words of a conversation and where they are.
#[derive(Debug)]
pub(crate) struct Support {
    places: HashMap<String, Vec<u32>>,
    messages: usize,
}

/// Shorter words say nothing.
const LETTERS: usize = 4;
/// With fewer telling words a statement is too vague to be found again.
const TELLING: usize = 3;

// === impl Support ===

impl Support {
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let mut places: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, item) in (0_u32..).zip(&conversation.items) {
            for word in telling(&item.text) {
                places.entry(word).or_default().push(at);
            }
        }
        Self { places, messages: conversation.items.len() }
    }

    /// One or two messages that hold most of the words of a statement; none if there are no such.
    pub(crate) fn find(&self, statement: &str) -> Vec<usize> {
        let wanted = telling(statement);
        if wanted.len() < TELLING {
            return Vec::new();
        }
        let mut shared: HashMap<u32, HashSet<&str>> = HashMap::new();
        for word in &wanted {
            let places = self.places.get(word).map_or(&[][..], Vec::as_slice);
            // What every second message has in it proves nothing.
            if places.len() * 2 <= self.messages.max(4) {
                for at in places {
                    shared.entry(*at).or_default().insert(word);
                }
            }
        }
        let mut found: Vec<(u32, HashSet<&str>)> = shared.into_iter().collect();
        found.sort_by_key(|(at, words)| (std::cmp::Reverse(words.len()), *at));
        found.truncate(2);
        let covered: HashSet<&str> = found.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let enough = covered.len() >= 2 && covered.len() * 2 >= wanted.len();
        let mut places: Vec<usize> = found.into_iter().map(|(at, _)| at as usize).collect();
        places.sort_unstable();
        if enough { places } else { Vec::new() }
    }
}

fn telling(text: &str) -> HashSet<String> {
    words(text).filter(|word| word.chars().count() >= LETTERS).collect()
}
