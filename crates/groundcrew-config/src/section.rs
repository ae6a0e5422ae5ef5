//! The keys of a section while it is read; what the derive's output is written in.

use std::fmt::Write as _;
use std::ops::{Bound, RangeBounds};

use crate::value::{Data, Table, Value};
use crate::{FromConfig, Node, Origin};

/// The keys of a section while it is read.
///
/// The derive writes this; by hand it is for sections whose reading depends on their content.
pub struct Section<'n, 'a> {
    node: &'n Node<'a>,
    table: Option<&'a Table>,
}

// === impl Section ===

impl<'n, 'a> Section<'n, 'a> {
    /// The section at a node: a table, or nothing at all. Anything else is a problem.
    pub fn of<T: FromConfig>(node: &'n Node<'a>) -> Option<Self> {
        match node.data() {
            None => Some(Self { node, table: None }),
            Some(Data::Table(table)) => Some(Self { node, table: Some(table) }),
            Some(_) => {
                node.problem(format!("found {}, expected {}", node.found(), T::shape().expects()));
                None
            }
        }
    }

    /// A key without a default.
    pub fn field<T: FromConfig>(&self, name: &str) -> Option<T> {
        T::from_config(&self.node.child(name, self.value(name)))
    }

    /// A key whose default is written as text.
    pub fn field_or_text<T: FromConfig>(&self, name: &str, default: &str) -> Option<T> {
        if self.value(name).is_some() {
            return self.field(name);
        }
        let value = Value::untyped(default, Origin::Default);
        T::from_config(&self.node.child(name, Some(&value)))
    }

    /// A key with a default of its own type.
    pub fn field_or<T: FromConfig>(&self, name: &str, default: impl FnOnce() -> T) -> Option<T> {
        if self.value(name).is_some() { self.field(name) } else { Some(default()) }
    }

    /// Reports a value outside of the range, and keeps one inside.
    pub fn within<T: FromConfig + PartialOrd>(
        &self,
        name: &str,
        value: Option<&T>,
        range: &impl RangeBounds<T>,
    ) -> bool {
        let inside = value.is_none_or(|value| range.contains(value));
        if !inside {
            self.node.child(name, self.value(name)).wrong_value(&range_words(range));
        }
        inside
    }

    /// Reports what a check of the section as a whole found.
    pub fn verdict(&self, verdict: Result<(), String>) -> bool {
        match verdict {
            Ok(()) => true,
            Err(message) => {
                self.node.problem(message);
                false
            }
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.table?.get(name)
    }
}

/// `from 1 to 65535`, `at least 1`, `below 9`.
pub(crate) fn range_words<T: FromConfig>(range: &impl RangeBounds<T>) -> String {
    let text = |value: &T| value.to_text().unwrap_or_default();
    let mut words = String::new();
    match (range.start_bound(), range.end_bound()) {
        (Bound::Included(low), Bound::Included(high)) => {
            return format!("from {} to {}", text(low), text(high));
        }
        (Bound::Included(low), _) => drop(write!(words, "at least {}", text(low))),
        (Bound::Excluded(low), _) => drop(write!(words, "above {}", text(low))),
        (Bound::Unbounded, _) => {}
    }
    let and = if words.is_empty() { "" } else { " and " };
    match range.end_bound() {
        Bound::Included(high) => drop(write!(words, "{and}at most {}", text(high))),
        Bound::Excluded(high) => drop(write!(words, "{and}below {}", text(high))),
        Bound::Unbounded => {}
    }
    words
}
