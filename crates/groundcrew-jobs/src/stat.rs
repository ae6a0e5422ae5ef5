use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many jobs of one name are in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStat {
    /// Their name.
    pub name: String,
    /// Their state.
    pub state: State,
    /// How many.
    pub count: u64,
    /// For how long the oldest has been ready, running or dead; zero for scheduled ones.
    pub oldest: Duration,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// May run now.
    Ready,
    /// Waits for its time: delayed, snoozed, or between two attempts.
    Scheduled,
    /// In the hands of a worker.
    Running,
    /// In the dead set.
    Dead,
}

// === impl State ===

impl State {
    /// Every state.
    pub const ALL: [State; 4] = [State::Ready, State::Scheduled, State::Running, State::Dead];

    /// As it stands in metrics.
    pub fn name(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Scheduled => "scheduled",
            State::Running => "running",
            State::Dead => "dead",
        }
    }
}
