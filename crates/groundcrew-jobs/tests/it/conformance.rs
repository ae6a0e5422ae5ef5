//! What the worker relies on in a backend, call by call: the same tests for each.

mod dead;
mod rates;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use groundcrew_jobs::{
    Ask, Beat, DeadQuery, Delivery, Ending, Enqueued, Envelope, Failure, FailureKind, Known, NewJob,
    Priority, Retention, Selection, Settlement, State, Unique, When,
};

use self::dead::*;
use self::rates::*;
use self::versions::*;
use crate::stage::{Stage, envelope, until};

fn known(name: &'static str) -> Known {
    Known::new(name, 1)
}

fn ask(max: usize, known: Vec<Known>) -> Ask {
    Ask { max, known, lease: Duration::from_secs(60), worker: "test".into() }
}

async fn enqueue(stage: &Stage, envelope: Envelope) -> Enqueued {
    let job = NewJob { envelope, when: When::Now };
    stage.backend.enqueue(&[job]).await.remove(0).expect("enqueued")
}

async fn reserve(stage: &Stage, ask: Ask) -> Vec<Delivery> {
    let began = std::time::Instant::now();
    let mut got = stage.backend.reserve(&ask).await.expect("reserved");
    while got.len() < ask.max && began.elapsed() < stage.patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let rest = Ask { max: ask.max - got.len(), ..ask.clone() };
        got.extend(stage.backend.reserve(&rest).await.expect("reserved"));
    }
    got
}

/// The next one, however long a broker takes.
async fn one(stage: &Stage, name: &'static str) -> Delivery {
    let ask = ask(1, vec![known(name)]);
    let next = async {
        loop {
            if let Some(delivery) = reserve(stage, ask.clone()).await.pop() {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), next).await.expect("a job comes")
}

async fn settle(stage: &Stage, delivery: &Delivery, ending: Ending) {
    let delivery = Arc::new(delivery.clone());
    stage.backend.settle(vec![Settlement { delivery, ending, checkpoint: None }]).await.expect("settled");
}

fn failure(cause: &str) -> Failure {
    Failure { attempt: 1, at: jiff::Timestamp::now(), kind: FailureKind::Error, cause: cause.to_owned() }
}

pub(crate) async fn a_job_is_reserved_by_one_and_is_over_when_done(stage: Stage) {
    let job = envelope("a");
    assert_eq!(enqueue(&stage, job.clone()).await, Enqueued::New(job.id));
    let got = reserve(&stage, ask(9, vec![known("a")])).await;
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].envelope.id, &got[0].envelope.payload), (job.id, &job.payload));
    assert!(reserve(&stage, ask(9, vec![known("a")])).await.is_empty(), "it is taken");
    settle(&stage, &got[0], Ending::Done).await;
    assert_eq!(stage.live().await, 0);
}

pub(crate) async fn the_whole_envelope_comes_back_as_it_went(stage: Stage) {
    let job = Envelope {
        key: Some("k'\"".to_owned()),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        payload: r#"{"nul":"\u0000","text":"ä"}"#.to_owned(),
        priority: Priority::High,
        max_attempts: 7,
        ..envelope("a")
    };
    enqueue(&stage, job.clone()).await;
    let got = one(&stage, "a").await.envelope;
    let micros = |at: jiff::Timestamp| at.as_microsecond();
    assert_eq!(micros(got.enqueued_at), micros(job.enqueued_at));
    assert_eq!(Envelope { enqueued_at: job.enqueued_at, ..got }, job);
}

pub(crate) async fn the_same_id_twice_is_one_job(stage: Stage) {
    let job = envelope("a");
    enqueue(&stage, job.clone()).await;
    assert_eq!(enqueue(&stage, job.clone()).await, Enqueued::New(job.id));
    assert_eq!(stage.count(State::Ready).await, 1);
}

pub(crate) async fn an_unknown_name_and_a_newer_version_wait(stage: Stage) {
    enqueue(&stage, envelope("stranger")).await;
    enqueue(&stage, Envelope { version: 2, ..envelope("a") }).await;
    assert!(reserve(&stage, ask(9, vec![known("a")])).await.is_empty());
    let newer = Known { version: 2, ..known("a") };
    assert_eq!(reserve(&stage, ask(9, vec![newer, known("stranger")])).await.len(), 2);
}

pub(crate) async fn higher_priorities_and_older_jobs_come_first(stage: Stage) {
    let mut expected = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        let job = Envelope { priority, ..envelope("a") };
        expected.insert(0, job.id);
        enqueue(&stage, job).await;
    }
    let later = Envelope { priority: Priority::Low, ..envelope("a") };
    expected.push(later.id);
    enqueue(&stage, later).await;
    let mut got = Vec::new();
    for _ in 0..4 {
        got.extend(reserve(&stage, ask(1, vec![known("a")])).await.iter().map(|job| job.envelope.id));
    }
    assert_eq!(got, expected);
}

pub(crate) async fn a_job_that_is_handed_back_keeps_its_place(stage: Stage) {
    let jobs = [(); 3].map(|()| envelope("a"));
    for job in &jobs {
        enqueue(&stage, job.clone()).await;
    }
    let got = reserve(&stage, ask(2, vec![known("a")])).await;
    for delivery in &got {
        settle(&stage, delivery, Ending::HandedBack { after: Duration::ZERO }).await;
    }
    let again = reserve(&stage, ask(2, vec![known("a")])).await;
    let ids = |got: &[Delivery]| got.iter().map(|job| job.envelope.id).collect::<Vec<_>>();
    assert_eq!((ids(&got), ids(&again)), (vec![jobs[0].id, jobs[1].id], vec![jobs[0].id, jobs[1].id]));
}

pub(crate) async fn a_job_with_a_key_that_is_handed_back_keeps_its_place(stage: Stage) {
    let jobs = [(); 2].map(|()| Envelope { key: Some("k".to_owned()), ..envelope("a") });
    for job in &jobs {
        enqueue(&stage, job.clone()).await;
    }
    let first = one(&stage, "a").await;
    settle(&stage, &first, Ending::HandedBack { after: Duration::ZERO }).await;
    assert_eq!(one(&stage, "a").await.envelope.id, jobs[0].id);
}

/// Health and metrics tell how long jobs have been waiting.
pub(crate) async fn a_delayed_job_that_is_handed_back_has_not_waited_while_it_was_not_due(stage: Stage) {
    let envelope = Envelope { enqueued_at: jiff::Timestamp::UNIX_EPOCH, ..envelope("a") };
    let when = When::In(Duration::from_millis(100));
    stage.backend.enqueue(&[NewJob { envelope, when }]).await.remove(0).expect("enqueued");
    settle(&stage, &one(&stage, "a").await, Ending::HandedBack { after: Duration::ZERO }).await;
    let stats = stage.backend.stats().await.expect("stats");
    let ready = stats.iter().find(|stat| stat.state == State::Ready).expect("it is ready");
    assert!(ready.oldest < Duration::from_secs(60), "{:?}", ready.oldest);
}

pub(crate) async fn a_delayed_job_waits_for_its_time(stage: Stage) {
    let jobs = [When::In(Duration::from_secs(3600)), When::In(Duration::from_millis(400))];
    let jobs = jobs.map(|when| NewJob { envelope: envelope("a"), when });
    stage.backend.enqueue(&jobs).await;
    assert_eq!(stage.count(State::Scheduled).await, 2);
    until("it is due", || async { reserve(&stage, ask(9, vec![known("a")])).await.len() == 1 }).await;
    assert_eq!(stage.count(State::Scheduled).await, 1);
}

pub(crate) async fn a_retry_costs_an_attempt_and_a_snooze_and_a_hand_back_do_not(stage: Stage) {
    enqueue(&stage, envelope("a")).await;
    let again = Duration::ZERO;
    let endings = [
        (Ending::Snoozed { after: again }, 0),
        (Ending::HandedBack { after: again }, 0),
        (Ending::Retry { after: again, failure: failure("first") }, 1),
        (Ending::Retry { after: again, failure: failure("second") }, 2),
    ];
    for (ending, attempts) in endings {
        let got = one(&stage, "a").await;
        settle(&stage, &got, ending).await;
        let next = one(&stage, "a").await;
        assert_eq!((next.envelope.attempts, next.envelope.crashes), (attempts, 0));
        settle(&stage, &next, Ending::Snoozed { after: again }).await;
    }
    let last = one(&stage, "a").await;
    let causes: Vec<_> = last.envelope.history.iter().map(|failure| failure.cause.as_str()).collect();
    assert_eq!(causes, ["first", "second"]);
}

pub(crate) async fn a_job_whose_lease_ends_comes_again_with_a_crash(stage: Stage) {
    enqueue(&stage, envelope("a")).await;
    let brief = Ask { lease: Duration::from_millis(20), ..ask(1, vec![known("a")]) };
    let lost = reserve(&stage, brief).await.remove(0);
    let mut again = Vec::new();
    let again = {
        until("it comes again", || {
            let got = reserve(&stage, ask(1, vec![known("a")]));
            async { got.await.pop().is_some_and(|job| job.envelope.crashes == 1) }
        })
        .await;
        again.push(stage.count(State::Running).await);
        again
    };
    assert_eq!(again, [1]);
    // What the worker says that lost it is not believed.
    settle(&stage, &lost, Ending::Done).await;
    assert_eq!(stage.live().await, 1);
    let beat = Beat { id: lost.envelope.id, token: lost.token, checkpoint: None, progress: None };
    let gone = stage.backend.heartbeat(vec![beat], Duration::from_secs(60)).await.expect("beat");
    assert_eq!(gone, [lost.envelope.id]);
}

pub(crate) async fn a_heartbeat_keeps_the_lease_and_saves_the_checkpoint(stage: Stage) {
    enqueue(&stage, envelope("a")).await;
    let lease = Duration::from_millis(300);
    let got = reserve(&stage, Ask { lease, ..ask(1, vec![known("a")]) }).await.remove(0);
    let beat = |lease| {
        let (id, token) = (got.envelope.id, got.token);
        let (checkpoint, progress) = (Some("42".to_owned()), Some((7, "so far".to_owned())));
        stage.backend.heartbeat(vec![Beat { id, token, checkpoint, progress }], lease)
    };
    assert_eq!(beat(Duration::from_secs(60)).await, Ok(vec![]));
    tokio::time::sleep(lease).await;
    assert!(reserve(&stage, ask(1, vec![known("a")])).await.is_empty(), "the lease was prolonged");
    assert_eq!(beat(Duration::ZERO).await, Ok(vec![]));
    let again = one(&stage, "a").await;
    assert_eq!(again.envelope.checkpoint.as_deref(), Some("42"));
}

pub(crate) async fn a_job_that_may_fail_as_often_as_it_likes_is_retried_and_holds_up_no_other(stage: Stage) {
    let ever = Envelope { max_attempts: u32::MAX, ..envelope("a") };
    let jobs = [ever, envelope("b")].map(|envelope| NewJob { envelope, when: When::Now });
    assert!(stage.backend.enqueue(&jobs).await.iter().all(Result::is_ok));
    let got = reserve(&stage, ask(9, vec![known("a"), known("b")])).await;
    assert_eq!(got.len(), 2);
    let first = got.iter().find(|job| job.envelope.name == "a").expect("it is there");
    settle(&stage, first, Ending::Retry { after: Duration::ZERO, failure: failure("first") }).await;
    assert_eq!(one(&stage, "a").await.envelope.attempts, 1);
}

pub(crate) async fn a_checkpoint_survives_a_hand_back(stage: Stage) {
    enqueue(&stage, envelope("a")).await;
    let delivery = Arc::new(one(&stage, "a").await);
    let ending = Ending::HandedBack { after: Duration::ZERO };
    let checkpoint = Some("[1,2]".to_owned());
    stage.backend.settle(vec![Settlement { delivery, ending, checkpoint }]).await.expect("settled");
    let again = one(&stage, "a").await;
    assert_eq!(again.envelope.checkpoint.as_deref(), Some("[1,2]"));
}

pub(crate) async fn jobs_with_one_key_run_one_after_another(stage: Stage) {
    for key in ["x", "x", "y"] {
        enqueue(&stage, Envelope { key: Some(key.to_owned()), ..envelope("a") }).await;
    }
    let got = reserve(&stage, ask(9, vec![known("a")])).await;
    assert_eq!(got.len(), 2, "one of each key");
    assert!(reserve(&stage, ask(9, vec![known("a")])).await.is_empty());
    for delivery in &got {
        settle(&stage, delivery, Ending::Done).await;
    }
    assert_eq!(reserve(&stage, ask(9, vec![known("a")])).await.len(), 1);
}

pub(crate) async fn a_full_key_with_a_long_queue_does_not_hide_the_others(stage: Stage) {
    let mut jobs: Vec<_> =
        (0..700).map(|_| Envelope { key: Some("x".to_owned()), ..envelope("a") }).collect();
    jobs.push(Envelope { key: Some("y".to_owned()), ..envelope("a") });
    let jobs: Vec<_> = jobs.into_iter().map(|envelope| NewJob { envelope, when: When::Now }).collect();
    stage.backend.enqueue(&jobs).await;
    let got = reserve(&stage, ask(9, vec![known("a")])).await;
    let mut keys: Vec<_> = got.iter().filter_map(|job| job.envelope.key.as_deref()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["x", "y"]);
}

pub(crate) async fn a_global_limit_holds_over_all_workers(stage: Stage) {
    for _ in 0..5 {
        enqueue(&stage, envelope("a")).await;
    }
    let two = Known { global: Some(2), ..known("a") };
    assert_eq!(reserve(&stage, ask(9, vec![two.clone()])).await.len(), 2);
    assert!(reserve(&stage, ask(9, vec![two])).await.is_empty());
    let free = Known { free: Some(1), ..known("a") };
    assert_eq!(reserve(&stage, ask(9, vec![free])).await.len(), 1, "the limit of this worker alone");
}

/// Nothing refills within a test.
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn a_unique_job_is_there_once_until_it_is_over(stage: Stage) {
    let unique = Some(Unique { key: "k".to_owned(), window: None });
    let first = Envelope { unique: unique.clone(), ..envelope("a") };
    let job = || Envelope { unique: unique.clone(), ..envelope("a") };
    enqueue(&stage, first.clone()).await;
    assert_eq!(enqueue(&stage, job()).await, Enqueued::Duplicate(first.id));
    let other = enqueue(&stage, Envelope { unique: unique.clone(), ..envelope("b") }).await;
    assert!(matches!(other, Enqueued::New(_)), "another name is another matter");
    let got = one(&stage, "a").await;
    assert_eq!(enqueue(&stage, job()).await, Enqueued::Duplicate(first.id), "it runs");
    settle(&stage, &got, Ending::Done).await;
    assert!(matches!(enqueue(&stage, job()).await, Enqueued::New(_)));
}

pub(crate) async fn a_unique_job_in_one_batch_is_there_once(stage: Stage) {
    let unique = Some(Unique { key: "k".to_owned(), window: None });
    let job = || NewJob { envelope: Envelope { unique: unique.clone(), ..envelope("a") }, when: When::Now };
    let done = stage.backend.enqueue(&[job(), job()]).await;
    let first = done[0].clone().expect("enqueued").id();
    assert_eq!(done[1], Ok(Enqueued::Duplicate(first)));
}

pub(crate) async fn a_unique_window_outlives_the_job(stage: Stage) {
    let window = Some(Duration::from_secs(3));
    let unique = Some(Unique { key: "k".to_owned(), window });
    let job = || Envelope { unique: unique.clone(), ..envelope("a") };
    let first = enqueue(&stage, job()).await.id();
    let got = one(&stage, "a").await;
    settle(&stage, &got, Ending::Done).await;
    assert_eq!(enqueue(&stage, job()).await, Enqueued::Duplicate(first), "within the window");
    until("the window is over", || async { matches!(enqueue(&stage, job()).await, Enqueued::New(_)) }).await;
}

pub(crate) async fn two_workers_at_once_get_every_job_once(stage: Stage) {
    let jobs: Vec<_> = (0..200).map(|_| NewJob { envelope: envelope("a"), when: When::Now }).collect();
    stage.backend.enqueue(&jobs).await;
    let take = || async {
        let mut got = Vec::new();
        loop {
            let some = reserve(&stage, ask(7, vec![known("a")])).await;
            if some.is_empty() && stage.count(State::Ready).await == 0 {
                return got;
            }
            got.extend(some.into_iter().map(|job| job.envelope.id));
        }
    };
    let (mut one, other) = tokio::join!(take(), take());
    one.extend(other);
    one.sort_unstable();
    one.dedup();
    assert_eq!(one.len(), 200);
}

/// Every test of this module, for one backend.
macro_rules! for_backend {
    ($backend:ident, $open:path, $($test:ident),+ $(,)?) => {
        mod $backend {
            $(
                #[tokio::test]
                async fn $test() {
                    let limit = std::time::Duration::from_secs(60);
                    let test = async { super::$test($open().await).await };
                    tokio::time::timeout(limit, test).await.expect("the test ends within a minute");
                }
            )+
        }
    };
}

macro_rules! all_tests {
    ($backend:ident, $open:path) => {
        for_backend!(
            $backend,
            $open,
            a_job_is_reserved_by_one_and_is_over_when_done,
            the_whole_envelope_comes_back_as_it_went,
            the_same_id_twice_is_one_job,
            an_unknown_name_and_a_newer_version_wait,
            a_long_queue_of_a_newer_version_does_not_hide_older_jobs_of_a_limited_name,
            a_long_queue_of_a_newer_version_does_not_hide_older_jobs_with_a_key,
            higher_priorities_and_older_jobs_come_first,
            a_job_that_is_handed_back_keeps_its_place,
            a_job_with_a_key_that_is_handed_back_keeps_its_place,
            a_delayed_job_that_is_handed_back_has_not_waited_while_it_was_not_due,
            a_delayed_job_waits_for_its_time,
            a_retry_costs_an_attempt_and_a_snooze_and_a_hand_back_do_not,
            a_job_that_may_fail_as_often_as_it_likes_is_retried_and_holds_up_no_other,
            a_job_whose_lease_ends_comes_again_with_a_crash,
            a_heartbeat_keeps_the_lease_and_saves_the_checkpoint,
            a_checkpoint_survives_a_hand_back,
            jobs_with_one_key_run_one_after_another,
            a_full_key_with_a_long_queue_does_not_hide_the_others,
            a_global_limit_holds_over_all_workers,
            a_global_rate_holds_over_all_workers_and_jobs_over_it_wait_untouched,
            a_rate_refills,
            a_rate_of_a_key_leaves_other_keys_and_jobs_without_one_alone,
            a_key_over_its_rate_with_a_long_queue_does_not_hide_the_others,
            two_workers_at_once_do_not_exceed_a_rate,
            a_sweep_forgives_nothing_that_is_owed,
            a_rate_that_was_changed_holds_nobody_up_by_what_is_owed_to_the_old_one,
            a_unique_job_is_there_once_until_it_is_over,
            a_unique_job_in_one_batch_is_there_once,
            a_unique_window_outlives_the_job,
            dead_jobs_are_listed_with_their_history_and_shown_with_their_payload,
            dead_jobs_run_again_with_all_attempts_when_requeued,
            a_unique_job_that_is_requeued_has_its_key_again,
            a_dead_job_whose_unique_key_another_one_has_stays_dead,
            a_dead_job_whose_unique_key_is_in_the_window_of_another_one_stays_dead,
            a_requeue_leaves_the_window_of_a_unique_job_what_it_is,
            a_requeue_begins_no_window_anew,
            a_requeue_takes_the_unique_keys_of_those_alone_that_are_selected,
            dead_jobs_are_discarded_in_bulk_and_others_are_not,
            dead_jobs_are_swept_when_they_are_too_old,
            two_workers_at_once_get_every_job_once,
        );
    };
}

all_tests!(memory, crate::memory::open);
#[cfg(feature = "sqlite")]
all_tests!(sqlite, crate::database::sqlite::open);
#[cfg(feature = "postgres")]
all_tests!(postgres, crate::database::postgres::open);
#[cfg(feature = "amqp")]
for_backend!(
    rabbitmq,
    crate::amqp::open,
    a_job_is_reserved_by_one_and_is_over_when_done,
    a_delayed_job_waits_for_its_time,
    a_retry_costs_an_attempt_and_a_snooze_and_a_hand_back_do_not,
    a_checkpoint_survives_a_hand_back,
    dead_jobs_are_listed_with_their_history_and_shown_with_their_payload,
    dead_jobs_run_again_with_all_attempts_when_requeued,
    dead_jobs_are_discarded_in_bulk_and_others_are_not,
    dead_jobs_are_swept_when_they_are_too_old,
);
