//! Numbers in a line, without the machinery of `fmt`.

use std::io::Write;

const PAIRS: [[u8; 2]; 100] = pairs();

/// Appends `value` in decimal.
pub(crate) fn unsigned(line: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while value >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(value % 100));
        value /= 100;
    }
    if value >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(value));
    } else {
        at -= 1;
        digits[at] = pair(value)[1];
    }
    line.extend_from_slice(&digits[at..]);
}

/// Appends `value` in decimal.
pub(crate) fn signed(line: &mut Vec<u8>, value: i64) {
    if value < 0 {
        line.push(b'-');
    }
    unsigned(line, value.unsigned_abs());
}

/// Appends a finite `value` with the fewest digits that read back as the same number.
pub(crate) fn float(line: &mut Vec<u8>, value: f64) {
    match whole_thousandths(value) {
        Some(count) => thousandths(line, count),
        // Writing to a vector does not fail. `Debug` is short for large exponents, where `Display` is not.
        None => drop(write!(line, "{value:?}")),
    }
}

/// How many thousandths `value` is, if it is the number closest to a whole count of them, as durations are.
/// With at most 15 digits no two such counts are the same number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range just tested")]
#[expect(clippy::float_cmp, reason = "it must be the very same number")]
fn whole_thousandths(value: f64) -> Option<u64> {
    let in_range = value.is_sign_positive() && value < 1e11;
    let count = in_range.then_some((value * 1e3 + 0.5) as u64)?;
    (count as f64 / 1e3 == value).then_some(count)
}

fn thousandths(line: &mut Vec<u8>, count: u64) {
    unsigned(line, count / 1000);
    line.push(b'.');
    let [_, hundreds] = pair(count / 100 % 10);
    let [tens, ones] = pair(count % 100);
    let fraction = [hundreds, tens, ones];
    let digits = fraction.iter().rposition(|digit| *digit != b'0').map_or(1, |last| last + 1);
    line.extend_from_slice(&fraction[..digits]);
}

fn pair(value: u64) -> [u8; 2] {
    PAIRS[usize::try_from(value % 100).unwrap_or_default()]
}

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[b'0'; 2]; 100];
    let mut at = 0;
    let mut tens = b'0';
    while at < 100 {
        let mut ones = b'0';
        while ones <= b'9' {
            pairs[at] = [tens, ones];
            ones += 1;
            at += 1;
        }
        tens += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        write(&mut line);
        String::from_utf8(line).expect("digits")
    }

    proptest! {
        #[test]
        fn integers_are_written_as_fmt_writes_them(u: u64, i: i64, shift in 0..64_u32) {
            prop_assert_eq!(text(|line| super::unsigned(line, u >> shift)), (u >> shift).to_string());
            prop_assert_eq!(text(|line| super::signed(line, i >> shift)), (i >> shift).to_string());
        }

        #[test]
        fn thousandths_are_written_as_fmt_writes_them(count in 0..1u64 << 50, shift in 0..50_u32) {
            let value = (count >> shift) as f64 / 1e3;
            prop_assert_eq!(text(|line| super::float(line, value)), format!("{value:?}"));
        }

        #[test]
        fn finite_floats_read_back_the_same(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let text = text(|line| super::float(line, value));
            prop_assert_eq!(text.parse::<f64>().expect("a number").to_bits(), value.to_bits());
            prop_assert!(serde_json::from_str::<serde_json::Number>(&text).is_ok());
        }
    }
}
