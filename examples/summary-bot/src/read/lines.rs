//! Lines of a text of any size, each of bounded length.

use std::io::{self, BufRead};

/// One line: at most [`LIMIT`] bytes of it are kept, the rest is read past.
pub(super) const LIMIT: usize = 256 * 1024;

/// Reads the next line into `line` without its end; `false` at the end of the input.
///
/// What is not UTF-8 becomes U+FFFD: old logs mix encodings.
pub(super) fn next_line(source: &mut impl BufRead, line: &mut String) -> io::Result<bool> {
    let mut bytes = Vec::new();
    let mut any = false;
    loop {
        let chunk = match source.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            break;
        }
        any = true;
        let (end, used) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at, at + 1),
            None => (chunk.len(), chunk.len()),
        };
        let room = LIMIT.saturating_sub(bytes.len()).min(end);
        bytes.extend_from_slice(&chunk[..room]);
        source.consume(used);
        if used > end {
            break;
        }
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    line.clear();
    line.push_str(&String::from_utf8_lossy(&bytes));
    Ok(any)
}
