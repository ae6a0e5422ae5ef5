//! The time of a line: RFC 3339 in UTC with microseconds, the part up to the second kept from line to line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;
const LENGTH: usize = "2026-11-21T10:26:09.123456Z".len();
const MICROS_AT: usize = 20;

/// Writes the time by changing only what changed since it was asked last.
pub(crate) struct Stamp {
    second: u64,
    text: [u8; LENGTH],
}

// === impl Stamp ===

impl Stamp {
    pub(crate) const fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00.000000Z" }
    }

    /// The present time. A clock set before 1970 reads as the beginning of 1970.
    pub(crate) fn now(&mut self) -> &[u8; LENGTH] {
        self.at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn at(&mut self, since_epoch: Duration) -> &[u8; LENGTH] {
        let second = since_epoch.as_secs();
        if second != self.second {
            self.set_second(second);
        }
        let micros = since_epoch.subsec_micros();
        put_pair(&mut self.text, MICROS_AT, micros / 10_000);
        put_pair(&mut self.text, MICROS_AT + 2, micros / 100 % 100);
        put_pair(&mut self.text, MICROS_AT + 4, micros % 100);
        &self.text
    }

    fn set_second(&mut self, second: u64) {
        let (year, month, day) = date(second / SECONDS_PER_DAY);
        let time = u32::try_from(second % SECONDS_PER_DAY).unwrap_or_default();
        let parts = [year / 100, year % 100, month, day, time / 3600, time / 60 % 60, time % 60];
        for (at, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
            put_pair(&mut self.text, at, part);
        }
        self.second = second;
    }
}

fn put_pair(text: &mut [u8; LENGTH], at: usize, value: u32) {
    let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or_default();
    text[at] = digit(value / 10);
    text[at + 1] = digit(value);
}

/// Year, month and day of a day that is counted from the beginning of 1970.
fn date(mut days: u64) -> (u32, u32, u32) {
    let is_leap =
        |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    // Four centuries always have the same number of days, which bounds the walk below.
    let cycles = days / 146_097;
    year += u32::try_from(cycles * 400).unwrap_or_default();
    days %= 146_097;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, u32::try_from(days).unwrap_or_default() + 1)
}

#[cfg(test)]
mod tests {
    use super::Stamp;
    use std::time::Duration;

    fn at(second: u64, micros: u32) -> String {
        String::from_utf8_lossy(Stamp::new().at(Duration::new(second, micros * 1000))).into_owned()
    }

    #[test]
    fn known_instants_are_written_as_the_calendar_has_them() {
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_782_399, 999_999), "2000-02-28T23:59:59.999999Z");
        assert_eq!(at(951_782_400, 1), "2000-02-29T00:00:00.000001Z");
        assert_eq!(at(1_795_256_769, 123_456), "2026-11-21T10:26:09.123456Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn the_part_that_is_kept_follows_when_the_second_changes() {
        let mut stamp = Stamp::new();
        stamp.at(Duration::from_secs(59));
        assert_eq!(stamp.at(Duration::from_millis(60_500)), b"1970-01-01T00:01:00.500000Z");
        assert_eq!(stamp.at(Duration::from_secs(3)), b"1970-01-01T00:00:03.000000Z");
    }
}
