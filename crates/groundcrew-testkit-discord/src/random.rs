use aws_lc_rs::rand;
use std::fmt::Write;

/// So many random bytes, in hexadecimal.
pub(crate) fn hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // A machine without randomness has other problems; the ids would still be unique by their snowflakes.
    let _ = rand::fill(&mut buffer);
    encode(&buffer)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
