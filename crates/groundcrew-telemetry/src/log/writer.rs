//! The way of a line to its output: into a bounded buffer, and from there by a thread of its own.
//!
//! A producer never blocks on the output. While the output keeps up nothing is lost: a producer that finds
//! the buffer half full yields its core once, and one that finds it full yields it for a bounded time, so that
//! the writer gets its turn even where they share one. Once the output itself holds the writer, that time is
//! soon spent. Lines are dropped whole, counted, and their number is written as soon as there is room again.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long the writer lets lines gather, so that it is woken and writes seldom.
const GATHER: Duration = Duration::from_millis(2);
/// The most that is handed to the output in one call, in bytes.
const PIECE: usize = 64 * 1024;
/// What a buffer keeps between bursts, in bytes.
const KEEP: usize = 64 * 1024;
/// How long one line may wait before it is dropped: for a writer that waits for a core, not for the output;
/// and for one that the output holds.
const STARVED: Duration = Duration::from_millis(200);
const HELD: Duration = Duration::from_millis(10);
/// How long lines may wait together for a writer that the output holds: at most; gained whenever the writer
/// gets its turn; and whenever the output takes a piece. A blocked output costs the first once, a slow one
/// hardly more than nothing.
const PATIENCE: Duration = Duration::from_millis(40);
const GAIN_PER_TURN: Duration = Duration::from_millis(10);
const GAIN_PER_PIECE: Duration = Duration::from_millis(1);
/// The pause after the output failed; it doubles up to the second value.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What the writer's thread needs besides the output.
pub(crate) trait Duties: Send + 'static {
    /// Does what is due; the time until something is due again.
    fn tick(&mut self, now: Instant) -> Option<Duration>;
    /// Appends a line that says how many lines were dropped.
    fn report(&mut self, line: &mut Vec<u8>, dropped: u64);
}

/// The producers' end. When it is dropped, the thread writes what is left and ends.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    queue: Mutex<Queue>,
    moved: Condvar,
    thread: OnceLock<Thread>,
    /// What is left of the patience, in nanoseconds, and whether a waiting producer is taking from it.
    patience: AtomicU64,
    keeper: AtomicBool,
    /// The writer is in a call of the output, or pauses after one that failed.
    held: AtomicBool,
    written: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Lines in `bytes`.
    lines: u64,
    /// Dropped lines that no report has mentioned yet.
    unreported: u64,
    /// Lines ever put in, and lines ever done with (written, or lost by a failing output).
    put: u64,
    done: u64,
    /// The thread sleeps until it is woken.
    idle: bool,
    /// The thread was told not to gather any longer.
    urged: bool,
    closed: bool,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread. Fails if the operating system has none to give.
    pub(crate) fn start(
        capacity: usize,
        sink: Box<dyn Write + Send>,
        duties: impl Duties,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity,
            queue: Mutex::default(),
            moved: Condvar::new(),
            thread: OnceLock::new(),
            patience: AtomicU64::new(nanos(PATIENCE)),
            keeper: AtomicBool::new(false),
            held: AtomicBool::new(false),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        let drain = Drain { shared: Arc::clone(&shared), sink, broken: None, torn: false };
        let thread = thread::Builder::new().name("log-writer".into()).spawn(move || drain.run(duties))?;
        // Nobody else has set it: the writer is not out yet.
        let _ = shared.thread.set(thread.thread().clone());
        Ok(Self { shared })
    }

    /// Hands over a whole line, or drops it if there is no room.
    pub(crate) fn put(&self, line: &[u8]) {
        let shared = &*self.shared;
        let mut queue = shared.lock();
        if queue.bytes.len() + line.len() > shared.capacity / 2 {
            match shared.make_room(queue, line.len()) {
                Some(with_room) => queue = with_room,
                None => return,
            }
        }
        queue.bytes.extend_from_slice(line);
        queue.lines += 1;
        queue.put += 1;
        let wake = queue.idle;
        queue.idle = false;
        drop(queue);
        if wake {
            shared.wake();
        }
    }

    /// Waits until the lines that are in now are written, at most `timeout`; whether they are.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let mut queue = self.shared.lock();
        let goal = queue.put;
        queue.urged = true;
        self.shared.wake();
        let waited = self.shared.moved.wait_timeout_while(queue, timeout, |queue| queue.done < goal);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.done >= goal
    }

    /// Makes the thread look at its duties.
    pub(crate) fn nudge(&self) {
        self.shared.lock().idle = false;
        self.shared.wake();
    }

    pub(crate) fn written(&self) -> u64 {
        self.shared.written.load(Relaxed)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake();
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The buffer is over half full: lets the writer have its turn, and drops the line if there is no room then.
    #[cold]
    fn make_room<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        needed: usize,
    ) -> Option<MutexGuard<'a, Queue>> {
        let began = Instant::now();
        let keeps_time = !self.keeper.swap(true, Relaxed);
        let (mut waited, mut yielded) = (Duration::ZERO, false);
        let fits = |queue: &Queue| queue.bytes.len() + needed <= self.capacity;
        // Half full is reason to yield once, full to wait.
        while !(yielded && fits(&queue)) && needed <= self.capacity && self.may_wait(waited) {
            let held = self.held.load(Relaxed);
            queue.urged = true;
            queue.idle = false;
            drop(queue);
            self.wake();
            thread::yield_now();
            yielded = true;
            let now_waited = began.elapsed();
            if keeps_time && held {
                self.spend(now_waited.saturating_sub(waited));
            }
            waited = now_waited;
            queue = self.lock();
        }
        if keeps_time {
            self.keeper.store(false, Relaxed);
        }
        if fits(&queue) {
            return Some(queue);
        }
        queue.unreported += 1;
        self.dropped.fetch_add(1, Relaxed);
        None
    }

    fn may_wait(&self, waited: Duration) -> bool {
        if self.held.load(Relaxed) {
            waited < HELD && self.patience.load(Relaxed) > 0
        } else {
            waited < STARVED
        }
    }

    fn spend(&self, time: Duration) {
        let _ = self.patience.try_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(nanos(time))));
    }

    fn gain(&self, time: Duration) {
        let more = |left: u64| Some((left + nanos(time)).min(nanos(PATIENCE)));
        let _ = self.patience.try_update(Relaxed, Relaxed, more);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The thread's end.
struct Drain {
    shared: Arc<Shared>,
    sink: Box<dyn Write + Send>,
    /// The pause after the next failure, while the output fails.
    broken: Option<Duration>,
    /// The output has got a part of a line, without its end.
    torn: bool,
}

// === impl Drain ===

impl Drain {
    fn run(mut self, mut duties: impl Duties) {
        let mut batch = Vec::new();
        loop {
            let due = duties.tick(Instant::now());
            let Some((lines, unreported)) = self.take(&mut batch, due) else { return };
            if batch.is_empty() && unreported == 0 {
                continue;
            }
            if unreported > 0 {
                duties.report(&mut batch, unreported);
            }
            self.shared.held.store(true, Relaxed);
            let outcome = self.write(&batch, lines);
            self.shared.held.store(outcome.is_err(), Relaxed);
            self.settle(lines, outcome, unreported);
            batch.clear();
            batch.shrink_to(KEEP);
            if outcome.is_err() {
                self.pause();
                self.shared.held.store(false, Relaxed);
            }
        }
    }

    /// Swaps the full buffer for the empty one; `None` when all is written and nobody will come any more.
    fn take(&self, batch: &mut Vec<u8>, due: Option<Duration>) -> Option<(u64, u64)> {
        let mut queue = self.shared.lock();
        let nothing_to_say =
            |queue: &Queue| queue.bytes.is_empty() && (queue.unreported == 0 || self.broken.is_some());
        if nothing_to_say(&queue) {
            if queue.closed {
                return None;
            }
            queue.idle = true;
            queue.urged = false;
            drop(queue);
            due.map_or_else(thread::park, thread::park_timeout);
            queue = self.shared.lock();
            queue.idle = false;
        }
        if !queue.urged && !queue.closed && !queue.bytes.is_empty() {
            drop(queue);
            thread::park_timeout(GATHER);
            queue = self.shared.lock();
        }
        queue.urged = false;
        if self.broken.is_none() {
            self.shared.gain(GAIN_PER_TURN);
        }
        std::mem::swap(&mut queue.bytes, batch);
        Some((std::mem::take(&mut queue.lines), std::mem::take(&mut queue.unreported)))
    }

    /// Writes the batch. The error is how many of its `lines` the output did not take.
    fn write(&mut self, batch: &[u8], lines: u64) -> Result<(), u64> {
        if self.torn {
            self.sink.write_all(b"\n").map_err(|_| lines)?;
            self.torn = false;
        }
        let mut rest = batch;
        while !rest.is_empty() {
            match self.sink.write(&rest[..rest.len().min(PIECE)]) {
                Ok(taken) if taken > 0 => {
                    rest = &rest[taken..];
                    self.shared.gain(GAIN_PER_PIECE);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(GATHER),
                Ok(_) | Err(_) => {
                    self.torn = rest.len() < batch.len() && batch[batch.len() - rest.len() - 1] != b'\n';
                    let ends = memchr::memchr_iter(b'\n', rest).count();
                    return Err(lines.min(ends as u64));
                }
            }
        }
        self.sink.flush().map_err(|_| lines)
    }

    fn settle(&mut self, lines: u64, outcome: Result<(), u64>, unreported: u64) {
        let lost = outcome.err().unwrap_or_default();
        self.shared.written.fetch_add(lines - lost, Relaxed);
        self.shared.dropped.fetch_add(lost, Relaxed);
        let mut queue = self.shared.lock();
        queue.done = queue.put - queue.lines;
        if outcome.is_err() {
            queue.unreported += lost + unreported;
        } else {
            self.broken = None;
        }
        drop(queue);
        self.shared.moved.notify_all();
    }

    /// The output failed: waits before it is tried again, unless somebody is waiting for it.
    fn pause(&mut self) {
        let pause = self.broken.unwrap_or(RETRY.0);
        self.broken = Some((pause * 2).min(RETRY.1));
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let queue = self.shared.lock();
            if left.is_zero() || queue.closed || queue.urged {
                return;
            }
            drop(queue);
            thread::park_timeout(left);
        }
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
