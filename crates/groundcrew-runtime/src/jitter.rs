use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A time that is up to `percent` longer or shorter, another one at every call: what many processes do after the same
/// time, they should not all do at the same moment.
///
/// ```
/// use std::time::Duration;
///
/// let lifetime = groundcrew_runtime::jittered(Duration::from_secs(100), 20);
/// assert!((80..=120).contains(&lifetime.as_secs()));
/// ```
pub fn jittered(time: Duration, percent: u32) -> Duration {
    spread(time, percent, unit_random())
}

/// By a number from 0 to 1.
fn spread(time: Duration, percent: u32, random: f64) -> Duration {
    let part = f64::from(percent) / 100.0;
    Duration::try_from_secs_f64(time.as_secs_f64() * (1.0 - part + 2.0 * part * random)).unwrap_or(time)
}

/// A number in [0, 1) from the standard library's random keys: jitter needs no more.
pub(crate) fn unit_random() -> f64 {
    (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_at_most_so_many_percent_off(percent in 0u32..=100, random in 0.0..1.0) {
            let seconds = spread(Duration::from_secs(100), percent, random).as_secs_f64();
            let off = f64::from(percent) + 0.001;
            prop_assert!((100.0 - off..=100.0 + off).contains(&seconds));
        }
    }

    #[test]
    fn the_longest_time_stays_one() {
        assert_eq!(spread(Duration::MAX, 50, 0.9), Duration::MAX);
    }
}
