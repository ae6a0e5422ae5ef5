use super::entry::{Entry, Tally};
use std::collections::HashMap;
use std::fmt;

/// How many ids of each bad kind a report names.
const EXAMPLES: usize = 5;

/// The judgement of a ledger: how many ids of each kind there are. Its `Display` is a table with some of the bad ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Tried.
    pub attempted: u64,
    /// Promised.
    pub acknowledged: u64,
    /// Happened, once or more.
    pub observed: u64,
    /// Promised, and never happened.
    pub lost: u64,
    /// Happened more than once.
    pub duplicated: u64,
    /// Happened, and nobody tried it.
    pub unexpected: u64,
    /// Tried and happened, though nobody promised it: allowed, since an answer can be lost on its way.
    pub recovered: u64,
    examples: Examples,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Examples {
    lost: Vec<String>,
    duplicated: Vec<String>,
    unexpected: Vec<String>,
}

// === impl Report ===

impl Report {
    pub(super) fn new(entries: &HashMap<String, Entry>, total: Tally) -> Self {
        let Tally { attempted, acknowledged, observed, lost, duplicated, unexpected, recovered } = total;
        let examples = Examples::of(entries);
        Self { attempted, acknowledged, observed, lost, duplicated, unexpected, recovered, examples }
    }

    /// Whether all that was promised happened, and nothing was made up.
    pub fn is_at_least_once(&self) -> bool {
        (self.lost, self.unexpected) == (0, 0)
    }

    /// The same, and nothing happened twice.
    pub fn is_exactly_once(&self) -> bool {
        self.is_at_least_once() && self.duplicated == 0
    }

    /// Some of the ids that were lost, in order: five at most.
    pub fn lost_ids(&self) -> &[String] {
        &self.examples.lost
    }

    /// Some of the ids that happened more than once, in order: five at most.
    pub fn duplicated_ids(&self) -> &[String] {
        &self.examples.duplicated
    }

    /// Some of the ids that nobody tried, in order: five at most.
    pub fn unexpected_ids(&self) -> &[String] {
        &self.examples.unexpected
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = Vec::new();
        let rows = [
            ("attempted", self.attempted, &none),
            ("acknowledged", self.acknowledged, &none),
            ("observed", self.observed, &none),
            ("lost", self.lost, &self.examples.lost),
            ("duplicated", self.duplicated, &self.examples.duplicated),
            ("unexpected", self.unexpected, &self.examples.unexpected),
            ("recovered", self.recovered, &none),
        ];
        for (name, count, ids) in rows {
            writeln!(f, "{:<12} {count:>9}  {}", name, ids.join(" "))?;
        }
        Ok(())
    }
}

// === impl Examples ===

impl Examples {
    fn of(entries: &HashMap<String, Entry>) -> Self {
        let some = |is_bad: fn(Tally) -> bool| {
            let mut ids: Vec<&String> =
                entries.iter().filter(|(_, entry)| is_bad(entry.tally())).map(|(id, _)| id).collect();
            ids.sort_unstable();
            ids.into_iter().take(EXAMPLES).cloned().collect()
        };
        Self {
            lost: some(|tally| tally.lost > 0),
            duplicated: some(|tally| tally.duplicated > 0),
            unexpected: some(|tally| tally.unexpected > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::Ledger;

    #[test]
    fn the_table_names_some_of_the_bad_and_none_of_the_good() {
        let ledger = Ledger::default();
        for number in 0..9 {
            ledger.attempted(&format!("job-{number}"));
            ledger.acknowledged(&format!("job-{number}"));
        }
        ledger.observed("job-0");
        ledger.observed("stranger");
        let table = ledger.report().to_string();
        assert!(table.contains("lost                 8  job-1 job-2 job-3 job-4 job-5\n"), "{table}");
        assert!(table.contains("unexpected           1  stranger\n"), "{table}");
        assert!(!table.contains("job-0"), "{table}");
    }
}
