use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// What happens to moments that passed while nobody was there to see them: during a restart, an outage, a long night.
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
const ON_TIME: SignedDuration = SignedDuration::from_secs(60);

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
        let most = match self.misfire() {
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
