//! What is told of jobs that do not leave the outbox.

use std::fmt::{Debug, Write};

use groundcrew_sql::SqlConfig;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Level, Metadata, Subscriber};

use super::super::sqlite::SqliteJobs;
use super::*;
use crate::enqueue::new_job;
use crate::{Attempt, Job, JobError};

#[derive(serde::Serialize, serde::Deserialize)]
struct Parcel;

impl Job for Parcel {
    const NAME: &'static str = "parcel";
    type Context = ();

    async fn run(self, (): (), _: Attempt) -> Result<(), JobError> {
        Ok(())
    }
}

/// The errors that are logged on this thread.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<Vec<String>>>);

impl Transcript {
    fn begin() -> (Self, DefaultGuard) {
        let transcript = Self::default();
        let guard = set_default(transcript.clone());
        (transcript, guard)
    }
}

impl Subscriber for Transcript {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").expect("a String takes everything");
    }
}

/// As a broker that refuses what no row can hold.
async fn strict(crew: &Crew) -> SqliteJobs {
    SqliteJobs::new(SqlConfig::of("sqlite::memory:").connect_sqlite(crew).await.expect("SQLite"))
}

#[tokio::test]
async fn a_job_that_no_attempt_brings_to_the_broker_is_named_seldomer_from_time_to_time() {
    let crew = Crew::builder("parcels", "1.0.0").build();
    let backend = strict(&crew).await;
    let mut job = new_job(&Parcel).expect("a job");
    job.envelope.key = Some("\0".to_owned());
    let (log, _guard) = Transcript::begin();
    let mut named = Vec::new();
    for attempts in 0..10 {
        let sorted = send(&backend, vec![(1, record(&job), attempts)]).await;
        assert_eq!(sorted.passed(), Passed { sent: 0, refused: 1 });
        let lines = std::mem::take(&mut *log.0.lock());
        let id = job.envelope.id.to_string();
        named.extend(lines.iter().filter(|line| line.contains(&id)).map(|_| attempts));
    }
    assert_eq!(named, [0, 1, 2, 4, 8]);
}

#[tokio::test]
async fn a_job_that_the_broker_may_take_later_is_not_named() {
    let crew = Crew::builder("parcels", "1.0.0").build();
    let backend = strict(&crew).await;
    let (log, _guard) = Transcript::begin();
    let cause = || "away".to_owned();
    for error in [
        BackendError::Unavailable { backend: "strict", action: "enqueue jobs", cause: cause() },
        BackendError::Full { backend: "strict", cause: cause() },
    ] {
        tell(&backend, JobId::random(), 0, &error);
    }
    assert_eq!(*log.0.lock(), Vec::<String>::new());
}
