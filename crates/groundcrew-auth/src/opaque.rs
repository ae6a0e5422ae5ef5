//! Secrets that say nothing by themselves: a prefix, 43 random letters and digits, and six that check them.

use aws_lc_rs::digest;
use groundcrew_config::Secret;

use crate::{hex, random};

/// What a secret is for, as its prefix says. Scanners of source code find such prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Key,
    Session,
    Refresh,
}

/// Letters and digits: a double click takes the whole of it.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 of 62 are 256 bits.
const RANDOM: usize = 43;
const CHECK: usize = 6;

// === impl Use ===

impl Use {
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "gck_",
            Self::Session => "gcs_",
            Self::Refresh => "gcr_",
        }
    }

    /// A new one.
    pub(crate) fn generate(self) -> Secret<String> {
        let mut text = String::with_capacity(self.prefix().len() + RANDOM + CHECK);
        text.push_str(self.prefix());
        while text.len() < self.prefix().len() + RANDOM {
            // 248 is four times 62: beyond it some letters would come more often.
            let even = random::bytes::<64>().into_iter().filter(|byte| *byte < 248);
            let missing = self.prefix().len() + RANDOM - text.len();
            text.extend(even.take(missing).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
        }
        let check = check(&text);
        text.push_str(&check);
        Secret::new(text)
    }

    /// Whether a text can be one at all: a mistyped one is told without asking the database.
    pub(crate) fn is_well_formed(self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(self.prefix()) else { return false };
        rest.len() == RANDOM + CHECK
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && text[text.len() - CHECK..] == check(&text[..text.len() - CHECK])
    }
}

/// What is stored of a secret. A plain SHA-256 is right here: slow hashes are for what people choose, and nobody goes
/// through 2²⁵⁶ keys; a lookup needs a hash without salt.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn check(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(CHECK).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_one_is_well_formed_for_its_use_alone() {
        let key = Use::Key.generate();
        assert_eq!(key.expose().len(), 4 + 43 + 6);
        assert!(Use::Key.is_well_formed(key.expose()));
        assert!(!Use::Session.is_well_formed(key.expose()));
        assert_ne!(key.expose(), Use::Key.generate().expose());
    }

    #[test]
    fn one_wrong_letter_is_noticed() {
        let key = Use::Key.generate();
        let wrong = key.expose().char_indices().filter(|(at, letter)| {
            let other = if *letter == 'a' { "b" } else { "a" };
            let mut text = key.expose().clone();
            text.replace_range(at..=at, other);
            Use::Key.is_well_formed(&text)
        });
        assert_eq!(wrong.count(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text: String, tail in "[0-9A-Za-z]{49}") {
            prop_assert!(!Use::Key.is_well_formed(&text));
            for rest in [text, tail] {
                let key = format!("gck_{rest}");
                // One in 62⁶ would be right.
                prop_assert!(!Use::Key.is_well_formed(&key));
            }
        }
    }
}
