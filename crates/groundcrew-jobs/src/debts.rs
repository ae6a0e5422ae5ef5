//! Which rates, of names and of keys, are used up over all processes.

use std::collections::{HashMap, HashSet};

use crate::JobRate;

/// When the buckets will be full again that are not, in microseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Debts {
    full_at: HashMap<Place, i64>,
    changed: HashSet<Place>,
}

/// A name, or a key of a name.
type Place = (String, Option<String>);

/// A bucket as it is kept.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[derive(Debug, serde::Serialize)]
pub(crate) struct Debt {
    name: String,
    key: Option<String>,
    full_at: i64,
}

// === impl Debts ===

impl Debts {
    /// What others have left behind; what was taken since counts on.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn learn(&mut self, name: &str, key: Option<&str>, full_at: i64) {
        self.full_at.entry(place(name, key)).or_insert(full_at);
    }

    /// Whether one more may begin.
    pub(crate) fn allows(&self, rate: JobRate, name: &str, key: Option<&str>, now: i64) -> bool {
        let full_at = self.full_at.get(&place(name, key));
        full_at.is_none_or(|full_at| *full_at <= rate.over(now) || *full_at > rate.most(now))
    }

    /// One begins.
    pub(crate) fn take(&mut self, rate: JobRate, name: &str, key: Option<&str>, now: i64) {
        let place = place(name, key);
        let full_at = self.full_at.entry(place.clone()).or_insert(now);
        let from = if *full_at > rate.most(now) { now } else { now.max(*full_at) };
        *full_at = from.saturating_add(rate.each());
        self.changed.insert(place);
    }

    /// The names and keys of which anything is known.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.full_at.keys().filter_map(|(name, key)| Some((name.as_str(), key.as_deref()?)))
    }

    /// What has to be kept.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn changed(&self) -> Vec<Debt> {
        let debt = |place: &Place| {
            let (name, key) = place.clone();
            Debt { name, key, full_at: self.full_at.get(place).copied().unwrap_or_default() }
        };
        self.changed.iter().map(debt).collect()
    }

    /// Forgets what is paid.
    pub(crate) fn sweep(&mut self, now: i64) {
        self.full_at.retain(|_, full_at| *full_at > now);
        self.changed.clear();
    }
}

fn place(name: &str, key: Option<&str>) -> Place {
    (name.to_owned(), key.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn rate(jobs: u32, seconds: u64) -> JobRate {
        JobRate::new(jobs, Duration::from_secs(seconds))
    }

    fn taken(debts: &mut Debts, rate: JobRate, now: i64) -> u32 {
        let mut taken = 0;
        while debts.allows(rate, "a", None, now) {
            debts.take(rate, "a", None, now);
            taken += 1;
        }
        taken
    }

    #[test]
    fn all_may_begin_at_once_and_then_one_at_a_time() {
        let (mut debts, rate) = (Debts::default(), rate(2, 10));
        assert_eq!(taken(&mut debts, rate, 0), 2);
        assert_eq!(taken(&mut debts, rate, 5 * SECOND - 1), 0);
        assert_eq!(taken(&mut debts, rate, 5 * SECOND), 1);
        assert_eq!(taken(&mut debts, rate, 60 * SECOND), 2, "no more than the bucket holds");
    }

    #[test]
    fn a_debt_under_another_policy_does_not_hold_up_this_one_for_longer_than_it_could_itself() {
        let mut debts = Debts::default();
        assert_eq!(taken(&mut debts, rate(1, 86_400), 0), 1);
        assert_eq!(taken(&mut debts, rate(5, 10), SECOND), 5);
        assert_eq!(taken(&mut debts, rate(5, 10), SECOND), 0);
    }

    #[test]
    fn the_longest_time_is_a_rate_too() {
        let mut debts = Debts::default();
        let never_again = JobRate::new(1, Duration::MAX);
        assert_eq!(taken(&mut debts, never_again, 1_800_000_000 * SECOND), 1);
    }

    proptest! {
        /// In any time no more begin than the bucket holds and what it got meanwhile.
        #[test]
        fn no_more_begin_than_the_bucket_holds_and_gets(
            jobs in 1..20_u32,
            millis in 1..5_000_u64,
            pauses in prop::collection::vec(0..500_000_i64, 1..60),
        ) {
            let rate = JobRate::new(jobs, Duration::from_millis(millis));
            let (mut debts, mut now, mut begun) = (Debts::default(), 0, Vec::new());
            for pause in pauses {
                now += pause;
                let taken = taken(&mut debts, rate, now);
                begun.extend(std::iter::repeat_n(now, taken as usize));
            }
            for (first, from) in begun.iter().enumerate() {
                let got = (now - from) / rate.each();
                let count = i64::try_from(begun.len() - first).expect("few");
                prop_assert!(count <= i64::from(jobs) + got);
            }
        }
    }
}
