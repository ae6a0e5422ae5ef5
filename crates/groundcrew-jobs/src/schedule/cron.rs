use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::ScheduleError;

/// A cron expression on the clocks of one place.
///
/// The library is asked about local times only. What a change of the clocks means is decided here, since it takes a
/// list of hours for a pace, and so has `0 2,14 * * *` twice in the night in which two o'clock comes twice.
#[derive(Debug, Clone)]
pub(super) struct InZone {
    cron: Cron,
    zone: TimeZone,
    /// Every hour or every so many: what happens at a pace, and not at a time of the day.
    by_pace: bool,
}

/// A stretch of time in which the clocks are not changed.
#[derive(Debug, Clone, Copy)]
struct Span {
    offset: Offset,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// What the clocks showed when the span before ended.
    before: Option<DateTime>,
}

const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// Longer than any expression needs: two changes a year until the calendar of jiff ends.
const MOST_SPANS: usize = 20_000;

// === impl InZone ===

impl InZone {
    pub(super) fn parse(expression: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        let wrong = |problem: String| ScheduleError::Cron { expression: expression.to_owned(), problem };
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|error| wrong(error.to_string()))?;
        let hours = &cron.pattern.hours;
        let by_pace = hours.from_wildcard || hours.values().len() == 24;
        let parsed = Self { cron, zone, by_pace };
        // A whole cycle of the calendar has 400 years; what does not come in the decades after 2000 never does.
        match parsed.matching(DateTime::constant(2000, 1, 1, 0, 0, 0, 0), true) {
            Some(_) => Ok(parsed),
            None => Err(ScheduleError::Never { expression: expression.to_owned() }),
        }
    }

    pub(super) fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let mut span = Span::around(&self.zone, moment)?;
        let now = span.offset.to_datetime(moment);
        // What comes for the second time is not new, unless it happens at a pace.
        let repeated_until = span.before.filter(|before| !self.by_pace && *before > now);
        let mut next = match repeated_until {
            Some(until) => self.matching(until, true)?,
            None => self.matching(now, false)?,
        };
        for _ in 0..MOST_SPANS {
            let at = span.offset.to_timestamp(next).ok()?;
            if span.end.is_none_or(|end| at < end) {
                return Some(at);
            }
            span = Span::around(&self.zone, span.end?)?;
            let (start, before) = (span.start?, span.before?);
            let shows = span.offset.to_datetime(start);
            if next < shows && !self.by_pace {
                return Some(start); // it was skipped
            }
            if next < shows || (self.by_pace && shows < before) {
                next = self.matching(shows, true)?;
            }
        }
        None
    }

    fn matching(&self, local: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&local, inclusive).ok()
    }
}

// === impl Span ===

impl Span {
    fn around(zone: &TimeZone, moment: Timestamp) -> Option<Self> {
        let start = zone.preceding(moment.checked_add(INSTANT).ok()?).next().map(|change| change.timestamp());
        let end = zone.following(moment).next().map(|change| change.timestamp());
        let before = start.and_then(|start| {
            let offset = zone.to_offset(start.checked_sub(INSTANT).ok()?);
            Some(offset.to_datetime(start))
        });
        Some(Self { offset: zone.to_offset(moment), start, end, before })
    }
}
