use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::{Schedule, ScheduleError};

/// What happens to moments that passed while nobody was there to see them: during a restart, an outage, a long night.
///
/// It is written as `skip`, `once` or `all 7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Misfire {
    /// Nothing, unless one is at most a minute late: right for what is of no use later.
    Skip,
    /// However many passed, it happens once: right for what catches up by itself.
    #[default]
    Once,
    /// Each of them happens, the last so many at most: right where each has its own work, such as a report per day.
    All {
        /// How many at most; 0 counts as 1.
        most: u16,
    },
}

/// How late is still on time for [`Misfire::Skip`].
pub(super) const ON_TIME: SignedDuration = SignedDuration::from_secs(60);

/// The shortest pause between two moments of a schedule.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

// === impl Schedule ===

impl Schedule {
    /// The last moment that is not after this one, and after `since`.
    pub fn last_until(&self, moment: Timestamp, since: Timestamp) -> Option<Timestamp> {
        let within = |from: Timestamp| self.next_after(from).filter(|next| *next <= moment);
        within(since)?;
        // Look back further and further, until there is one; then halve the stretch until it holds only that one.
        let mut back = SECOND;
        let mut from = loop {
            let from = moment.checked_sub(back).unwrap_or(Timestamp::MIN).max(since);
            if within(from).is_some() {
                break from;
            }
            back = back.checked_mul(2)?;
        };
        let mut to = moment;
        while to.duration_since(from) > SECOND {
            let middle = from.checked_add(to.duration_since(from) / 2).ok()?;
            if within(middle).is_some() { from = middle } else { to = middle }
        }
        // In what is left there may be two, if the stretch lies across a moment.
        let first = within(from)?;
        Some(within(first).unwrap_or(first))
    }

    /// The moments after `last` up to `now` for which something should happen now, by the policy for those that were
    /// missed; the earliest first.
    ///
    /// It takes a bounded time however long ago `last` is.
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        self.due_by(self.misfire(), last, now)
    }

    /// As [`due`](Self::due), by this policy instead of its own.
    pub(super) fn due_by(&self, misfire: Misfire, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        let most = match misfire {
            Misfire::Skip => {
                let on_time = now.checked_sub(ON_TIME).unwrap_or(Timestamp::MIN);
                return self.last_until(now, last.max(on_time)).into_iter().collect();
            }
            Misfire::Once => 1,
            Misfire::All { most } => usize::from(most.max(1)),
        };
        let mut due = Vec::new();
        let mut until = now;
        while due.len() < most
            && let Some(moment) = self.last_until(until, last)
        {
            due.push(moment);
            let Ok(before) = moment.checked_sub(SignedDuration::from_nanos(1)) else { break };
            until = before;
        }
        due.reverse();
        due
    }
}

// === impl Misfire ===

impl FromStr for Misfire {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let wrong = || ScheduleError::Misfire { text: text.to_owned() };
        match text.trim() {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            all => {
                let most = all.strip_prefix("all ").ok_or_else(wrong)?;
                Ok(Self::All { most: most.trim().parse().map_err(|_| wrong())? })
            }
        }
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::Once => f.write_str("once"),
            Self::All { most } => write!(f, "all {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        for policy in [Misfire::Skip, Misfire::Once, Misfire::All { most: 7 }] {
            assert_eq!(policy.to_string().parse::<Misfire>().expect("a policy"), policy);
        }
        let error = "twice".parse::<Misfire>().expect_err("none").to_string();
        assert!(error.contains("`twice`") && error.contains("`all 7`"), "{error}");
    }
}
