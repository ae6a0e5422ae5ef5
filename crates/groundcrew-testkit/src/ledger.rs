//! A ledger that stands outside the system under test and tells what was lost, doubled or made up.
//!
//! The test writes down what it tries ([`Ledger::attempted`]) and what it was promised ([`Ledger::acknowledged`]);
//! whoever has the effect writes that down ([`Ledger::observed`]). The ledger knows nothing else of the system, and
//! [`Ledger::report`] judges it.
//!
//! ```
//! use groundcrew_testkit::ledger::Ledger;
//!
//! let ledger = Ledger::default();
//! for id in ["one", "two", "three"] {
//!     ledger.attempted(id);
//! }
//! ledger.acknowledged("one");
//! ledger.acknowledged("two");
//! ledger.observed("one");
//! ledger.observed("one");
//! ledger.observed("three");
//!
//! let report = ledger.report();
//! assert_eq!((report.attempted, report.acknowledged), (3, 2));
//! assert_eq!((report.lost, report.duplicated), (1, 1), "two never came, one came twice: {report}");
//! assert_eq!(report.recovered, 1, "three came without a promise, which is allowed");
//! assert!(!report.is_exactly_once());
//! ```
//!
//! Workers that are processes of their own write over TCP: [`Ledger::listen`] here, [`LedgerClient`] there. What the
//! client has confirmed is in the ledger, even if the worker is killed in the next moment. Write an effect down after
//! it is final (committed, say), or a kill between the two counts as an effect that never was.

mod client;
mod entry;
mod listening;
mod report;

pub use client::LedgerClient;
pub use listening::Listening;
pub use report::Report;

use entry::{Entry, Tally};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The ledger. Clones share it; it grows with every id.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
    lost: watch::Sender<u64>,
}

/// What happened to an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Attempted,
    Acknowledged,
    Observed,
}

#[derive(Debug, Default)]
struct Book {
    entries: HashMap<String, Entry>,
    total: Tally,
}

// === impl Ledger ===

impl Ledger {
    /// The test is about to ask for this.
    pub fn attempted(&self, id: &str) {
        self.record(Event::Attempted, id);
    }

    /// The system has promised it.
    pub fn acknowledged(&self, id: &str) {
        self.record(Event::Acknowledged, id);
    }

    /// It has happened, once more.
    pub fn observed(&self, id: &str) {
        self.record(Event::Observed, id);
    }

    /// The judgement on all that has been written down so far.
    pub fn report(&self) -> Report {
        let book = self.book();
        Report::new(&book.entries, book.total)
    }

    /// Waits until all that was promised has happened. False when it has not in this time.
    pub async fn nothing_lost(&self, within: Duration) -> bool {
        let mut lost = self.lost.subscribe();
        let none = lost.wait_for(|lost| *lost == 0);
        matches!(tokio::time::timeout(within, none).await, Ok(Ok(_)))
    }

    /// Lets other processes write into it, on a free loopback port. Needs a tokio runtime with I/O.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn listen(&self) -> io::Result<Listening> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Listening::start(listener, self.clone())
    }

    fn record(&self, event: Event, id: &str) {
        let mut book = self.book();
        book.record(event, id);
        let lost = book.total.lost;
        self.lost.send_if_modified(|known| std::mem::replace(known, lost) != lost);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Book ===

impl Book {
    fn record(&mut self, event: Event, id: &str) {
        let before = self.entries.get(id).copied().unwrap_or_default();
        let after = before.with(event);
        self.total = self.total - before.tally() + after.tally();
        match self.entries.get_mut(id) {
            Some(entry) => *entry = after,
            None => drop(self.entries.insert(id.to_owned(), after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Ledger};
    use proptest::prelude::*;
    use std::time::Duration;

    fn events() -> impl Strategy<Value = Vec<(Event, u8)>> {
        let event = prop_oneof![Just(Event::Attempted), Just(Event::Acknowledged), Just(Event::Observed)];
        proptest::collection::vec((event, 0..12_u8), 0..80)
    }

    proptest! {
        /// Against a count from the whole list, id by id, with no running totals.
        #[test]
        fn whatever_happens_the_figures_are_those_of_the_list(events in events()) {
            let ledger = Ledger::default();
            for (event, id) in &events {
                ledger.record(*event, &id.to_string());
            }
            let times = |event, id| events.iter().filter(|happened| **happened == (event, id)).count();
            let count = |holds: &dyn Fn(usize, usize, usize) -> bool| {
                let ids = (0..12).filter(|id| {
                    let of = |event| times(event, *id);
                    holds(of(Event::Attempted), of(Event::Acknowledged), of(Event::Observed))
                });
                ids.count() as u64
            };
            let report = ledger.report();
            prop_assert_eq!(report.attempted, count(&|attempted, _, _| attempted > 0));
            prop_assert_eq!(report.acknowledged, count(&|_, acknowledged, _| acknowledged > 0));
            prop_assert_eq!(report.observed, count(&|_, _, observed| observed > 0));
            prop_assert_eq!(report.lost, count(&|_, acknowledged, observed| acknowledged > 0 && observed == 0));
            prop_assert_eq!(report.duplicated, count(&|_, _, observed| observed > 1));
            prop_assert_eq!(report.unexpected, count(&|attempted, _, observed| attempted == 0 && observed > 0));
            prop_assert_eq!(report.recovered, count(&|attempted, acknowledged, observed| {
                attempted > 0 && acknowledged == 0 && observed > 0
            }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_the_last_promise_is_kept() {
        let ledger = Ledger::default();
        ledger.acknowledged("one");
        assert!(!ledger.nothing_lost(Duration::from_secs(1)).await);
        let (kept, ()) =
            tokio::join!(ledger.nothing_lost(Duration::from_secs(60)), async { ledger.observed("one") });
        assert!(kept);
    }
}
