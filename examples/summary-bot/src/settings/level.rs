//! The names of the levels.

use crate::discord::access::Level;

// === impl Level ===

impl Level {
    pub(crate) const ALL: [Self; 5] = [Self::None, Self::Read, Self::Summarize, Self::Admin, Self::Owner];

    /// As it is written and stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Summarize => "summarize",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}
