use std::time::Duration;

use crate::Decision;

/// How much one key may do: so many per window, and so many of them at once.
///
/// The window does not stand still: what was used comes back evenly, one unit every `window / requests`. In any
/// stretch of time `t` a key gets at most `burst + t × requests / window`.
///
/// ```
/// use std::time::Duration;
/// use groundcrew_limit::Quota;
///
/// let quota = Quota::try_new(100, Duration::from_secs(60))?.with_burst(10);
/// assert_eq!((quota.requests(), quota.burst()), (100, 10));
/// assert_eq!(quota.interval(), Duration::from_millis(600));
/// # Ok::<(), groundcrew_limit::QuotaError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    requests: u32,
    window: Duration,
    burst: u32,
    /// What one unit costs, in nanoseconds, rounded up: never faster than was asked for.
    interval: u64,
}

/// A quota that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// Nothing would ever be allowed.
    #[error("a quota of 0 requests allows nothing: give it at least 1, or leave the limiter out")]
    NoRequests,
    /// The window is empty, longer than a leap year, or shorter than one nanosecond for each request.
    #[error(
        "a window of {window:?} for {requests} requests is not one that can be counted in: it must be between 1 ns for each request and 366 days"
    )]
    Window {
        /// The quota's requests.
        requests: u32,
        /// The quota's window.
        window: Duration,
    },
}

const LONGEST_WINDOW: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How far ahead a key may be in debt: a century, in nanoseconds. It keeps every sum within 64 bits, and within
/// the 53 bits of a script that counts microseconds.
const HORIZON: u64 = 100 * 365 * 24 * 60 * 60 * 1_000_000_000;

// === impl Quota ===

impl Quota {
    /// So many requests per window, all of which may come at once.
    ///
    /// # Errors
    ///
    /// When there are no requests, and when the window is empty or longer than 366 days.
    pub fn try_new(requests: u32, window: Duration) -> Result<Self, QuotaError> {
        if requests == 0 {
            return Err(QuotaError::NoRequests);
        }
        if window > LONGEST_WINDOW || window.as_nanos() < u128::from(requests) {
            return Err(QuotaError::Window { requests, window });
        }
        let interval = nanoseconds(window).div_ceil(u64::from(requests));
        Ok(Self { requests, window, burst: requests, interval })
    }

    /// How many may come at once after a rest; 0 counts as 1. Unset: as many as the window has.
    ///
    /// A burst that would take longer than a century to come back is cut to what comes back in one.
    pub fn with_burst(mut self, burst: u32) -> Self {
        let most = u32::try_from(HORIZON / self.interval).unwrap_or(u32::MAX).max(1);
        self.burst = burst.clamp(1, most);
        self
    }

    /// How many per window.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// How many at once after a rest.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// After how long one unit comes back.
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// After how long a key that has used up everything is rested again: `burst × interval`.
    pub fn tolerance(&self) -> Duration {
        self.interval().saturating_mul(self.burst)
    }

    /// The generic cell rate algorithm: whether a key may take `cost` units, and when it is rested then.
    ///
    /// `rested_at` is what the last decision about the key returned, or zero for a key never seen; both points in
    /// time are counted from any one moment. A refusal leaves the key as it was, and so does a cost of 0, which
    /// only looks.
    ///
    /// ```
    /// use std::time::Duration;
    /// use groundcrew_limit::Quota;
    ///
    /// let quota = Quota::try_new(2, Duration::from_secs(10))?;
    /// let now = Duration::from_secs(1000);
    /// let (first, rested_at) = quota.decide(Duration::ZERO, now, 1);
    /// assert!(first.allowed && first.remaining == 1);
    /// let (second, rested_at) = quota.decide(rested_at, now, 1);
    /// assert!(second.allowed && second.remaining == 0);
    /// let (third, _) = quota.decide(rested_at, now, 1);
    /// assert_eq!(third.retry_after, Some(Duration::from_secs(5)));
    /// # Ok::<(), groundcrew_limit::QuotaError>(())
    /// ```
    pub fn decide(&self, rested_at: Duration, now: Duration, cost: u32) -> (Decision, Duration) {
        // A clock that was set back (a shared one may be) must not keep a key in debt for longer than its quota.
        let debt = rested_at.saturating_sub(now).min(self.tolerance());
        let wanted = debt.saturating_add(self.price(cost));
        let allowed = wanted <= self.tolerance();
        let debt = if allowed { wanted } else { debt };
        (Decision::new(self, cost, allowed, debt), now.saturating_add(debt))
    }

    /// What `cost` units take to come back.
    pub(crate) fn price(&self, cost: u32) -> Duration {
        self.interval().saturating_mul(cost)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quotas() -> impl Strategy<Value = Quota> {
        (1u32..5_000, 1u64..3_600_000, proptest::option::of(1u32..5_000)).prop_map(|(requests, ms, burst)| {
            let quota =
                Quota::try_new(requests, Duration::from_millis(ms)).expect("a window that is long enough");
            burst.map_or(quota, |burst| quota.with_burst(burst))
        })
    }

    /// Tries at random distances: `(pause in microseconds, cost)`.
    fn tries() -> impl Strategy<Value = Vec<(u64, u32)>> {
        let pause = prop_oneof![Just(0), 0u64..1_000, 0u64..10_000_000];
        proptest::collection::vec((pause, 0u32..4), 1..300)
    }

    /// What was allowed, as `(when, cost)`.
    fn run(quota: &Quota, tries: &[(u64, u32)]) -> Vec<(Duration, u32)> {
        let (mut now, mut rested_at, mut allowed) = (Duration::from_secs(1), Duration::ZERO, Vec::new());
        for (pause, cost) in tries {
            now += Duration::from_micros(*pause);
            let (decision, then) = quota.decide(rested_at, now, *cost);
            rested_at = then;
            if decision.allowed {
                allowed.push((now, *cost));
            }
        }
        allowed
    }

    #[test]
    fn a_quota_without_requests_is_refused() {
        assert_eq!(Quota::try_new(0, Duration::from_secs(1)), Err(QuotaError::NoRequests));
    }

    #[test]
    fn a_window_that_cannot_be_counted_in_is_refused() {
        for window in [Duration::ZERO, Duration::from_nanos(99), Duration::from_secs(400 * 86_400)] {
            assert!(matches!(Quota::try_new(100, window), Err(QuotaError::Window { .. })), "{window:?}");
        }
    }

    #[test]
    fn a_cost_above_the_burst_is_refused_for_ever() {
        let quota = Quota::try_new(5, Duration::from_secs(1)).expect("a quota");
        let (decision, rested_at) = quota.decide(Duration::ZERO, Duration::from_secs(9), 6);
        assert_eq!((decision.allowed, decision.retry_after), (false, None));
        assert_eq!(rested_at, Duration::from_secs(9), "and costs nothing");
    }

    #[test]
    fn a_clock_that_was_set_back_costs_at_most_one_rest() {
        let quota = Quota::try_new(5, Duration::from_secs(10)).expect("a quota");
        let (_, rested_at) = quota.decide(Duration::ZERO, Duration::from_secs(1_000_000), 5);
        let (decision, _) = quota.decide(rested_at, Duration::from_secs(1), 1);
        assert_eq!(decision.retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let quota = Quota::try_new(1, LONGEST_WINDOW).expect("a quota").with_burst(u32::MAX);
        let (decision, _) = quota.decide(Duration::MAX, Duration::MAX, u32::MAX);
        assert!(!decision.allowed);
        assert!(quota.tolerance() <= Duration::from_nanos(HORIZON));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_burst_and_the_rate(quota in quotas(), tries in tries()) {
            let allowed = run(&quota, &tries);
            for (at, (from, _)) in allowed.iter().enumerate() {
                let mut taken = 0u64;
                for (to, cost) in &allowed[at..] {
                    taken += u64::from(*cost);
                    let back = to.saturating_sub(*from).as_nanos() / quota.interval().as_nanos();
                    prop_assert!(u128::from(taken) <= u128::from(quota.burst()) + back);
                }
            }
        }

        #[test]
        fn a_rested_key_gets_its_whole_burst_and_no_more(quota in quotas(), debt_ms in 0u64..10_000) {
            let now = Duration::from_secs(100_000_000);
            let (mut rested_at, mut got) = (now.saturating_sub(Duration::from_millis(debt_ms)), 0);
            loop {
                let (decision, then) = quota.decide(rested_at, now, 1);
                rested_at = then;
                if !decision.allowed { break; }
                got += 1;
                prop_assert_eq!(decision.remaining, quota.burst() - got);
            }
            prop_assert_eq!(got, quota.burst());
        }

        #[test]
        fn who_waits_as_long_as_told_is_allowed_and_who_waits_less_is_not(
            quota in quotas(), tries in tries(), cost in 1u32..4,
        ) {
            prop_assume!(cost <= quota.burst());
            let (mut now, mut rested_at) = (Duration::from_secs(1), Duration::ZERO);
            for (pause, spent) in tries {
                now += Duration::from_micros(pause);
                rested_at = quota.decide(rested_at, now, spent).1;
                let (decision, _) = quota.decide(rested_at, now, cost);
                let Some(wait) = decision.retry_after else { continue };
                let too_soon = now + wait.saturating_sub(Duration::from_nanos(1));
                prop_assert!(quota.decide(rested_at, now + wait, cost).0.allowed);
                prop_assert!(!quota.decide(rested_at, too_soon, cost).0.allowed);
            }
        }

        #[test]
        fn waiting_never_makes_anything_worse(quota in quotas(), debt_us in 0u64..100_000_000, wait_us in 0u64..100_000_000) {
            let now = Duration::from_secs(1000);
            let rested_at = now + Duration::from_micros(debt_us);
            let sooner = quota.decide(rested_at, now, 1).0;
            let later = quota.decide(rested_at, now + Duration::from_micros(wait_us), 1).0;
            prop_assert!(later.allowed >= sooner.allowed);
            prop_assert!(later.remaining >= sooner.remaining);
            prop_assert!(later.reset_after <= sooner.reset_after || sooner.allowed != later.allowed);
        }

        #[test]
        fn a_refusal_costs_nothing(quota in quotas(), refused in 1usize..50) {
            let now = Duration::from_secs(1000);
            let full = now + quota.tolerance();
            let mut rested_at = full;
            for _ in 0..refused {
                let (decision, then) = quota.decide(rested_at, now, 1);
                prop_assert!(!decision.allowed);
                rested_at = then;
            }
            prop_assert_eq!(rested_at, full);
        }

        #[test]
        fn one_more_is_there_when_the_decision_says_so(quota in quotas(), debt in 0.0f64..1.0) {
            let now = Duration::from_secs(1000);
            let rested_at = now + quota.tolerance().mul_f64(debt);
            let (seen, _) = quota.decide(rested_at, now, 0);
            prop_assume!(seen.remaining < seen.limit);
            let then = quota.decide(rested_at, now + seen.more_after, 0).0;
            prop_assert_eq!(then.remaining, seen.remaining + 1);
        }
    }
}
