use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Misfire, ON_TIME, Schedule, ScheduleError};

/// When something comes: again and again, or once.
///
/// ```
/// use groundcrew_jobs::Timing;
///
/// let mondays: Timing = "CRON_TZ=Europe/Berlin 0 9 * * 1".parse()?;
/// let from = "2026-03-23T12:00:00Z".parse()?;
/// let times: Vec<String> = mondays.times_after(from).take(2).map(|time| time.to_string()).collect();
/// assert_eq!(times, ["2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z"]);
///
/// let once: Timing = "@once 2026-04-01T07:00:00Z".parse()?;
/// assert_eq!(once.times_after(from).count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is written as a [`Schedule`] is, or as `@once` and a time with its offset from UTC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Timing {
    /// At each of its moments. Its own policy for those that were missed is not looked at.
    Repeats(Schedule),
    /// At one moment.
    Once(Timestamp),
}

const ONCE: &str = "@once";

// === impl Timing ===

impl Timing {
    /// The first moment after this one.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Repeats(schedule) => schedule.next_after(moment),
            Self::Once(at) => Some(*at).filter(|at| *at > moment),
        }
    }

    /// All moments after this one, the first one first: to show the next few, or to look how close they are.
    pub fn times_after(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(moment), |moment| self.next_after(*moment))
    }

    /// The shortest pause between two of the next `count` moments; `None` when there are no two.
    pub fn least_pause(&self, moment: Timestamp, count: usize) -> Option<SignedDuration> {
        let times: Vec<Timestamp> = self.times_after(moment).take(count).collect();
        times.windows(2).map(|pair| pair[1].duration_since(pair[0])).min()
    }

    /// The last moment that is not after this one, and after `since`.
    pub fn last_until(&self, moment: Timestamp, since: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Repeats(schedule) => schedule.last_until(moment, since),
            Self::Once(at) => Some(*at).filter(|at| *at > since && *at <= moment),
        }
    }

    /// As [`Schedule::due`], by this policy.
    pub fn due(&self, misfire: Misfire, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        match self {
            Self::Repeats(schedule) => schedule.due_by(misfire, last, now),
            Self::Once(at) if *at <= last || *at > now => Vec::new(),
            Self::Once(at) if misfire == Misfire::Skip && now.duration_since(*at) > ON_TIME => Vec::new(),
            Self::Once(at) => vec![*at],
        }
    }
}

impl FromStr for Timing {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        match text.trim().strip_prefix(ONCE) {
            None => text.parse().map(Self::Repeats),
            Some(at) => {
                let at = at.trim().parse();
                at.map(Self::Once).map_err(|_| ScheduleError::Once { text: text.to_owned() })
            }
        }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeats(schedule) => fmt::Display::fmt(schedule, f),
            Self::Once(at) => write!(f, "{ONCE} {at}"),
        }
    }
}

impl From<Schedule> for Timing {
    fn from(schedule: Schedule) -> Self {
        Self::Repeats(schedule)
    }
}

impl From<Timestamp> for Timing {
    fn from(at: Timestamp) -> Self {
        Self::Once(at)
    }
}

impl TryFrom<String> for Timing {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<Timing> for String {
    fn from(timing: Timing) -> Self {
        timing.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timing(text: &str) -> Timing {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_comes_once_comes_once_and_is_written_as_it_is_read() {
        let once = timing("@once 2026-04-01T09:00:00+02:00");
        assert_eq!(once.to_string(), "@once 2026-04-01T07:00:00Z");
        let at: Timestamp = "2026-04-01T07:00:00Z".parse().expect("a time");
        assert_eq!(once.next_after(at), None);
        assert_eq!(once.next_after(at - SignedDuration::from_secs(1)), Some(at));
        let error = "@once tomorrow".parse::<Timing>().expect_err("no time").to_string();
        assert!(error.contains("@once tomorrow") && error.contains("2026-"), "{error}");
    }

    #[test]
    fn what_comes_once_and_is_late_follows_the_policy() {
        let at: Timestamp = "2026-04-01T07:00:00Z".parse().expect("a time");
        let (before, late) = (at - SignedDuration::from_secs(9), at + SignedDuration::from_hours(3));
        assert_eq!(Timing::Once(at).due(Misfire::Skip, before, late), []);
        assert_eq!(Timing::Once(at).due(Misfire::Skip, before, at + ON_TIME), [at]);
        assert_eq!(Timing::Once(at).due(Misfire::Once, before, late), [at]);
        assert_eq!(Timing::Once(at).due(Misfire::Once, at, late), [], "it was seen");
    }

    /// Whatever people may choose: times of the day, weekdays, days of the month, steps, paces, one moment.
    fn any() -> impl Strategy<Value = Timing> {
        let zone = proptest::sample::select(
            &["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"][..],
        );
        let field = |most: u32| {
            prop_oneof![
                Just("*".to_owned()),
                (0..=most).prop_map(|one| one.to_string()),
                (1..=most).prop_map(|step| format!("*/{step}")),
                proptest::collection::btree_set(0..=most, 1..4)
                    .prop_map(|list| { list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",") }),
            ]
        };
        let days = proptest::sample::select(&["*", "1", "15", "31", "L"][..]);
        let cron =
            (zone, field(59), field(23), days, field(6)).prop_map(|(zone, minute, hour, day, weekday)| {
                format!("CRON_TZ={zone} {minute} {hour} {day} * {weekday}")
            });
        prop_oneof![
            6 => cron.prop_map(|text| timing(&text)),
            1 => (1i64..100_000).prop_map(|pace| timing(&format!("@every {pace}s"))),
            1 => (0i64..4_000_000_000).prop_map(|at| Timestamp::from_second(at).expect("a time").into()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn whatever_is_chosen_the_next_is_later_and_is_one_of_the_timetable(
            timing in any(), second in 1_000_000_000i64..2_000_000_000,
        ) {
            let from = Timestamp::from_second(second).expect("a time");
            let times: Vec<Timestamp> = timing.times_after(from).take(20).collect();
            prop_assert!(times.first().is_none_or(|first| *first > from));
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
            for time in &times {
                // One of the timetable: nothing lies between the moment before it and it, wherever one asks from.
                let just_before = *time - SignedDuration::from_nanos(1);
                prop_assert_eq!(timing.next_after(just_before), Some(*time));
                prop_assert_eq!(timing.last_until(*time, from), Some(*time));
                prop_assert_eq!(timing.due(Misfire::Skip, just_before, *time), [*time]);
            }
            let again: Timing = timing.to_string().parse().expect("as it was written");
            prop_assert_eq!(again.times_after(from).take(20).collect::<Vec<_>>(), times);
        }
    }
}
