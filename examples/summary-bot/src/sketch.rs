//! Word counts in a fixed amount of memory, for conversations that are too large to keep.

use std::collections::HashSet;
use std::hash::Hasher;

use crate::hash::Quick;
use crate::sentences::words;

/// Counts words by hash: never too low, seldom too high.
#[derive(Debug)]
pub(crate) struct Sketch {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { counts: vec![0; Self::SIZE], total: 0 }
    }
}

impl Sketch {
    const SIZE: usize = 1 << 19;

    pub(crate) fn add(&mut self, word: &str) {
        let slot = &mut self.counts[Self::slot(word)];
        *slot = slot.saturating_add(1);
        self.total += 1;
    }

    /// How often a word came, or a little more.
    pub(crate) fn count(&self, word: &str) -> u32 {
        self.counts[Self::slot(word)]
    }

    fn slot(word: &str) -> usize {
        // The same on every machine and in every run.
        let mut hash = Quick::default();
        hash.write(word.as_bytes());
        usize::try_from(hash.finish() % Self::SIZE as u64).unwrap_or(0)
    }

    /// How much of what the conversation is about a text holds: many words that come often, but not everywhere.
    pub(crate) fn salience(&self, text: &str) -> f64 {
        let mut seen = HashSet::new();
        let mut length = 0.0;
        let mut sum = 0.0;
        for word in words(text).take(400) {
            length += 1.0;
            let count = f64::from(self.counts[Self::slot(&word)]);
            let share = count / (self.total.max(1) as f64);
            // Words that make up more than a 500th of everything are function words in any language.
            if word.chars().count() > 2 && share < 0.002 && seen.insert(word) {
                sum += count.ln_1p();
            }
        }
        sum / f64::sqrt(length + 8.0)
    }
}
