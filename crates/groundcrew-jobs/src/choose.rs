//! Which of the jobs that are due a worker may take, by the limits of their names and keys.

use std::collections::HashMap;

use crate::debts::Debts;
use crate::{Ask, Known};

/// Counts what runs and what was chosen. For backends that see all that runs.
#[derive(Debug)]
pub(crate) struct Chooser<'a> {
    ask: &'a Ask,
    /// In microseconds since 1970, by the clock that all processes share.
    now: i64,
    debts: Debts,
    left: usize,
    here: HashMap<&'static str, u32>,
    names: HashMap<String, u32>,
    keys: HashMap<(String, String), u32>,
}

/// The keys of this name whose bucket is full again later than `over`, and no later than `most`, have to wait.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[derive(Debug, serde::Serialize)]
pub(crate) struct KeyRate {
    pub(crate) name: &'static str,
    pub(crate) over: i64,
    pub(crate) most: i64,
}

// === impl Chooser ===

impl<'a> Chooser<'a> {
    /// `now` matters, and `debts`, where a name has a rate over all processes.
    pub(crate) fn new(ask: &'a Ask, now: i64, debts: Debts) -> Self {
        let (here, names, keys) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { ask, now, debts, left: ask.max, here, names, keys }
    }

    /// What is owed now.
    pub(crate) fn into_debts(self) -> Debts {
        self.debts
    }

    /// Tells of jobs that run, anywhere.
    pub(crate) fn runs(&mut self, name: &str, key: Option<&str>, count: u32) {
        *self.names.entry(name.to_owned()).or_default() += count;
        if let Some(key) = key {
            *self.keys.entry((name.to_owned(), key.to_owned())).or_default() += count;
        }
    }

    /// Whether this one may be taken; it is counted then.
    pub(crate) fn take(&mut self, name: &str, version: u32, key: Option<&str>) -> bool {
        let Some(known) = self.ask.known.iter().find(|known| known.name == name) else { return false };
        let here = self.here.get(known.name).copied().unwrap_or_default();
        let running = self.names.get(name).copied().unwrap_or_default();
        let fits = self.left > 0
            && version <= known.version
            && known.free.is_none_or(|free| here < free)
            && known.global.is_none_or(|global| running < global)
            && key.is_none_or(|key| self.with_key(name, key) < known.per_key)
            && self.is_within_rates(known, key);
        if fits {
            if let Some(rate) = known.global_rate {
                self.debts.take(rate, name, None, self.now);
            }
            if let (Some(rate), Some(_)) = (known.key_rate, key) {
                self.debts.take(rate, name, key, self.now);
            }
            self.left -= 1;
            *self.here.entry(known.name).or_default() += 1;
            self.runs(name, key, 1);
        }
        fits
    }

    pub(crate) fn is_full(&self) -> bool {
        self.left == 0
    }

    fn is_within_rates(&self, known: &Known, key: Option<&str>) -> bool {
        let allows = |rate, key| self.debts.allows(rate, known.name, key, self.now);
        known.global_rate.is_none_or(|rate| allows(rate, None))
            && (key.is_none() || known.key_rate.is_none_or(|rate| allows(rate, key)))
    }

    fn with_key(&self, name: &str, key: &str) -> u32 {
        self.keys.get(&(name.to_owned(), key.to_owned())).copied().unwrap_or_default()
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Chooser<'_> {
    /// Tells what a name or a key owes, by the record.
    pub(crate) fn owes(&mut self, name: &str, key: Option<&str>, full_at: i64) {
        self.debts.learn(name, key, full_at);
    }

    /// Names of which no more may be taken.
    pub(crate) fn full_names(&self) -> impl Iterator<Item = &'static str> {
        self.ask
            .known
            .iter()
            .filter(|known| {
                let here = self.here.get(known.name).copied().unwrap_or_default();
                let running = self.names.get(known.name).copied().unwrap_or_default();
                known.free.is_some_and(|free| here >= free)
                    || known.global.is_some_and(|most| running >= most)
                    || !self.is_within_rates(known, None)
            })
            .map(|known| known.name)
    }

    /// Keys of which no more may be taken, with their names.
    pub(crate) fn full_keys(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = |name: &str| self.ask.known.iter().find(|known| known.name == name);
        let running = self.keys.iter().filter_map(move |((name, key), running)| {
            (*running >= known(name)?.per_key).then_some((name.as_str(), key.as_str()))
        });
        let owing = self.debts.keys().filter(move |(name, key)| {
            known(name).is_some_and(|known| !self.is_within_rates(known, Some(key)))
        });
        running.chain(owing)
    }

    /// Names whose keys have a rate, and between which two times the bucket of a key is full again that lets none
    /// through. There is no need to look at the jobs of such a key.
    pub(crate) fn key_rates(&self) -> impl Iterator<Item = KeyRate> {
        self.ask.known.iter().filter_map(|known| {
            let rate = known.key_rate?;
            Some(KeyRate { name: known.name, over: rate.over(self.now), most: rate.most(self.now) })
        })
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Ask {
    /// Names that have a rate themselves.
    pub(crate) fn rated(&self) -> Vec<&'static str> {
        self.known.iter().filter(|known| known.global_rate.is_some()).map(|known| known.name).collect()
    }

    /// Whether any rate holds over all processes.
    #[cfg(feature = "postgres")]
    pub(crate) fn has_rates(&self) -> bool {
        self.known.iter().any(|known| known.global_rate.is_some() || known.key_rate.is_some())
    }
}

#[cfg(feature = "postgres")]
impl Known {
    /// Whether jobs of this name without a key may be taken without looking at what else runs.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.free.is_none() && self.global.is_none() && self.global_rate.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::JobRate;

    fn known(name: &'static str) -> Known {
        Known::new(name, 1)
    }

    fn choosing(ask: &Ask) -> Chooser<'_> {
        Chooser::new(ask, 0, Debts::default())
    }

    #[test]
    fn one_key_does_not_hold_up_another() {
        let ask = Ask { max: 9, known: vec![known("a")], ..Ask::default() };
        let mut chooser = choosing(&ask);
        chooser.runs("a", Some("x"), 1);
        assert!(!chooser.take("a", 1, Some("x")));
        assert!(chooser.take("a", 1, Some("y")));
        assert!(!chooser.take("a", 1, Some("y")), "what was chosen counts");
        assert!(chooser.take("a", 1, None));
    }

    #[test]
    fn a_global_limit_counts_what_runs_elsewhere_and_a_local_one_does_not() {
        let global = Known { global: Some(2), ..known("a") };
        let local = Known { free: Some(2), ..known("b") };
        let ask = Ask { max: 9, known: vec![global, local], ..Ask::default() };
        let mut chooser = choosing(&ask);
        chooser.runs("a", None, 1);
        chooser.runs("b", None, 5);
        let taken = |chooser: &mut Chooser<'_>, name| (0..5).filter(|_| chooser.take(name, 1, None)).count();
        assert_eq!((taken(&mut chooser, "a"), taken(&mut chooser, "b")), (1, 2));
    }

    #[test]
    fn a_newer_version_and_an_unknown_name_are_left() {
        let ask = Ask { max: 9, known: vec![known("a")], ..Ask::default() };
        let mut chooser = choosing(&ask);
        assert!(!chooser.take("a", 2, None) && !chooser.take("b", 1, None));
    }

    #[test]
    fn a_rate_of_keys_is_one_for_each_and_none_for_jobs_without() {
        let rated =
            Known { per_key: 9, key_rate: Some(JobRate::new(2, Duration::from_secs(60))), ..known("a") };
        let ask = Ask { max: 99, known: vec![rated], ..Ask::default() };
        let mut chooser = choosing(&ask);
        let taken = |chooser: &mut Chooser<'_>, key| (0..5).filter(|_| chooser.take("a", 1, key)).count();
        assert_eq!(taken(&mut chooser, Some("x")), 2);
        assert_eq!(taken(&mut chooser, Some("y")), 2);
        assert_eq!(taken(&mut chooser, None), 5);
    }

    #[test]
    fn what_does_not_fit_for_another_reason_costs_nothing_of_the_rate() {
        let rated = Known { key_rate: Some(JobRate::new(2, Duration::from_secs(60))), ..known("a") };
        let ask = Ask { max: 99, known: vec![rated], ..Ask::default() };
        let mut chooser = choosing(&ask);
        assert!(chooser.take("a", 1, Some("x")));
        assert!(!chooser.take("a", 1, Some("x")), "one at a time");
        let next = Known { per_key: 9, ..ask.known[0].clone() };
        let ask = Ask { known: vec![next], ..ask.clone() };
        let mut chooser = Chooser::new(&ask, 0, chooser.into_debts());
        assert!(chooser.take("a", 1, Some("x")) && !chooser.take("a", 1, Some("x")));
    }
}
