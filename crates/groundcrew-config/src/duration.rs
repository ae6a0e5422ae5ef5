//! Durations: a number and a unit, or several of them.

use std::fmt::Write as _;
use std::time::Duration;

use crate::{FromConfig, Node, Shape};

/// Units from long to short, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl FromConfig for Duration {
    fn shape() -> Shape {
        Shape::text(
            "a duration with a unit (ms, s, m, h or d), such as `250ms`, `75s`, `15m`, `1h30m` or `7d`",
        )
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(parse)
    }

    fn to_text(&self) -> Option<String> {
        Some(in_words(*self))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_and_more = &rest[digits..];
        let end = unit_and_more.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_and_more.len());
        let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit_and_more[..end].trim())?;
        total = total.checked_add(times(number, *nanoseconds)?)?;
        rest = &unit_and_more[end..];
    }
    Some(total)
}

fn times(number: u64, nanoseconds: u64) -> Option<Duration> {
    let total = u128::from(number).checked_mul(u128::from(nanoseconds))?;
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    let rest = u32::try_from(total % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

fn in_words(duration: Duration) -> String {
    let mut left = duration.as_nanos();
    let mut text = String::new();
    for (unit, nanoseconds) in UNITS {
        let count = left / u128::from(nanoseconds);
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
            left %= u128::from(nanoseconds);
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse("75s"), Some(Duration::from_secs(75)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("15m"), Some(Duration::from_mins(15)));
        assert_eq!(parse("7d"), Some(Duration::from_hours(168)));
        assert_eq!(parse("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse(" 1h 30m "), Some(Duration::from_mins(90)));
    }

    #[test]
    fn a_bare_number_and_an_unknown_unit_are_refused() {
        for text in
            ["75", "", "s", "75 sec", "-1s", "1.5s", "1h30", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0..u64::MAX / 2, nanoseconds in 0..1_000_000_000_u32) {
            let duration = Duration::new(seconds, nanoseconds);
            prop_assert_eq!(parse(&in_words(duration)), Some(duration));
        }
    }
}
