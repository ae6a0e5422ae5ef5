//! A value that remembers its origin.

use std::fmt;
use std::ops::Deref;

use crate::{FromConfig, Node, Origin, Shape};

/// A value that remembers its origin and otherwise reads like the value itself.
///
/// For settings whose default is fine on a developer's machine and must be chosen in production:
///
/// ```
/// # use groundcrew_config::{Origin, Sourced};
/// let url = Sourced::from(String::from("sqlite:data.db"));
/// assert!(url.is_default());
/// assert!(url.starts_with("sqlite:"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    value: T,
    origin: Origin,
}

// === impl Sourced ===

impl<T> Sourced<T> {
    /// A value from somewhere.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// Where the value came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether nobody chose the value.
    pub fn is_default(&self) -> bool {
        self.origin.is_default()
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> From<T> for Sourced<T> {
    /// A value that nobody chose.
    fn from(value: T) -> Self {
        Self::new(value, Origin::Default)
    }
}

impl<T> Deref for Sourced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Sourced<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: FromConfig> FromConfig for Sourced<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        Some(Self::new(T::from_config(node)?, node.origin()))
    }

    fn to_text(&self) -> Option<String> {
        self.value.to_text()
    }
}
