//! Who believed to lead, and when: written outside of what is tested.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use groundcrew_lease::LeaseStatus;
use parking_lot::Mutex;

use crate::support::until;

/// Beliefs of all replicas. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    lines: Arc<Mutex<Vec<Line>>>,
}

/// At this time, in microseconds, somebody believed to lead in this term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) at: u128,
    pub(crate) epoch: u64,
}

/// Asks one replica all the time; ends on drop.
#[derive(Debug)]
pub(crate) struct Watch(Arc<AtomicBool>);

pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros()
}

impl Ledger {
    pub(crate) fn push(&self, line: Line) {
        self.lines.lock().push(line);
    }

    /// The leader works in this term now.
    pub(crate) fn work(&self, epoch: u64) {
        self.push(Line { at: now(), epoch });
    }

    /// From a thread of its own: the runtime under test may be busy.
    pub(crate) fn watch(&self, status: LeaseStatus) -> Watch {
        let (ledger, over) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let ended = over.clone();
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // The clock first: who believes a little later has believed at this moment too.
                let at = now();
                if let Some(epoch) = status.epoch() {
                    ledger.push(Line { at, epoch });
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Watch(over)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.lines.lock().iter().map(|line| line.epoch).max().unwrap_or(0)
    }

    /// Beliefs in a term after somebody had begun a later one: two leaders at once.
    pub(crate) fn overlaps(&self) -> Vec<(Line, Line)> {
        let mut lines = self.lines.lock().clone();
        lines.sort_unstable();
        let mut latest = Line { at: 0, epoch: 0 };
        let mut found = Vec::new();
        for line in lines {
            if line.epoch < latest.epoch {
                found.push((latest, line));
            } else {
                latest = line;
            }
        }
        found
    }

    /// In the terms that the ledger tells of, of which there are two at least.
    pub(crate) async fn assert_one_leader_at_a_time(&self) {
        let terms = || self.lines.lock().iter().map(|line| line.epoch).collect::<BTreeSet<_>>().len();
        until("the ledger tells of two terms", || terms() > 1).await;
        let overlaps = self.overlaps();
        assert!(overlaps.is_empty(), "{} overlaps, the first: {:?}", overlaps.len(), overlaps[0]);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
