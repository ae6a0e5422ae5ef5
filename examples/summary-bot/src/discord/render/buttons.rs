//! What can be pressed below a summary.

use uuid::Uuid;

use crate::discord::reply::Component;
use crate::document::Document;

/// A button below a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    Shorter,
    Longer,
    /// In the language of whoever presses it.
    Mine,
    /// Which messages it came from.
    Why,
    Good,
    Bad,
}

// === impl Press ===

impl Press {
    pub(crate) const ALL: [Self; 6] =
        [Self::Shorter, Self::Longer, Self::Mine, Self::Why, Self::Good, Self::Bad];

    /// What its id begins with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shorter => "shorter",
            Self::Longer => "longer",
            Self::Mine => "mine",
            Self::Why => "why",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }

    /// The id of this button below that summary.
    pub(crate) fn id(self, summary: Uuid) -> String {
        format!("{}:{summary}", self.name())
    }

    fn label(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Shorter => ("Shorter", None),
            Self::Longer => ("Longer", None),
            Self::Mine => ("In my language", None),
            Self::Why => ("Tell me why", None),
            Self::Good => ("Good", Some("👍")),
            Self::Bad => ("Bad", Some("👎")),
        }
    }
}

/// Two rows of buttons; those that lead nowhere are grey.
pub(super) fn rows(document: &Document) -> Vec<Vec<Component>> {
    let button = |press: Press| {
        let (label, emoji) = press.label();
        let disabled = match press {
            Press::Shorter => document.options.length == "brief",
            Press::Longer => document.options.length == "comprehensive",
            Press::Why => document.citations.is_empty(),
            Press::Mine | Press::Good | Press::Bad => false,
        };
        let (id, label, emoji) = (press.id(document.id), label.to_owned(), emoji.map(str::to_owned));
        Component::Button { id, label, emoji, disabled }
    };
    let (first, second) = Press::ALL.split_at(3);
    vec![first.iter().copied().map(button).collect(), second.iter().copied().map(button).collect()]
}
