//! Who is spoken to: `anna: look here`, `@anna look here`.

use std::collections::HashMap;

use crate::collect::Person;

/// The names of a conversation, to recognise them in its text.
pub(crate) struct Names {
    index: HashMap<String, u32>,
}

impl Names {
    pub(crate) fn of(people: &[Person]) -> Self {
        let mut index = HashMap::new();
        for (at, person) in (0_u32..).zip(people) {
            let name = person.name.to_lowercase();
            index.entry(bare(&name).to_owned()).or_insert(at);
            index.entry(name).or_insert(at);
        }
        Self { index }
    }

    /// The person with this name, in any case.
    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        let word = word.trim_matches(|letter: char| "@,:;.!?()".contains(letter)).to_lowercase();
        self.index.get(&word).or_else(|| self.index.get(bare(&word))).copied().filter(|_| !word.is_empty())
    }

    /// Whether a lower-case word without marks is somebody's name.
    pub(crate) fn holds(&self, word: &str) -> bool {
        self.index.contains_key(word)
    }

    /// Takes an address off the front: who is addressed, and the rest.
    ///
    /// A colon or comma makes a name an address; at-signs do so alone.
    pub(crate) fn address<'a>(&self, text: &'a str) -> (Option<u32>, &'a str) {
        let (mut who, mut rest) = (None, text.trim_start());
        while let Some((first, after)) = rest.split_once(char::is_whitespace) {
            let marked = first.starts_with('@') || first.ends_with([':', ',']);
            match self.find(first).filter(|_| marked) {
                Some(person) => (who, rest) = (who.or(Some(person)), after.trim_start()),
                None => break,
            }
        }
        (who, rest)
    }
}

fn bare(name: &str) -> &str {
    let bare = name.trim_matches(|letter: char| !letter.is_alphanumeric());
    if bare.is_empty() { name } else { bare }
}
