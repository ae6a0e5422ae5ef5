//! Dates and times as people and exports write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::conversation::When;

/// A bound of a time range: a full time, or a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A full date and time.
    At(Timestamp),
    /// A whole day: its first second as a lower bound, its last as an upper one.
    Day(Date),
    /// A time of day, in seconds.
    Clock(i64),
}

impl Moment {
    /// Whether `when` lies at or after this moment.
    pub fn is_not_after(self, when: When) -> bool {
        match (self, when) {
            (Self::At(bound), When::At(time)) => time >= bound,
            (Self::Day(day), When::At(time)) => time >= start_of(day),
            (Self::Clock(bound), _) => when.second_of_day() >= bound,
            (_, When::Clock(_)) => true,
        }
    }

    /// Whether `when` lies at or before this moment.
    pub fn is_not_before(self, when: When) -> bool {
        match (self, when) {
            (Self::At(bound), When::At(time)) => time <= bound,
            (Self::Day(day), When::At(time)) => day.tomorrow().is_ok_and(|next| time < start_of(next)),
            (Self::Clock(bound), _) => when.second_of_day() <= bound,
            (_, When::Clock(_)) => true,
        }
    }
}

fn start_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// Reads `2026-03-01T14:03:00+01:00`, `2026-03-01 14:03` (UTC), `2026-03-01`, or `14:03`.
///
/// The error says what was expected.
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Some(When::At(timestamp)) = parse_full(text) {
        return Ok(Moment::At(timestamp));
    }
    if let Ok(day) = text.parse::<Date>() {
        return Ok(Moment::Day(day));
    }
    if let Some(seconds) = parse_clock(text) {
        return Ok(Moment::Clock(seconds));
    }
    Err(format!("expected a time such as 2026-03-01T14:03:00Z, 2026-03-01 or 14:03, found {text:?}"))
}

/// A date with a time, in RFC 3339 or close to it; without an offset it is UTC.
pub(super) fn parse_full(text: &str) -> Option<When> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(When::At(timestamp));
    }
    if !text.contains([':', 'T']) {
        return None;
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Some(When::At(zoned.timestamp()));
    }
    let date_time = text.parse::<DateTime>().ok().or_else(|| other_order(text))?;
    date_time.to_zoned(TimeZone::UTC).ok().map(|zoned| When::At(zoned.timestamp()))
}

/// `31.12.2025, 14:03` and `12/31/25, 2:03 PM`, as phones write them.
fn other_order(text: &str) -> Option<DateTime> {
    let (date, clock) = text.split_once([',', ' '])?;
    let separator = date.find(['/', '.', '-']).map(|at| date.as_bytes()[at])?;
    let mut parts = date.split(char::from(separator)).map(|part| part.parse::<i16>().ok());
    let (first, second, third) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let year = |short: i16| if short < 100 { short + 2000 } else { short };
    let (year, month, day) = match (separator, first, second) {
        (_, 1000.., _) => (first, second, third),
        (b'/', _, 13..) => (year(third), first, second),
        (b'/', 1..=12, _) if clock.to_ascii_lowercase().ends_with('m') => (year(third), first, second),
        _ => (year(third), second, first),
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let seconds = parse_clock(clock)?;
    let time = Time::midnight().checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
    Some(date.to_datetime(time))
}

/// `14:03`, `14:03:59`, `2:03 pm` as seconds of the day.
pub(super) fn parse_clock(text: &str) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase();
    let (clock, half) = match lower.strip_suffix(['m']) {
        Some(rest) => {
            let rest = rest.trim_end();
            let half = rest.chars().last().filter(|last| matches!(last, 'a' | 'p'))?;
            (rest[..rest.len() - 1].trim_end(), Some(half))
        }
        None => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let mut number = |limit: i64| -> Option<Option<i64>> {
        let Some(part) = parts.next() else { return Some(None) };
        // Fractions of a second are left out; elsewhere a full stop is no part of a clock.
        let whole = if limit == 61 { part.split('.').next()? } else { part };
        let fits = (1..=2).contains(&whole.len()) && whole.bytes().all(|byte| byte.is_ascii_digit());
        let value = whole.parse().ok().filter(|value| fits && *value < limit)?;
        Some(Some(value))
    };
    let mut hours = number(24)??;
    let minutes = number(60)??;
    let seconds = number(61)?.unwrap_or(0);
    match half {
        Some(_) if !(1..=12).contains(&hours) => return None,
        Some('p') if hours < 12 => hours += 12,
        Some('a') if hours == 12 => hours = 0,
        _ => {}
    }
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds.min(59))
}
