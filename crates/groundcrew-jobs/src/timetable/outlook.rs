use jiff::Timestamp;

use super::Plan;

/// How many times without a job are counted at most: so many are gone through for each plan after an outage.
const COUNTED: usize = 100;
/// How many jobs one plan gets at once; further ones come with the next look.
const AT_ONCE: usize = 64;

/// What there is to do about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outlook {
    /// The moments for which a job is enqueued, the earliest first.
    pub(super) fire: Vec<Timestamp>,
    /// How many have passed for which none is, counted up to [`COUNTED`].
    pub(super) missed: usize,
    /// Up to where all is seen to then.
    pub(super) until: Timestamp,
    /// What comes after that.
    pub(super) next: Option<Timestamp>,
}

// === impl Outlook ===

impl Outlook {
    pub(super) fn of(plan: &Plan, now: Timestamp) -> Self {
        let (timing, seen) = (&plan.timing, plan.seen);
        // Nothing: its next time was written by a process that knows other clocks for its zone.
        let mut until = timing.last_until(now, seen).unwrap_or(seen);
        let mut fire = timing.due(plan.misfire, seen, now);
        let passed = timing.times_after(seen).take_while(|moment| *moment <= until).take(COUNTED).count();
        let missed = passed.saturating_sub(fire.len());
        if fire.len() > AT_ONCE {
            fire.truncate(AT_ONCE);
            until = fire.last().copied().unwrap_or(until);
        }
        Self { next: timing.next_after(until), fire, missed, until }
    }

    /// Of a plan that begins anew: nothing but what comes after now.
    pub(super) fn anew(plan: &Plan, now: Timestamp) -> Self {
        Self { fire: Vec::new(), missed: 0, until: now, next: plan.timing.next_after(now) }
    }
}
