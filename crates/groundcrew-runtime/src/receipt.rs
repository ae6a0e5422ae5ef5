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
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took within its phase.
    pub took: Duration,
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
                format!("{phase}: {} {verb} {:.2}s{note}", entry.name, entry.took.as_secs_f64())
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
                writeln!(f, "    {mark} {:<20} {seconds:>6.2} s  {}", entry.name, entry.outcome.note())?;
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
            Entry {
                name: "http".into(),
                outcome: Outcome::finished("3 requests answered"),
                took: Duration::from_millis(120),
            },
            Entry {
                name: "jobs".into(),
                outcome: Outcome::cut("1 handed back"),
                took: Duration::from_secs(2),
            },
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
    fn the_block_for_people_has_a_line_for_each_participant() {
        let block = receipt().to_string();
        assert!(block.starts_with("Landed in 2.00 s of 25 s (SIGTERM)."));
        assert!(block.contains("CUT  jobs"));
        assert!(block.contains("ok   http"));
    }
}
