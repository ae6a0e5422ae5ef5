//! When something is due: a pure function of time, without a clock and without a store.

mod cron;
mod error;
mod misfire;
mod timing;

use std::fmt;
use std::str::FromStr;

use groundcrew_config::{FromConfig, Node, Shape};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use cron::InZone;
pub use error::ScheduleError;
pub use misfire::Misfire;
use misfire::ON_TIME;
pub use timing::Timing;

/// Moments that return: by a cron expression in a time zone, or at an even pace.
///
/// ```
/// use groundcrew_jobs::Schedule;
///
/// let nightly: Schedule = "CRON_TZ=Europe/Berlin 30 2 * * *".parse()?;
/// let next = nightly.next_after("2026-03-27T12:00:00Z".parse()?).expect("it returns");
/// assert_eq!(next.to_string(), "2026-03-28T01:30:00Z");
///
/// // In the night to the 29th there is no half past two: it is three at once.
/// assert_eq!(nightly.next_after(next).expect("it returns").to_string(), "2026-03-29T01:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # How it is written
///
/// Five fields (minute, hour, day of the month, month, day of the week), or six with the second in front, with names,
/// ranges, steps, `L`, `W` and `#`; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. In front of it,
/// `CRON_TZ=<zone>` says in which zone, UTC otherwise. `@every 15m` is an even pace: every whole multiple of it since
/// 1970, so that all replicas mean the same moments.
///
/// # When the clocks change
///
/// A schedule that names its hours (`30 2 * * *`, `0 2,14 * * *`, `*/5 2 * * *`) happens once for each local time: if
/// the time comes twice that day, at the first; if it is skipped, when the clocks have changed, and once for all that
/// was skipped. A schedule of every hour or every so many (`*/15 * * * *`, `0 */2 * * *`) goes on at its pace: what
/// is skipped does not happen, and what comes twice happens twice.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    rule: Rule,
    misfire: Misfire,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Box<InZone>),
    Every(SignedDuration),
}

/// The longest text of a schedule, in bytes.
const LONGEST: usize = 512;

// === impl Schedule ===

impl Schedule {
    /// What happens to moments that passed while nobody was there; [`Misfire::Once`] unless this is called.
    pub fn with_misfire(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// What happens to moments that passed while nobody was there.
    pub fn misfire(&self) -> Misfire {
        self.misfire
    }

    /// The first moment after this one; `None` when there is none before the calendar ends.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Cron(cron) => cron.next_after(moment),
            Rule::Every(pace) => {
                let (pace, now) = (pace.as_nanos(), moment.as_nanosecond());
                let next = now.div_euclid(pace).checked_add(1)?.checked_mul(pace)?;
                Timestamp::from_nanosecond(next).ok()
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(ScheduleError::TooLong { bytes: text.len() });
        }
        let rule = match text.strip_prefix("@every") {
            Some(pace) => Rule::Every(parse_pace(text, pace)?),
            None => Rule::Cron(Box::new(parse_cron(text)?)),
        };
        Ok(Self { text: text.to_owned(), rule, misfire: Misfire::default() })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromConfig for Schedule {
    fn shape() -> Shape {
        Shape::text("a schedule such as `0 2 * * *`, `CRON_TZ=Europe/Berlin 0 2 * * *` or `@every 15m`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| text.parse().ok())
    }

    fn to_text(&self) -> Option<String> {
        Some(self.text.clone())
    }
}

fn parse_pace(text: &str, pace: &str) -> Result<SignedDuration, ScheduleError> {
    let parsed: Option<SignedDuration> = pace.trim().parse().ok();
    let parsed = parsed
        .filter(|pace| (SignedDuration::from_secs(1)..=SignedDuration::from_hours(24 * 366)).contains(pace));
    parsed.ok_or_else(|| ScheduleError::Pace { text: text.to_owned() })
}

fn parse_cron(text: &str) -> Result<InZone, ScheduleError> {
    let (zone, expression) = match text.strip_prefix("CRON_TZ=") {
        None => (TimeZone::UTC, text),
        Some(rest) => {
            let (name, expression) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let zone = TimeZone::get(name)
                .map_err(|source| ScheduleError::Zone { zone: name.to_owned(), source })?;
            (zone, expression)
        }
    };
    InZone::parse(expression.trim(), zone)
}

#[cfg(test)]
mod tests;
