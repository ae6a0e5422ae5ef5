//! The id of one request or job, kept inline.

use crate::{hex, random};
use std::fmt;

/// The longest id that is taken over from outside, in bytes.
const MAX: usize = 64;

/// The id of one request or job: 1 to 64 bytes of `A-Z a-z 0-9 - _ . : / + =`, without a heap allocation.
///
/// ```
/// use groundcrew_telemetry::RequestId;
///
/// let given = RequestId::parse(b"order-17").expect("safe characters only");
/// assert_eq!(given.as_str(), "order-17");
/// assert_eq!(RequestId::random().as_str().len(), 32);
/// assert!(RequestId::parse(b"a\nforged line").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    len: u8,
    bytes: [u8; MAX],
}

// === impl RequestId ===

impl RequestId {
    /// A new id of 32 hexadecimal digits (128 random bits; unique, not secret).
    pub fn random() -> Self {
        let mut id = Self { len: 32, bytes: [0; MAX] };
        id.bytes[..16].copy_from_slice(&hex::encode_u64(random::next()));
        id.bytes[16..32].copy_from_slice(&hex::encode_u64(random::next()));
        id
    }

    /// An id that somebody else chose, such as an `x-request-id` header.
    ///
    /// `None` if it is empty, longer than 64 bytes, or has a character that could confuse a log, a header or
    /// a shell; make a random one then.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let len = u8::try_from(text.len()).ok()?;
        if text.is_empty() || text.len() > MAX || !text.iter().copied().all(is_safe) {
            return None;
        }
        let mut bytes = [0; MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { len, bytes })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as bytes, ready for a header value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

fn is_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=')
}

#[cfg(test)]
mod tests {
    use super::{MAX, RequestId};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_of_safe_characters_comes_back_as_it_was(text in "[A-Za-z0-9_.:/+=-]{1,64}") {
            let id = RequestId::parse(text.as_bytes()).expect("safe");
            prop_assert_eq!(id.as_str(), text);
        }

        #[test]
        fn whatever_is_accepted_is_short_and_graphic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(id) = RequestId::parse(&bytes) {
                prop_assert!(id.as_bytes().len() <= MAX && !id.as_bytes().is_empty());
                prop_assert!(id.as_bytes().iter().all(u8::is_ascii_graphic));
            }
        }
    }

    #[test]
    fn an_id_of_65_bytes_is_refused() {
        assert!(RequestId::parse(&[b'a'; 65]).is_none());
        assert!(RequestId::parse(&[b'a'; 64]).is_some());
    }
}
