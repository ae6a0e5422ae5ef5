//! Randomness for secrets.

use aws_lc_rs::rand;

/// So many random bytes.
///
/// # Panics
///
/// When the operating system has no randomness: there is nothing safe to go on with.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
