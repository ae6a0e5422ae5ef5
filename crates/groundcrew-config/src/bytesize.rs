//! Sizes in bytes, with the units that people write.

use std::fmt;

use crate::value::ScalarKind;
use crate::{FromConfig, Node, Shape};

/// A size in bytes: `10MiB`, `64 KB`, `512`.
///
/// `KB`, `MB`, `GB`, `TB` are powers of 1000, `KiB`/`Ki` … `TiB`/`Ti` powers of 1024, a bare number is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

/// Longest unit last of its size, so that display finds the shortest name first.
const UNITS: [(&str, u64); 14] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("B", 1),
    ("", 1),
];

// === impl ByteSize ===

impl ByteSize {
    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as an index; the largest one where the machine is smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..end].parse().ok()?;
        let unit = text[end..].trim();
        let (_, bytes) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        number.checked_mul(*bytes).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, bytes): &&(&str, u64)| self.0 >= *bytes && self.0.is_multiple_of(*bytes);
        let (unit, bytes) = UNITS.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

impl FromConfig for ByteSize {
    fn shape() -> Shape {
        Shape::text("a size such as `10MiB`, `64KB` or `512B`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.read(&[ScalarKind::Untyped, ScalarKind::Text, ScalarKind::Integer], Self::parse)
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(ByteSize::parse("10MiB"), Some(ByteSize(10 << 20)));
        assert_eq!(ByteSize::parse("64 KB"), Some(ByteSize(64_000)));
        assert_eq!(ByteSize::parse("512"), Some(ByteSize(512)));
        assert_eq!(ByteSize::parse("1.5MB"), None);
        assert_eq!(ByteSize::parse("99999999TiB"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes: u64) {
            prop_assert_eq!(ByteSize::parse(&ByteSize(bytes).to_string()), Some(ByteSize(bytes)));
        }
    }
}
