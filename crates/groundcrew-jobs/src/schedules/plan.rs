//! What is to be done now about the moments since the last one.

use jiff::{SignedDuration, Timestamp};

use crate::Schedule;

/// How many missed moments are counted at most.
const COUNTED: usize = 1_000;

/// How many jobs are written in one transaction: thousands, after days that were missed, would not be through in time,
/// and begin anew for ever.
const AT_ONCE: usize = 64;

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The moments for which a job is enqueued, the earliest first.
    pub(super) fire: Vec<Timestamp>,
    /// How many have passed for which none is, counted up to [`COUNTED`].
    pub(super) missed: usize,
    /// Up to where all is done then.
    pub(super) until: Timestamp,
}

// === impl Plan ===

impl Plan {
    /// Up to `last` all is done. `None` when nothing has come since.
    pub(super) fn of(schedule: &Schedule, last: Timestamp, now: Timestamp) -> Option<Self> {
        let until = schedule.last_until(now, last)?;
        let fire = schedule.due(last, now);
        let passed = std::iter::successors(schedule.next_after(last), |moment| schedule.next_after(*moment))
            .take_while(|moment| *moment <= until)
            .take(COUNTED)
            .count();
        Some(Self { missed: passed.saturating_sub(fire.len()), fire, until })
    }

    /// The same one after another, each for itself.
    pub(super) fn steps(self) -> Vec<Self> {
        let Self { fire, missed, until } = self;
        let last = fire.chunks(AT_ONCE).count().max(1) - 1;
        let part = |step: usize| {
            let fire: Vec<Timestamp> = fire.iter().copied().skip(step * AT_ONCE).take(AT_ONCE).collect();
            let end = fire.last().copied().filter(|_| step < last).unwrap_or(until);
            Self { fire, missed: if step == 0 { missed } else { 0 }, until: end }
        };
        (0..=last).map(part).collect()
    }
}

/// Whether a mark is from a clock that was wrong: nothing would be due until its time comes. Up to a day it is waited
/// for, so that a clock that is put back lets nothing happen twice.
pub(super) fn is_astray(last: Timestamp, now: Timestamp) -> bool {
    last.duration_since(now) > SignedDuration::from_hours(24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Misfire;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn after_a_night(misfire: Misfire) -> Plan {
        let hourly: Schedule = "0 * * * *".parse().expect("a schedule");
        let (last, now) = (at("2026-01-01T20:00:00Z"), at("2026-01-02T01:30:00Z"));
        Plan::of(&hourly.with_misfire(misfire), last, now).expect("five hours have passed")
    }

    #[test]
    fn what_was_missed_follows_the_policy_and_is_counted() {
        let one = at("2026-01-02T01:00:00Z");
        let plan = |fire: &[Timestamp], missed| Plan { fire: fire.to_vec(), missed, until: one };
        assert_eq!(after_a_night(Misfire::Skip), plan(&[], 5));
        assert_eq!(after_a_night(Misfire::Once), plan(&[one], 4));
        let midnight = at("2026-01-02T00:00:00Z");
        assert_eq!(after_a_night(Misfire::All { most: 2 }), plan(&[midnight, one], 3));
    }

    #[test]
    fn many_jobs_are_taken_in_steps_that_are_together_what_there_was_to_do() {
        let minutes: Schedule = "* * * * *".parse().expect("a schedule");
        let (last, now) = (at("2026-01-01T20:00:00Z"), at("2026-01-02T01:30:30Z"));
        let plan = Plan::of(&minutes.with_misfire(Misfire::All { most: 130 }), last, now).expect("due");
        let steps = plan.clone().steps();
        let sizes: Vec<_> = steps.iter().map(|step| (step.fire.len(), step.missed)).collect();
        assert_eq!(sizes, [(64, 200), (64, 0), (2, 0)]);
        assert!(steps[..2].iter().all(|step| step.fire.last() == Some(&step.until)));
        assert_eq!(steps.last().map(|step| step.until), Some(plan.until));
        let all: Vec<_> = steps.iter().flat_map(|step| step.fire.clone()).collect();
        assert_eq!(all, plan.fire);
        assert_eq!(after_a_night(Misfire::Skip).steps(), [after_a_night(Misfire::Skip)]);
    }

    #[test]
    fn years_of_missed_seconds_are_counted_no_further_than_it_takes_no_time() {
        let schedule: Schedule = "@every 1s".parse().expect("a schedule");
        let plan = Plan::of(&schedule, at("2000-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")).expect("due");
        assert_eq!((plan.fire.len(), plan.missed), (1, COUNTED - 1));
    }
}
