//! Payloads of a newer version wait for a worker that reads them, and hold up nobody else.

use super::*;

/// More than are looked at together.
const MANY: usize = 300;

async fn enqueue_all(stage: &Stage, envelopes: impl Iterator<Item = Envelope>) {
    let jobs: Vec<_> = envelopes.map(|envelope| NewJob { envelope, when: When::Now }).collect();
    let done = stage.backend.enqueue(&jobs).await;
    assert!(done.iter().all(|done| matches!(done, Ok(Enqueued::New(_)))));
}

pub(crate) async fn a_long_queue_of_a_newer_version_does_not_hide_older_jobs_of_a_limited_name(stage: Stage) {
    let newer = (0..MANY).map(|_| Envelope { version: 2, ..envelope("a") });
    enqueue_all(&stage, newer).await;
    let older = enqueue(&stage, envelope("a")).await.id();
    let got = reserve(&stage, ask(9, vec![Known { free: Some(2), ..known("a") }])).await;
    assert_eq!(got.iter().map(|job| job.envelope.id).collect::<Vec<_>>(), [older]);
}

pub(crate) async fn a_long_queue_of_a_newer_version_does_not_hide_older_jobs_with_a_key(stage: Stage) {
    let newer = (0..MANY).map(|number| {
        let key = Some(format!("newer {number}"));
        Envelope { version: 2, key, ..envelope("a") }
    });
    enqueue_all(&stage, newer).await;
    for name in ["a", "b"] {
        enqueue(&stage, Envelope { key: Some("older".to_owned()), ..envelope(name) }).await;
    }
    let got = reserve(&stage, ask(9, vec![known("a"), known("b")])).await;
    let mut names: Vec<_> = got.iter().map(|job| job.envelope.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
}
