use aws_lc_rs::rand;

/// So many random bytes, in hexadecimal.
pub(crate) fn hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // A machine without randomness has other problems; the ids would still be unique by their snowflakes.
    let _ = rand::fill(&mut buffer);
    encode(&buffer)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
