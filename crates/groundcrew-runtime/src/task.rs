use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::Backoff;

/// What happens when a task that is not critical ends before the shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Again after every end, with backoff. Right for loops that should never end.
    Always(Backoff),
    /// Again after an error or a panic; a plain return is the end.
    OnFailure(Backoff),
    /// Never again; an error or a panic is logged and shown.
    Never,
}

impl Default for Restart {
    fn default() -> Self {
        Restart::OnFailure(Backoff::default())
    }
}

/// What a task may return: nothing, or a result whose error can be shown.
#[diagnostic::on_unimplemented(
    message = "a task returns `()` or `Result<(), E>` with an `E` that implements `Display`, not `{Self}`",
    note = "a task that never ends has no result: let it watch its `Stop` and return `()`"
)]
pub trait TaskResult {
    /// The failure in words, if it is one.
    fn failure(self) -> Option<String>;
}

impl TaskResult for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> TaskResult for Result<(), E> {
    fn failure(self) -> Option<String> {
        // `{:#}` shows the whole chain of an `anyhow::Error`.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Runs.
    Running,
    /// Failed, and waits for its next start.
    BackingOff,
    /// Returned, and is not started again.
    Finished,
    /// Failed, and is not started again.
    Failed,
}

impl TaskState {
    /// `running`, `backing-off`, `finished` or `failed`.
    pub fn name(self) -> &'static str {
        match self {
            TaskState::Running => "running",
            TaskState::BackingOff => "backing-off",
            TaskState::Finished => "finished",
            TaskState::Failed => "failed",
        }
    }
}

/// A background task as the metrics and the admin listener show it.
#[derive(Debug, Clone)]
pub struct TaskReport {
    /// Its name.
    pub name: String,
    /// Whether its end is the end of the service.
    pub critical: bool,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was started again.
    pub restarts: u64,
    /// The last error or panic, kept after a restart.
    pub last_error: Option<String>,
    /// When the last error happened.
    pub last_error_at: Option<SystemTime>,
    /// How long the present run (or the last one) has been going on.
    pub age: Duration,
}

/// The table of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    rows: Mutex<Rows>,
}

/// By number, and so in the order in which they were added.
#[derive(Debug, Default)]
struct Rows {
    known: BTreeMap<u64, Row>,
    next: u64,
}

#[derive(Debug)]
struct Row {
    report: TaskReport,
    started: Instant,
}

// === impl Tasks ===

impl Tasks {
    pub(crate) fn add(&self, name: &str, critical: bool) -> u64 {
        let report = TaskReport {
            name: name.to_owned(),
            critical,
            state: TaskState::Running,
            restarts: 0,
            last_error: None,
            last_error_at: None,
            age: Duration::ZERO,
        };
        let mut rows = self.rows.lock();
        let id = rows.next;
        rows.next += 1;
        rows.known.insert(id, Row { report, started: Instant::now() });
        id
    }

    pub(crate) fn restarted(&self, id: u64) {
        if let Some(row) = self.rows.lock().known.get_mut(&id) {
            row.report.state = TaskState::Running;
            row.report.restarts += 1;
            row.started = Instant::now();
        }
    }

    pub(crate) fn ended(&self, id: u64, state: TaskState, error: Option<&str>) {
        let mut rows = self.rows.lock();
        let Some(row) = rows.known.get_mut(&id) else { return };
        row.report.state = state;
        if let Some(error) = error {
            row.report.last_error = Some(error.to_owned());
            row.report.last_error_at = Some(SystemTime::now());
        }
    }

    /// Takes a task out that has returned; one that failed stays to be seen.
    pub(crate) fn forget_finished(&self, id: u64) {
        let mut rows = self.rows.lock();
        if rows.known.get(&id).is_some_and(|row| row.report.state == TaskState::Finished) {
            rows.known.remove(&id);
        }
    }

    pub(crate) fn reports(&self) -> Vec<TaskReport> {
        let rows = self.rows.lock();
        rows.known
            .values()
            .map(|row| TaskReport { age: row.started.elapsed(), ..row.report.clone() })
            .collect()
    }
}

/// Runs one attempt to its end; a panic becomes a failure in words.
pub(crate) async fn attempt<T: TaskResult>(future: impl Future<Output = T>) -> Option<String> {
    match caught(future).await {
        Ok(result) => result.failure(),
        Err(panic) => Some(panic),
    }
}

/// Runs a future to its end; a panic becomes words.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = std::pin::pin!(future);
    let caught = std::future::poll_fn(move |cx| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    });
    caught.await.map_err(|panic| panic_words(panic.as_ref()))
}

/// What the log and the receipt say of a panic.
pub(crate) fn panic_words(payload: &(dyn std::any::Any + Send)) -> String {
    format!("panicked: {}", panic_message(payload))
}

/// The words of a panic's payload.
pub fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(a panic without a message)")
}
