use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use groundcrew_runtime::{Backoff, Stop};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::inbox::Inbox;
use super::session::{Drained, End, Session};
use super::stopping::Stopping;
use crate::error::{is_timeout, words};
use crate::line::{Line, Settings};
use crate::link::Link;
use crate::metrics::ConsumerMetrics;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A session that lived so long was a good one.
const GOOD_SESSION: Duration = Duration::from_secs(1);

/// A connection on which a consumer's start is not answered so often in a row is made again, for all its consumers: a
/// broker that has come back may be silent on what it had half done.
const SILENCES: u32 = 2;

/// Keeps one consumer going: whatever ends it, it comes back.
pub(super) struct Supervisor {
    pub(super) line: Line,
    pub(super) settings: Arc<Settings>,
    pub(super) queue: String,
    pub(super) prefetch: u16,
    pub(super) inbox: Arc<Inbox>,
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) problem: Arc<Problem>,
    pub(super) stopped: watch::Receiver<bool>,
    pub(super) drained: watch::Sender<Option<Drained>>,
}

/// Why a session did not begin.
enum Unstarted {
    Refused(String),
    Silent(String),
}

/// Why a consumer gets nothing, while it does not.
#[derive(Debug, Default)]
pub(crate) struct Problem(Mutex<Option<String>>);

// === impl Supervisor ===

impl Supervisor {
    /// Runs until it is stopped.
    pub(super) async fn run(&self, stop: Stop) {
        let mut stopping = Stopping::new(stop, self.stopped.clone());
        let drained = self.keep_going(&mut stopping).await.unwrap_or_default();
        drop(self.inbox.close());
        self.drained.send_replace(Some(drained));
    }

    async fn keep_going(&self, stopping: &mut Stopping) -> Option<Drained> {
        let backoff = Backoff::new(FIRST_PAUSE, self.settings.retry_max);
        let (mut failures, mut silent, mut last) = (0, 0, Weak::new());
        loop {
            let link = stopping.unless(self.line.link()).await??;
            let again = std::ptr::eq(last.as_ptr(), Arc::as_ptr(&link));
            if !again {
                (silent, last) = (0, Arc::downgrade(&link));
            }
            let began = Instant::now();
            let started = tokio::select! {
                started = stopping.unless(self.start(link.clone(), again)) => started?,
                () = self.line.lost(&link) => Err(Unstarted::Refused("the connection was lost".to_owned())),
            };
            let reason = match started {
                Ok(session) => {
                    self.problem.set(None);
                    self.line.metrics().channels.inc();
                    let end = session.run(stopping).await;
                    self.line.metrics().channels.dec();
                    match end {
                        End::Drained(drained) => return Some(drained),
                        End::Broken(reason) => reason,
                    }
                }
                Err(Unstarted::Refused(reason)) => reason,
                Err(Unstarted::Silent(reason)) => {
                    silent += 1;
                    if silent >= SILENCES {
                        link.kill();
                    }
                    reason
                }
            };
            if began.elapsed() >= GOOD_SESSION {
                failures = 0;
            }
            self.broken(&reason);
            stopping.unless(tokio::time::sleep(backoff.delay(failures))).await?;
            failures += 1;
        }
    }

    async fn start(&self, link: Arc<Link>, again: bool) -> Result<Session, Unstarted> {
        if again {
            // On the same connection: perhaps somebody deleted the queue.
            let topology = self.settings.topology.lock().clone();
            let declared = topology.declare(&link).await;
            declared.map_err(|error| Unstarted::Refused(error.to_string()))?;
        }
        let (inbox, metrics) = (self.inbox.clone(), self.metrics.clone());
        let started = Session::start(link, &self.queue, self.prefetch, inbox, metrics).await;
        started.map_err(|error| {
            if is_timeout(&error) {
                Unstarted::Silent(words(&error))
            } else {
                Unstarted::Refused(words(&error))
            }
        })
    }

    fn broken(&self, reason: &str) {
        self.metrics.restarts.inc();
        if self.problem.set(Some(reason)) {
            tracing::warn!(
                broker.name = self.settings.name,
                consumer.queue = self.queue,
                error = reason,
                "a consumer was interrupted and is started again"
            );
        }
    }
}

// === impl Problem ===

impl Problem {
    /// Whether that is news.
    fn set(&self, problem: Option<&str>) -> bool {
        let mut known = self.0.lock();
        let changed = known.as_deref() != problem;
        *known = problem.map(str::to_owned);
        changed
    }

    pub(crate) fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }
}
