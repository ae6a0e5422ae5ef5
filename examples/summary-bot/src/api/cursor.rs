//! Where a list goes on: opaque to clients, stable whatever is added or deleted meanwhile.

use uuid::Uuid;

/// The last entry that was shown; the next page holds what is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) Uuid);

impl Cursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_ours = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        Uuid::try_parse(text).ok().filter(|_| is_ours).map(Self)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.simple().fmt(formatter)
    }
}
