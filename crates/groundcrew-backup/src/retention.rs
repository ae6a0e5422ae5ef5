use std::time::Duration;

use jiff::Timestamp;

/// Which backups are kept: the newest ones by number, and every one that is young enough.
///
/// ```
/// use groundcrew_backup::Retention;
/// use jiff::{Timestamp, ToSpan};
/// use std::time::Duration;
///
/// let now: Timestamp = "2026-11-21T04:00:00Z".parse()?;
/// let days_ago = |days: i64| now - (days * 24).hours();
/// let retention = Retention { keep: 2, keep_for: Duration::from_secs(7 * 86_400) };
/// let times = [days_ago(1), days_ago(6), days_ago(8), days_ago(30)];
/// assert_eq!(retention.expired(&times, now), [2, 3]);
/// assert!(retention.expired(&times[2..], now).is_empty(), "the newest two stay, however old");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// At least this many of the newest stay, and never fewer than one.
    pub keep: usize,
    /// Whatever is younger than this stays.
    pub keep_for: Duration,
}

// === impl Retention ===

impl Retention {
    /// The indices of the backups that may be deleted, in ascending order. A time in the future counts as young.
    pub fn expired(&self, times: &[Timestamp], now: Timestamp) -> Vec<usize> {
        let mut newest_first: Vec<usize> = (0..times.len()).collect();
        newest_first.sort_by_key(|&index| std::cmp::Reverse((times[index], index)));
        let old = |index: &usize| {
            let age = now.as_millisecond().saturating_sub(times[*index].as_millisecond());
            u128::try_from(age).is_ok_and(|age| age >= self.keep_for.as_millis())
        };
        let mut expired: Vec<usize> = newest_first.into_iter().skip(self.keep.max(1)).filter(old).collect();
        expired.sort_unstable();
        expired
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = Vec<Timestamp>> {
        let time = (0_i64..100).prop_map(|hour| Timestamp::from_second(hour * 3600).expect("a time"));
        proptest::collection::vec(time, 0..40)
    }

    fn retention() -> impl Strategy<Value = Retention> {
        (0_usize..10, 0_u64..120)
            .prop_map(|(keep, hours)| Retention { keep, keep_for: Duration::from_secs(hours * 3600) })
    }

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).expect("a time")
    }

    proptest! {
        #[test]
        fn the_newest_is_never_deleted(times in times(), retention in retention(), now in 0_i64..200) {
            let expired = retention.expired(&times, hour(now));
            let left = times.len() - expired.len();
            prop_assert!(left >= times.len().min(retention.keep.max(1)));
            if let Some(newest) = times.iter().max() {
                prop_assert!((0..times.len()).any(|i| times[i] == *newest && !expired.contains(&i)));
            }
        }

        #[test]
        fn nothing_young_is_deleted(times in times(), retention in retention(), now in 0_i64..200) {
            for index in retention.expired(&times, hour(now)) {
                let age = (hour(now).as_second() - times[index].as_second()).unsigned_abs();
                prop_assert!(times[index] <= hour(now) && age >= retention.keep_for.as_secs());
            }
        }

        #[test]
        fn a_longer_retention_deletes_nothing_that_a_shorter_one_keeps(
            times in times(), retention in retention(), more in 0_usize..5, longer in 0_u64..50, now in 0_i64..200,
        ) {
            let keep_for = retention.keep_for + Duration::from_secs(longer * 3600);
            let generous = Retention { keep: retention.keep + more, keep_for };
            let strict = retention.expired(&times, hour(now));
            prop_assert!(generous.expired(&times, hour(now)).iter().all(|index| strict.contains(index)));
        }

        #[test]
        fn what_is_kept_is_kept_again(times in times(), retention in retention(), now in 0_i64..200) {
            let expired = retention.expired(&times, hour(now));
            let kept: Vec<_> = (0..times.len()).filter(|i| !expired.contains(i)).map(|i| times[i]).collect();
            prop_assert_eq!(retention.expired(&kept, hour(now)), Vec::<usize>::new());
        }

        #[test]
        fn whatever_is_older_than_something_deleted_is_deleted(
            times in times(), retention in retention(), now in 0_i64..200,
        ) {
            let expired = retention.expired(&times, hour(now));
            for &gone in &expired {
                prop_assert!((0..times.len()).all(|i| times[i] >= times[gone] || expired.contains(&i)));
            }
        }
    }
}
