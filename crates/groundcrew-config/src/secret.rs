//! A value that prints nothing anywhere.

use std::any::Any;
use std::fmt;
use std::hint::black_box;

use crate::value::Data;
use crate::{FromConfig, Node, Shape};

/// A value that prints nothing anywhere: `Debug` and `Display` say `[redacted]`, and it does not serialise.
///
/// A `Secret<String>` is overwritten when it is dropped (copies that others made are not).
///
/// ```
/// let token = groundcrew_config::Secret::new(String::from("hunter2"));
/// assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
/// assert_eq!(token.expose(), "hunter2");
/// ```
#[derive(Clone, Default)]
pub struct Secret<T: 'static>(T);

// === impl Secret ===

impl<T: 'static> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself; every call is a place where it can leak.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: 'static> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: 'static> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: 'static> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: 'static> Drop for Secret<T> {
    fn drop(&mut self) {
        if let Some(text) = (&mut self.0 as &mut dyn Any).downcast_mut::<String>() {
            let mut bytes = std::mem::take(text).into_bytes();
            bytes.fill(0);
            black_box(&bytes);
        }
    }
}

impl<T: FromConfig + 'static> FromConfig for Secret<T> {
    fn shape() -> Shape {
        T::shape().secret()
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        // Signing with nothing is worse than not starting.
        if matches!(node.data(), Some(Data::Scalar(scalar)) if scalar.text.is_empty()) {
            node.problem("is empty; a secret needs a value");
            return None;
        }
        T::from_config(&node.as_secret()).map(Self)
    }
}
