use std::fmt;
use std::time::Duration;

use crate::Phase;

/// How one participant of a shutdown phase ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Finished by itself; the note says what was done, and may be empty.
    Finished(String),
    /// Was cut before it had finished; the note says what was lost or handed back.
    Cut(String),
}

impl Outcome {
    /// Finished, with a note such as `12 requests answered`.
    pub fn finished(note: impl Into<String>) -> Self {
        Outcome::Finished(note.into())
    }

    /// Cut, with a note such as `3 requests answered 503`.
    pub fn cut(note: impl Into<String>) -> Self {
        Outcome::Cut(note.into())
    }

    /// How a task ended that the drain waited for: one that failed has not finished what it had taken.
    pub(crate) fn of_task(error: Option<String>) -> Self {
        error.map_or_else(|| Outcome::finished(""), |error| Outcome::cut(format!("failed: {error}")))
    }

    /// Whether it was cut.
    pub fn is_cut(&self) -> bool {
        matches!(self, Outcome::Cut(_))
    }

    fn note(&self) -> &str {
        match self {
            Outcome::Finished(note) | Outcome::Cut(note) => note,
        }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::Finished(String::new())
    }
}

/// One line of the receipt: who took part in a phase, how it ended and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The participant's name.
    pub name: String,
    /// How many of this name ended in the same way; a hundred detached jobs are one line.
    pub count: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took within its phase; of several the longest.
    pub took: Duration,
}

impl Entry {
    pub(crate) fn new(name: String, outcome: Outcome, took: Duration) -> Self {
        Self { name, count: 1, outcome, took }
    }

    /// Takes its place among the others: beside its equals, if there are any.
    pub(crate) fn join(self, entries: &mut Vec<Entry>) {
        let equal = |other: &&mut Entry| other.name == self.name && other.outcome == self.outcome;
        match entries.iter_mut().find(equal) {
            Some(other) => {
                other.count += 1;
                other.took = other.took.max(self.took);
            }
            None => entries.push(self),
        }
    }

    /// `label`, or `label ×100`.
    fn title(&self) -> String {
        if self.count == 1 { self.name.clone() } else { format!("{} ×{}", self.name, self.count) }
    }
}

/// One phase of the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseReceipt {
    /// Which phase.
    pub phase: Phase,
    /// How long the phase took.
    pub took: Duration,
    /// Its participants, in the order in which they ended.
    pub entries: Vec<Entry>,
}

/// What a shutdown did: what finished, what was cut, by name, with times.
///
/// `Display` is the block that a person reads on a terminal; [`Receipt::summary`] is the one-line form for
/// the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Why the service went down, for example `SIGTERM`.
    pub reason: String,
    /// From the request to the end.
    pub took: Duration,
    /// The budget it had.
    pub budget: Duration,
    /// The phases that ran.
    pub phases: Vec<PhaseReceipt>,
}

impl Receipt {
    /// Every entry that was cut, with its phase.
    pub fn cut(&self) -> impl Iterator<Item = (Phase, &Entry)> {
        self.entries().filter(|(_, entry)| entry.outcome.is_cut())
    }

    /// Every entry, with its phase.
    pub fn entries(&self) -> impl Iterator<Item = (Phase, &Entry)> {
        self.phases.iter().flat_map(|phase| phase.entries.iter().map(move |entry| (phase.phase, entry)))
    }

    /// `drain: http finished in 0.12s (3 requests answered); close: database finished in 0.00s`.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self
            .entries()
            .map(|(phase, entry)| {
                let verb = if entry.outcome.is_cut() { "cut after" } else { "finished in" };
                let note = match entry.outcome.note() {
                    "" => String::new(),
                    note => format!(" ({note})"),
                };
                format!("{phase}: {} {verb} {:.2}s{note}", entry.title(), entry.took.as_secs_f64())
            })
            .collect();
        if parts.is_empty() { "nothing was running".to_owned() } else { parts.join("; ") }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Landed in {:.2} s of {:.0} s ({}).",
            self.took.as_secs_f64(),
            self.budget.as_secs_f64(),
            self.reason
        )?;
        for phase in &self.phases {
            writeln!(f, "  {:<10} {:>6.2} s", phase.phase.name(), phase.took.as_secs_f64())?;
            for entry in &phase.entries {
                let mark = if entry.outcome.is_cut() { "CUT " } else { "ok  " };
                let seconds = entry.took.as_secs_f64();
                writeln!(f, "    {mark} {:<20} {seconds:>6.2} s  {}", entry.title(), entry.outcome.note())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        let entries = vec![
            Entry::new("http".into(), Outcome::finished("3 requests answered"), Duration::from_millis(120)),
            Entry::new("jobs".into(), Outcome::cut("1 handed back"), Duration::from_secs(2)),
        ];
        Receipt {
            reason: "SIGTERM".into(),
            took: Duration::from_secs(2),
            budget: Duration::from_secs(25),
            phases: vec![PhaseReceipt { phase: Phase::Drain, took: Duration::from_secs(2), entries }],
        }
    }

    #[test]
    fn the_summary_names_what_finished_and_what_was_cut() {
        assert_eq!(
            receipt().summary(),
            "drain: http finished in 0.12s (3 requests answered); drain: jobs cut after 2.00s (1 handed back)"
        );
    }

    #[test]
    fn many_of_one_name_and_outcome_are_one_entry_with_the_longest_time() {
        let mut entries = Vec::new();
        for seconds in [1, 3, 2] {
            Entry::new("label".into(), Outcome::finished(""), Duration::from_secs(seconds))
                .join(&mut entries);
        }
        Entry::new("label".into(), Outcome::cut("was aborted"), Duration::ZERO).join(&mut entries);
        let seen: Vec<_> = entries.iter().map(|entry| (entry.title(), entry.took.as_secs())).collect();
        assert_eq!(seen, [("label ×3".to_owned(), 3), ("label".to_owned(), 0)]);
    }

    #[test]
    fn the_block_for_people_has_a_line_for_each_participant() {
        let block = receipt().to_string();
        assert!(block.starts_with("Landed in 2.00 s of 25 s (SIGTERM)."));
        assert!(block.contains("CUT  jobs"));
        assert!(block.contains("ok   http"));
    }
}
