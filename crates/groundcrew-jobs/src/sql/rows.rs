//! Jobs as rows. What goes in goes as one JSON document for a whole batch, which both databases take apart.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    BackendError, Beat, DeadJob, Delivery, Envelope, Failure, Fate, JobId, NewJob, Priority, QueueStat,
    Settlement, State, Unique, When,
};

/// How many bytes a name or a key has at most: two of them are one entry of an index, of which Postgres holds 2704.
const LONGEST_KEY: usize = 512;

/// The columns of [`DeliveryRow`], for `SELECT` and `RETURNING`; Postgres needs `id::text`.
pub(super) type DeliveryRow = (
    String,
    String,
    i32,
    String,
    i16,
    Option<String>,
    Option<String>,
    i64,
    i32,
    i32,
    i32,
    String,
    Option<String>,
    Option<String>,
    i64,
    i64,
);

/// `id, name, version, enqueued_at, due_at, attempts, crashes, history, payload`.
pub(super) type DeadRow = (String, String, i32, i64, i64, i32, i32, String, String);

/// `name, state, count, oldest age in µs`.
pub(super) type StatRow = (String, i16, i64, i64);

/// A new job.
#[derive(Debug, Serialize)]
pub(super) struct NewRow<'a> {
    id: JobId,
    name: &'a str,
    version: u32,
    priority: i16,
    /// From now, in µs.
    due_in: Option<i64>,
    due_at: Option<i64>,
    key: Option<&'a str>,
    unique_key: Option<&'a str>,
    attempts: u32,
    max_attempts: u32,
    crashes: u32,
    enqueued_at: i64,
    payload: &'a str,
    history: String,
    trace: Option<&'a str>,
    checkpoint: Option<&'a str>,
}

/// A claim to a unique key.
#[derive(Debug, Serialize)]
pub(super) struct ClaimRow<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a str,
    pub(super) id: JobId,
    /// From now, in µs.
    window: Option<i64>,
}

/// A job that goes on.
#[derive(Debug, Serialize)]
pub(super) struct KeptRow {
    id: JobId,
    token: u64,
    state: i16,
    due_in: i64,
    /// When it goes to its old place instead, in µs.
    since: Option<i64>,
    attempts: u32,
    crashes: u32,
    history: String,
    checkpoint: Option<String>,
}

/// Which delivery.
#[derive(Debug, Serialize)]
pub(super) struct Held {
    id: JobId,
    token: u64,
}

/// A sign of life.
#[derive(Debug, Serialize)]
pub(super) struct BeatRow {
    id: JobId,
    token: u64,
    checkpoint: Option<String>,
    progress: Option<u8>,
    note: Option<String>,
}

/// A batch of settlements by what is to be done.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) over: Vec<Held>,
    pub(super) kept: Vec<KeptRow>,
    /// Whether any of those that are over or dead holds a unique key.
    pub(super) unique: bool,
}

// === impl NewRow ===

impl<'a> NewRow<'a> {
    pub(super) fn of(job: &'a NewJob) -> Self {
        let envelope = &job.envelope;
        let (due_in, due_at) = match job.when {
            When::Now => (Some(0), None),
            When::In(delay) => (Some(micros(delay)), None),
            When::At(at) => (None, Some(at.as_microsecond())),
        };
        Self {
            id: envelope.id,
            name: &envelope.name,
            version: envelope.version,
            priority: envelope.priority.number(),
            due_in,
            due_at,
            key: envelope.key.as_deref(),
            unique_key: envelope.unique.as_ref().map(|unique| unique.key.as_str()),
            attempts: envelope.attempts,
            // The column has a sign.
            max_attempts: envelope.max_attempts.min(i32::MAX.unsigned_abs()),
            crashes: envelope.crashes,
            enqueued_at: envelope.enqueued_at.as_microsecond(),
            payload: &envelope.payload,
            history: history(&envelope.history),
            trace: envelope.trace.as_deref(),
            checkpoint: envelope.checkpoint.as_deref(),
        }
    }
}

impl<'a> ClaimRow<'a> {
    pub(super) fn of(job: &'a NewJob) -> Option<Self> {
        let NewJob { envelope, .. } = job;
        let Unique { key, window } = envelope.unique.as_ref()?;
        Some(Self { name: &envelope.name, key, id: envelope.id, window: window.map(micros) })
    }
}

// === impl Settled ===

impl Settled {
    pub(super) fn of(batch: &[Settlement]) -> Self {
        let mut settled = Self::default();
        for settlement in batch {
            let (id, token) = (settlement.delivery.envelope.id, settlement.delivery.token);
            let has_key = settlement.delivery.envelope.unique.is_some();
            match settlement.fate() {
                Fate::Over => {
                    settled.over.push(Held { id, token });
                    settled.unique |= has_key;
                }
                Fate::Waits { envelope, after } => {
                    let since = settlement.since().map(Timestamp::as_microsecond);
                    settled.kept.push(KeptRow { since, ..KeptRow::of(envelope, token, 0, micros(after)) });
                }
                Fate::Dead { envelope } => {
                    settled.kept.push(KeptRow::of(envelope, token, 2, 0));
                    settled.unique |= has_key;
                }
            }
        }
        settled
    }
}

impl KeptRow {
    fn of(envelope: Envelope, token: u64, state: i16, due_in: i64) -> Self {
        let history = history(&envelope.history);
        let Envelope { id, attempts, crashes, checkpoint, .. } = envelope;
        Self { id, token, state, due_in, since: None, attempts, crashes, history, checkpoint }
    }
}

impl From<Beat> for BeatRow {
    fn from(beat: Beat) -> Self {
        let Beat { id, token, checkpoint, progress } = beat;
        let (progress, note) = progress.unzip();
        // Postgres has no NUL in texts.
        Self { id, token, checkpoint, progress, note: note.map(|note: String| note.replace('\0', "")) }
    }
}

pub(super) fn delivery(row: DeliveryRow) -> Result<Delivery, String> {
    let (id, name, version, payload, priority, key, unique_key, enqueued_at, ..) = row;
    let (.., attempts, max_attempts, crashes, past, trace, checkpoint, token, due_at) = row;
    let envelope = Envelope {
        id: parse_id(&id)?,
        name,
        version: unsigned(version),
        payload,
        priority: Priority::of_number(priority),
        key,
        unique: unique_key.map(|key| Unique { key, window: None }),
        enqueued_at: timestamp(enqueued_at),
        attempts: unsigned(attempts),
        max_attempts: unsigned(max_attempts),
        crashes: unsigned(crashes),
        history: read_history(&past),
        trace,
        checkpoint,
    };
    let token = u64::try_from(token).unwrap_or_default();
    Ok(Delivery { envelope, token, due_at: timestamp(due_at) })
}

pub(super) fn dead_job(row: DeadRow, with_payload: bool) -> Result<DeadJob, String> {
    let (id, name, version, enqueued_at, died_at, attempts, crashes, past, payload) = row;
    Ok(DeadJob {
        id: parse_id(&id)?,
        name,
        version: unsigned(version),
        enqueued_at: timestamp(enqueued_at),
        died_at: timestamp(died_at),
        attempts: unsigned(attempts),
        crashes: unsigned(crashes),
        history: read_history(&past),
        payload: with_payload.then_some(payload),
    })
}

pub(super) fn stat((name, state, count, age): StatRow) -> QueueStat {
    let state = match state {
        0 => State::Ready,
        1 => State::Running,
        2 => State::Dead,
        _ => State::Scheduled,
    };
    let oldest = Duration::from_micros(u64::try_from(age).unwrap_or_default());
    let oldest = if state == State::Scheduled { Duration::ZERO } else { oldest };
    QueueStat { name, state, count: u64::try_from(count).unwrap_or_default(), oldest }
}

/// A batch as the database takes it apart.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> String {
    // Nothing of ours has keys that are no strings, so it cannot fail; an empty batch would change nothing.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}

/// What no row can hold; everything else in the batch goes its way.
pub(super) fn refuse(job: &Envelope, backend: &'static str) -> Result<(), BackendError> {
    let Envelope { name, key, unique, .. } = job;
    let unique = unique.as_ref().map(|unique| &unique.key);
    let problem = |text: &String| match text {
        text if text.contains('\0') => Some("has a character NUL".to_owned()),
        text if text.len() > LONGEST_KEY => Some(format!("is longer than {LONGEST_KEY} bytes")),
        _ => None,
    };
    match [Some(name), key.as_ref(), unique].into_iter().flatten().find_map(problem) {
        Some(problem) => Err(BackendError::Refused { backend, cause: format!("its name or key {problem}") }),
        None => Ok(()),
    }
}

pub(super) fn micros(time: Duration) -> i64 {
    // Far enough: 100 years. More would overflow when it is added to now.
    const MOST: i64 = 100 * 366 * 86_400 * 1_000_000;
    i64::try_from(time.as_micros()).unwrap_or(MOST).min(MOST)
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn parse_id(id: &str) -> Result<JobId, String> {
    id.parse().map_err(|error| format!("the id `{id}` is none: {error}"))
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn history(failures: &[Failure]) -> String {
    json(failures)
}

/// A history that another version wrote in a way that we cannot read is no reason to lose the job.
fn read_history(text: &str) -> Vec<Failure> {
    serde_json::from_str(text).unwrap_or_default()
}
