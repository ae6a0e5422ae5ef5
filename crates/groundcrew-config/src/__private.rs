//! What the derive calls and nobody else should.

use std::ops::RangeBounds;

use crate::{FromConfig, defaults};

/// The body of `Default` under `#[config(default_impl)]`.
///
/// # Panics
///
/// When a key without a default is required: a mistake in the type, found by its first use.
pub fn default_or_panic<T: FromConfig>() -> T {
    match defaults() {
        Ok(value) => value,
        Err(problems) => panic!("`default_impl` needs a default for every key:\n{problems}"),
    }
}

/// A range in words: `from 1 to 65535`, `at least 1`, `at most 9`.
pub fn range_words<T: FromConfig>(range: &impl RangeBounds<T>) -> String {
    crate::section::range_words(range)
}
