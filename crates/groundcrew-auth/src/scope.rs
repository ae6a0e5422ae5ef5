use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What somebody may do: names such as `summaries:write`, written with spaces between them as OAuth 2 does.
///
/// `*` is everything, `summaries:*` is everything that begins with `summaries:`. Nothing else implies anything:
/// `summaries:write` does not bring `summaries:read`.
///
/// ```
/// use groundcrew_auth::Scopes;
///
/// let scopes: Scopes = "summaries:read usage:*".parse()?;
/// assert!(scopes.allow("summaries:read") && scopes.allow("usage:read"));
/// assert!(!scopes.allow("summaries:write"));
/// # Ok::<(), groundcrew_auth::ScopeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

/// Why a text is no list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// A name has a character that OAuth 2 does not allow in one.
    #[error(
        "{0:?} is no scope: visible ASCII without quotes and backslashes is needed, with spaces between scopes"
    )]
    Name(String),
    /// There are more than anybody needs.
    #[error("{0} scopes are too many; at most {MOST} are kept")]
    TooMany(usize),
}

/// So many scopes are kept, of so many bytes each.
const MOST: usize = 64;
const LONGEST: usize = 128;

// === impl Scopes ===

impl Scopes {
    /// None: who is known, and may do what everybody may who is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything.
    pub fn all() -> Self {
        Self(BTreeSet::from(["*".to_owned()]))
    }

    /// These.
    ///
    /// # Errors
    ///
    /// When a name has a space, a quote, a backslash or anything but visible ASCII in it, or there are more than 64.
    pub fn of<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, ScopeError> {
        let checked = names.into_iter().map(|name| {
            let name = name.as_ref();
            if is_scope(name) { Ok(name.to_owned()) } else { Err(ScopeError::Name(name.to_owned())) }
        });
        let names: BTreeSet<String> = checked.collect::<Result<_, _>>()?;
        if names.len() > MOST { Err(ScopeError::TooMany(names.len())) } else { Ok(Self(names)) }
    }

    /// Whether this may be done.
    pub fn allow(&self, scope: &str) -> bool {
        self.0.contains(scope) || self.0.iter().any(|held| covers(held, scope))
    }

    /// Whether everything that `others` allow may be done: who hands on rights has them.
    pub fn allow_all(&self, others: &Self) -> bool {
        others.0.iter().all(|scope| self.allow(scope))
    }

    /// Their names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{name}")?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::of(text.split(' ').filter(|name| !name.is_empty()))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn covers(held: &str, scope: &str) -> bool {
    held == "*" || held.strip_suffix('*').is_some_and(|area| area.ends_with(':') && scope.starts_with(area))
}

fn is_scope(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        text.parse().expect("scopes")
    }

    #[test]
    fn a_star_covers_its_area_and_nothing_beside_it() {
        assert!(scopes("summaries:*").allow("summaries:read"));
        assert!(!scopes("summaries:*").allow("summariesx:read"));
        assert!(!scopes("summ*").allow("summaries:read"));
        assert!(!scopes("summaries:read").allow("summaries:*"));
        assert!(scopes("*").allow("anything"));
        assert!(!Scopes::none().allow("anything"));
    }

    #[test]
    fn nobody_hands_on_what_they_lack() {
        assert!(scopes("keys:write summaries:*").allow_all(&scopes("summaries:read keys:write")));
        assert!(!scopes("summaries:read").allow_all(&scopes("summaries:*")));
        assert!(!scopes("summaries:*").allow_all(&Scopes::all()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text: String) {
            if let Ok(scopes) = text.parse::<Scopes>() {
                prop_assert_eq!(scopes.to_string().parse::<Scopes>(), Ok(scopes));
            }
        }
    }
}
