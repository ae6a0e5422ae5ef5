//! How far a run looks back.

use groundcrew::jobs::{Planned, Timing};
use jiff::{SignedDuration, Timestamp};

/// For what comes once.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Nothing looks back further.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// From when on, and until when: as long as was asked for, or since the time before.
pub(super) fn period(timing: &Timing, asked: Option<i64>, planned: &Planned) -> (Timestamp, Timestamp) {
    let until = planned.due;
    let back = asked.map(SignedDuration::from_secs).or_else(|| between(timing, planned)).unwrap_or(DAY);
    (until.checked_sub(back.min(LONGEST)).unwrap_or(Timestamp::MIN), until)
}

/// From the time before to this one; by hand, what lies between the two times around now.
fn between(timing: &Timing, planned: &Planned) -> Option<SignedDuration> {
    let Timing::Repeats(_) = timing else { return None };
    let earliest = planned.due.checked_sub(LONGEST).ok()?;
    if planned.by_hand {
        let before = timing.last_until(planned.due, earliest)?;
        return Some(timing.next_after(planned.due)?.duration_since(before));
    }
    let just_before = planned.due.checked_sub(SignedDuration::from_nanos(1)).ok()?;
    Some(planned.due.duration_since(timing.last_until(just_before, earliest).unwrap_or(earliest)))
}

#[cfg(test)]
mod tests {
    use groundcrew::jobs::PlanId;

    use super::*;

    fn hours(timing: &str, due: &str, by_hand: bool) -> i64 {
        let planned = Planned { plan: PlanId::random(), due: due.parse().expect("a time"), by_hand };
        let (since, until) = period(&timing.parse().expect("a timing"), None, &planned);
        until.duration_since(since).as_hours()
    }

    #[test]
    fn a_run_looks_back_to_the_time_before() {
        assert_eq!(hours("0 9 * * *", "2026-01-07T09:00:00Z", false), 24);
        assert_eq!(hours("0 9 * * MON,THU", "2026-01-05T09:00:00Z", false), 96, "since Thursday");
        assert_eq!(hours("0 9 * * MON,THU", "2026-01-08T09:00:00Z", false), 72, "since Monday");
        let spring = "CRON_TZ=Europe/Berlin 0 9 * * *";
        assert_eq!(hours(spring, "2026-03-29T07:00:00Z", false), 23, "the clocks were changed");
        assert_eq!(hours("@once 2026-01-07T09:00:00Z", "2026-01-07T09:00:00Z", false), 24);
        assert_eq!(hours("0 9 1 1 *", "2026-01-01T09:00:00Z", false), 31 * 24, "no further");
    }

    #[test]
    fn by_hand_it_looks_back_as_far_as_it_would_at_its_time() {
        assert_eq!(hours("0 9 * * *", "2026-01-07T09:01:00Z", true), 24);
    }
}
