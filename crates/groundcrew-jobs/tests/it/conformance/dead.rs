//! Jobs that nobody tries any more: listed, run again, thrown away.

use super::*;

async fn bury(stage: &Stage, name: &'static str) -> Envelope {
    bury_this(stage, name, envelope(name)).await
}

/// Enqueues a job of this name, and lets it die.
async fn bury_this(stage: &Stage, name: &'static str, job: Envelope) -> Envelope {
    assert_eq!(enqueue(stage, job.clone()).await, Enqueued::New(job.id));
    let got = one(stage, name).await;
    settle(stage, &got, Ending::Dead { failure: failure("hopeless") }).await;
    job
}

pub(crate) async fn dead_jobs_are_listed_with_their_history_and_shown_with_their_payload(stage: Stage) {
    let (first, second) = (bury(&stage, "a").await, bury(&stage, "b").await);
    let dead = stage.backend.dead(DeadQuery::default()).await.expect("dead");
    let ids: Vec<_> = dead.iter().map(|job| job.id).collect();
    assert_eq!(ids, [second.id, first.id], "the latest first");
    assert_eq!((dead[0].cause(), dead[0].attempts, &dead[0].payload), ("hopeless", 1, &None));
    let query = DeadQuery { id: Some(first.id), payload: true, ..DeadQuery::default() };
    let shown = stage.backend.dead(query).await.expect("dead").remove(0);
    assert_eq!(shown.payload, Some(first.payload));
    let of_a = stage.backend.dead(DeadQuery::default().name("a")).await.expect("dead");
    assert_eq!(of_a.len(), 1);
    let page = DeadQuery::default().before(dead[0].died_at).limit(1);
    assert_eq!(stage.backend.dead(page).await.expect("dead")[0].id, first.id);
    assert!(reserve(&stage, ask(9, vec![known("a"), known("b")])).await.is_empty());
}

pub(crate) async fn dead_jobs_run_again_with_all_attempts_when_requeued(stage: Stage) {
    bury(&stage, "a").await;
    let other = bury(&stage, "b").await;
    assert_eq!(stage.backend.requeue(Selection::all().name("a")).await, Ok(1));
    let again = reserve(&stage, ask(9, vec![known("a"), known("b")])).await;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].envelope.attempts, again[0].envelope.history.len()), (0, 1), "the history stays");
    assert_eq!(stage.backend.requeue(Selection::id(other.id)).await, Ok(1));
    assert_eq!(stage.backend.requeue(Selection::id(other.id)).await, Ok(0), "it is not dead any more");
}

pub(crate) async fn dead_jobs_are_discarded_in_bulk_and_others_are_not(stage: Stage) {
    bury(&stage, "a").await;
    bury(&stage, "a").await;
    enqueue(&stage, envelope("a")).await;
    assert_eq!(stage.backend.discard(Selection::all()).await, Ok(2));
    assert_eq!((stage.dead().await.len(), stage.live().await), (0, 1));
}

pub(crate) async fn dead_jobs_are_swept_when_they_are_too_old(stage: Stage) {
    bury(&stage, "a").await;
    let keep = |dead| Retention { dead, effects: Duration::from_secs(60) };
    stage.backend.sweep(keep(Duration::from_secs(60))).await.expect("swept");
    assert_eq!(stage.dead().await.len(), 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    stage.backend.sweep(keep(Duration::ZERO)).await.expect("swept");
    assert_eq!(stage.dead().await.len(), 0);
}

fn unique_by(name: &str, key: &str, window: Option<Duration>) -> Envelope {
    Envelope { unique: Some(Unique { key: key.to_owned(), window }), ..envelope(name) }
}

fn unique(name: &str) -> Envelope {
    unique_by(name, "k", None)
}

async fn bury_unique(stage: &Stage) -> Envelope {
    bury_this(stage, "a", unique("a")).await
}

pub(crate) async fn a_unique_job_that_is_requeued_has_its_key_again(stage: Stage) {
    let job = bury_unique(&stage).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1));
    assert_eq!(enqueue(&stage, unique("a")).await, Enqueued::Duplicate(job.id), "it waits");
    let got = one(&stage, "a").await;
    assert_eq!(enqueue(&stage, unique("a")).await, Enqueued::Duplicate(job.id), "it runs");
    settle(&stage, &got, Ending::Done).await;
    assert!(matches!(enqueue(&stage, unique("a")).await, Enqueued::New(_)), "it is over");
}

pub(crate) async fn a_dead_job_whose_unique_key_another_one_has_stays_dead(stage: Stage) {
    let (first, second) = (bury_unique(&stage).await, bury_unique(&stage).await);
    bury(&stage, "b").await;
    let third = unique("a");
    assert_eq!(enqueue(&stage, third.clone()).await, Enqueued::New(third.id));
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1), "the one without a key");
    settle(&stage, &one(&stage, "a").await, Ending::Done).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1), "one of the two with the key");
    assert_eq!(one(&stage, "a").await.envelope.id, first.id);
    let dead: Vec<_> = stage.dead().await.iter().map(|job| job.id).collect();
    assert_eq!(dead, [second.id]);
}

pub(crate) async fn a_dead_job_whose_unique_key_is_in_the_window_of_another_one_stays_dead(stage: Stage) {
    let first = bury_unique(&stage).await;
    enqueue(&stage, unique_by("a", "k", Some(HOUR))).await;
    settle(&stage, &one(&stage, "a").await, Ending::Done).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(0));
    let dead: Vec<_> = stage.dead().await.iter().map(|job| job.id).collect();
    assert_eq!(dead, [first.id]);
}

pub(crate) async fn a_requeue_leaves_the_window_of_a_unique_job_what_it_is(stage: Stage) {
    let job = bury_this(&stage, "a", unique_by("a", "k", Some(HOUR))).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1));
    settle(&stage, &one(&stage, "a").await, Ending::Done).await;
    assert_eq!(enqueue(&stage, unique("a")).await, Enqueued::Duplicate(job.id));
}

/// It began when the job was enqueued, and is over.
pub(crate) async fn a_requeue_begins_no_window_anew(stage: Stage) {
    let brief = Some(Duration::from_secs(1));
    bury_this(&stage, "a", unique_by("a", "k", brief)).await;
    let is_free = || async { matches!(enqueue(&stage, unique("a")).await, Enqueued::New(_)) };
    until("the window is over", is_free).await;
    settle(&stage, &one(&stage, "a").await, Ending::Done).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1));
    settle(&stage, &one(&stage, "a").await, Ending::Done).await;
    assert!(is_free().await, "the job is over, too");
}

pub(crate) async fn a_requeue_takes_the_unique_keys_of_those_alone_that_are_selected(stage: Stage) {
    let (first, other) = (bury_unique(&stage).await, bury_this(&stage, "b", unique("b")).await);
    bury_this(&stage, "a", unique_by("a", "l", None)).await;
    assert_eq!(stage.backend.requeue(Selection::all().name("b")).await, Ok(1));
    assert_eq!(stage.backend.requeue(Selection::id(first.id)).await, Ok(1));
    let new = unique_by("a", "l", None);
    assert_eq!(enqueue(&stage, new.clone()).await, Enqueued::New(new.id));
    for job in [first, other] {
        assert_eq!(enqueue(&stage, unique(&job.name)).await, Enqueued::Duplicate(job.id));
    }
}
