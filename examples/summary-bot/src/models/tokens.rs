//! How many tokens a text has: an estimate that is rather too high, and what servers teach us about it.
//!
//! There are no tables of a tokenizer here. Each family of models has its own, of megabytes; names behind a base URL
//! do not tell which; and all that depends on the number is where a conversation is cut and how much money is set
//! aside. For both it is enough not to guess too low, and every answer says how many there were.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a text costs at most in most tokenizers.
pub(crate) fn estimate(text: &str) -> u64 {
    let mut halves = 0_u64;
    let mut run = 0_u64;
    for letter in text.chars() {
        if letter.is_ascii_alphabetic() {
            // A word's beginning, and each further four letters.
            if run.is_multiple_of(4) {
                halves += 2;
            }
            run += 1;
            continue;
        }
        run = 0;
        halves += match letter {
            ' ' => 0,
            '0'..='9' => 1,
            _ if letter.is_ascii() => 2,
            // Letters with accents, Cyrillic, Greek, Hebrew, Arabic.
            '\u{80}'..='\u{7ff}' => 1,
            '\u{800}'..='\u{ffff}' => 3,
            _ => 6,
        };
    }
    halves.div_ceil(2)
}

/// What a model's answers say about our estimates, in thousandths.
#[derive(Debug)]
pub(crate) struct Correction(AtomicU64);

impl Default for Correction {
    fn default() -> Self {
        Self(AtomicU64::new(Self::START))
    }
}

// === impl Correction ===

impl Correction {
    const START: u64 = 1100;
    const RANGE: std::ops::RangeInclusive<u64> = 400..=3000;
    /// Shorter prompts say little: what every prompt carries weighs too much in them.
    const TELLING: u64 = 200;

    /// An estimate, corrected.
    pub(crate) fn apply(&self, estimated: u64) -> u64 {
        (estimated * self.0.load(Ordering::Relaxed)).div_ceil(1000)
    }

    /// How many tokens of our estimate fit into so many real ones.
    pub(crate) fn fitting(&self, real: u64) -> u64 {
        real * 1000 / self.0.load(Ordering::Relaxed).max(1)
    }

    /// Takes what a server counted: more than expected counts at once, less only bit by bit.
    pub(crate) fn learn(&self, estimated: u64, counted: u64) {
        if estimated < Self::TELLING || counted == 0 {
            return;
        }
        let seen = (counted * 1000 / estimated).clamp(*Self::RANGE.start(), *Self::RANGE.end());
        // Two answers at once may overwrite each other: the next one says it again.
        let known = self.0.load(Ordering::Relaxed);
        self.0.store(if seen > known { seen } else { (known * 9 + seen) / 10 }, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_not_below_what_known_tokenizers_count() {
        // Counted with o200k_base.
        for (text, counted) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("Die Donaudampfschifffahrtsgesellschaft fährt heute nicht.", 17),
            ("fn main() { println!(\"{}\", 1 + 2); }", 15),
            ("東京の天気は晴れです。", 8),
            ("2026-11-21T18:59:09Z", 12),
        ] {
            assert!(estimate(text) >= counted, "{text}: {}", estimate(text));
            assert!(estimate(text) <= counted * 3, "{text}: {}", estimate(text));
        }
    }

    #[test]
    fn what_a_server_counts_corrects_the_next_estimate() {
        let correction = Correction::default();
        correction.learn(1000, 2000);
        assert_eq!(correction.apply(1000), 2000);
        for _ in 0..60 {
            correction.learn(1000, 1000);
        }
        assert!(correction.apply(1000) < 1020, "{}", correction.apply(1000));
        correction.learn(1000, 1_000_000);
        assert_eq!(correction.apply(1000), 3000, "nonsense is bounded");
        correction.learn(10, 1);
        assert_eq!(correction.apply(1000), 3000, "a short prompt says nothing");
    }
}
