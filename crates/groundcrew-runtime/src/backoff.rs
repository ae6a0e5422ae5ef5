use std::time::Duration;

use crate::jitter::unit_random;

/// Exponential backoff with full jitter on the upper half.
///
/// ```
/// use std::time::Duration;
/// use groundcrew_runtime::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
/// assert!(backoff.delay(0) <= Duration::from_millis(100));
/// assert!(backoff.delay(40) <= Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
}

impl Default for Backoff {
    /// From 100 ms, doubling, to 30 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(30))
    }
}

impl Backoff {
    /// Doubles from `initial` up to `max`.
    pub fn new(initial: Duration, max: Duration) -> Self {
        Self { initial, max: max.max(initial) }
    }

    /// The delay before attempt `attempt` (0 is the first retry): between half and all of the exponential
    /// step, so that replicas that failed together do not come back together.
    pub fn delay(&self, attempt: u32) -> Duration {
        let step = self.initial.saturating_mul(2u32.saturating_pow(attempt.min(31))).min(self.max);
        step.mul_f64(0.5 + 0.5 * unit_random())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_lies_between_half_the_step_and_the_maximum(attempt in 0u32..200) {
            let backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(5));
            let delay = backoff.delay(attempt);
            prop_assert!(delay >= Duration::from_millis(5));
            prop_assert!(delay <= Duration::from_secs(5));
        }
    }
}
