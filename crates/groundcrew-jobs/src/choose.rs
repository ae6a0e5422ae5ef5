//! Which of the jobs that are due a worker may take, by the limits of their names and keys.

use std::collections::HashMap;

use crate::Ask;

/// Counts what runs and what was chosen. For backends that see all that runs.
#[derive(Debug)]
pub(crate) struct Chooser<'a> {
    ask: &'a Ask,
    left: usize,
    here: HashMap<&'static str, u32>,
    names: HashMap<String, u32>,
    keys: HashMap<(String, String), u32>,
}

// === impl Chooser ===

impl<'a> Chooser<'a> {
    pub(crate) fn new(ask: &'a Ask) -> Self {
        let (here, names, keys) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { ask, left: ask.max, here, names, keys }
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
            && key.is_none_or(|key| self.with_key(name, key) < known.per_key);
        if fits {
            self.left -= 1;
            *self.here.entry(known.name).or_default() += 1;
            self.runs(name, key, 1);
        }
        fits
    }

    pub(crate) fn is_full(&self) -> bool {
        self.left == 0
    }

    fn with_key(&self, name: &str, key: &str) -> u32 {
        self.keys.get(&(name.to_owned(), key.to_owned())).copied().unwrap_or_default()
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Chooser<'_> {
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
            })
            .map(|known| known.name)
    }

    /// Keys of which no more may be taken, with their names.
    pub(crate) fn full_keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().filter_map(|((name, key), running)| {
            let known = self.ask.known.iter().find(|known| known.name == name)?;
            (*running >= known.per_key).then_some((name.as_str(), key.as_str()))
        })
    }
}

#[cfg(feature = "postgres")]
impl crate::Known {
    /// Whether jobs of this name without a key may be taken without looking at what else runs.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.free.is_none() && self.global.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Known;

    fn known(name: &'static str) -> Known {
        Known { name, version: 1, free: None, global: None, per_key: 1 }
    }

    #[test]
    fn one_key_does_not_hold_up_another() {
        let ask = Ask { max: 9, known: vec![known("a")], ..Ask::default() };
        let mut chooser = Chooser::new(&ask);
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
        let mut chooser = Chooser::new(&ask);
        chooser.runs("a", None, 1);
        chooser.runs("b", None, 5);
        let taken = |chooser: &mut Chooser<'_>, name| (0..5).filter(|_| chooser.take(name, 1, None)).count();
        assert_eq!((taken(&mut chooser, "a"), taken(&mut chooser, "b")), (1, 2));
    }

    #[test]
    fn a_newer_version_and_an_unknown_name_are_left() {
        let ask = Ask { max: 9, known: vec![known("a")], ..Ask::default() };
        let mut chooser = Chooser::new(&ask);
        assert!(!chooser.take("a", 2, None) && !chooser.take("b", 1, None));
    }
}
