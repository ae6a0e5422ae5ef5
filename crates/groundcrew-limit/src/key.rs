//! Keys of a bounded length, and keys that are secrets.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The longest key, in bytes, that a store sees as it is. A longer one is replaced by [`digest`], so that nobody
/// decides how much memory a key takes.
pub const MAX_KEY: usize = 96;

/// A key for something that must not stand in a store, such as a token: 128 bits of its SHA-256, in hex. The same in
/// every process and every version.
///
/// ```
/// let key = groundcrew_limit::digest("a token");
/// assert_eq!(key, groundcrew_limit::digest("a token"));
/// assert_eq!(key.len(), 32);
/// ```
pub fn digest(secret: impl AsRef<[u8]>) -> String {
    Sha256::digest(secret).iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn bounded(key: &str) -> Cow<'_, str> {
    if key.len() <= MAX_KEY { Cow::Borrowed(key) } else { Cow::Owned(digest(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_stable_and_is_the_beginning_of_sha_256() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn a_long_key_is_bounded_and_still_tells_two_apart() {
        let (one, two) = ("a".repeat(10_000), "a".repeat(10_001));
        assert!(bounded(&one).len() <= MAX_KEY);
        assert_ne!(bounded(&one), bounded(&two));
        assert_eq!(bounded("198.51.100.7"), "198.51.100.7");
    }
}
