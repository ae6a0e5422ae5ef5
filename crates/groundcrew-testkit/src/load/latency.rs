use std::time::Duration;

/// Buckets per power of two: a quantile is at most 1/32 too high.
const STEPS: u64 = 32;
const BUCKETS: usize = 32 * 30;

/// How long answers took, in a histogram of fixed size.
///
/// ```
/// use groundcrew_testkit::load::Latency;
/// use std::time::Duration;
///
/// let mut latency = Latency::default();
/// (1..=100).for_each(|ms| latency.record(Duration::from_millis(ms)));
/// assert_eq!(latency.max(), Duration::from_millis(100));
/// let median = latency.quantile(0.5);
/// assert!(median >= Duration::from_millis(50) && median < Duration::from_millis(52));
/// ```
#[derive(Debug, Clone)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Latency {
    /// Adds one.
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)] += 1;
        self.count += 1;
        self.max = self.max.max(took);
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The time within which that share (0 to 1) of the answers came, at most 1/32 too high; zero if none came.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut left = self.rank(share);
        for (index, count) in self.buckets.iter().enumerate() {
            if *count >= left && left > 0 {
                return Duration::from_micros(upper(index)).min(self.max);
            }
            left = left.saturating_sub(*count);
        }
        self.max
    }

    /// How many answers are at or below the quantile.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    fn rank(&self, share: f64) -> u64 {
        if self.count == 0 { 0 } else { ((self.count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1) }
    }
}

/// Linear below `STEPS` microseconds, then `STEPS` buckets for each power of two.
fn bucket(micros: u64) -> usize {
    let power = (micros | 1).ilog2().saturating_sub(STEPS.ilog2());
    let index = u64::from(power) * STEPS + (micros >> power);
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The largest number of microseconds that falls into a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    let power = (index / STEPS).saturating_sub(1);
    let step = index - power * STEPS;
    ((step + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::{Duration, Latency, bucket, upper};
    use proptest::prelude::*;

    #[test]
    fn without_answers_every_quantile_is_zero() {
        assert_eq!(Latency::default().quantile(0.99), Duration::ZERO);
    }

    #[test]
    fn one_slow_answer_shows_in_the_maximum_and_not_in_the_median() {
        let mut latency = Latency::default();
        (0..99).for_each(|_| latency.record(Duration::from_micros(10)));
        latency.record(Duration::from_secs(3));
        assert_eq!(latency.quantile(0.5), Duration::from_micros(10));
        assert_eq!(latency.quantile(1.0), Duration::from_secs(3));
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_to_within_a_thirty_second(micros in 0_u64..10_000_000_000) {
            let upper = upper(bucket(micros));
            prop_assert!(upper >= micros && upper - micros <= micros / 32, "{} in bucket up to {}", micros, upper);
        }
    }
}
