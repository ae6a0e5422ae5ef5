//! Limits of so many jobs within a time, for all workers together.

use groundcrew_jobs::JobRate;

use super::*;

fn rate(jobs: u32, within: Duration) -> JobRate {
    JobRate { jobs, within }
}

fn with_key(key: &str) -> Envelope {
    Envelope { key: Some(key.to_owned()), ..envelope("a") }
}

pub(crate) async fn a_global_rate_holds_over_all_workers_and_jobs_over_it_wait_untouched(stage: Stage) {
    for _ in 0..5 {
        enqueue(&stage, envelope("a")).await;
    }
    enqueue(&stage, envelope("b")).await;
    let three = Known { global_rate: Some(rate(3, HOUR)), ..known("a") };
    let first = reserve(&stage, ask(2, vec![three.clone()])).await;
    let second = reserve(&stage, ask(9, vec![three.clone(), known("b")])).await;
    assert_eq!((first.len(), second.len()), (2, 2), "one more, and of the other name");
    for done in first.iter().chain(&second) {
        settle(&stage, done, Ending::Done).await;
    }
    assert!(reserve(&stage, ask(9, vec![three])).await.is_empty(), "what is over has begun all the same");
    assert_eq!((stage.count(State::Ready).await, stage.live().await), (2, 2));
    let rest = reserve(&stage, ask(9, vec![known("a")])).await;
    assert!(rest.iter().all(|job| (job.envelope.attempts, job.envelope.crashes, job.token) == (0, 0, 1)));
}

pub(crate) async fn a_rate_refills(stage: Stage) {
    for _ in 0..5 {
        enqueue(&stage, envelope("a")).await;
        enqueue(&stage, with_key("x")).await;
    }
    let within = Duration::from_millis(400);
    let known = Known {
        per_key: 99,
        global_rate: Some(rate(4, within)),
        key_rate: Some(rate(2, within)),
        ..known("a")
    };
    let began = std::time::Instant::now();
    let got = std::cell::Cell::new(reserve(&stage, ask(99, vec![known.clone()])).await.len());
    assert_eq!(got.get(), 4);
    let got = &got;
    until("all have begun", || {
        let some = reserve(&stage, ask(99, vec![known.clone()]));
        async move {
            got.set(some.await.len() + got.get());
            got.get() == 10
        }
    })
    .await;
    // Ten, of which four at once and then one every tenth of a second.
    assert!(began.elapsed() >= Duration::from_millis(590), "{:?}", began.elapsed());
}

pub(crate) async fn a_rate_of_a_key_leaves_other_keys_and_jobs_without_one_alone(stage: Stage) {
    for key in ["x", "x", "x", "y", "y", "y", "quo'te\""] {
        enqueue(&stage, with_key(key)).await;
    }
    enqueue(&stage, envelope("a")).await;
    let two = Known { per_key: 99, key_rate: Some(rate(2, HOUR)), ..known("a") };
    let got = reserve(&stage, ask(99, vec![two.clone()])).await;
    let mut keys: Vec<_> = got.iter().map(|job| job.envelope.key.as_deref().unwrap_or("-")).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["-", "quo'te\"", "x", "x", "y", "y"]);
    assert!(reserve(&stage, ask(99, vec![two])).await.is_empty());
}

pub(crate) async fn a_key_over_its_rate_with_a_long_queue_does_not_hide_the_others(stage: Stage) {
    let two = Known { per_key: 99, key_rate: Some(rate(2, HOUR)), ..known("a") };
    let mut jobs: Vec<_> = (0..1500).map(|_| with_key("x")).collect();
    jobs.push(with_key("y"));
    jobs.push(envelope("b"));
    let jobs: Vec<_> = jobs.into_iter().map(|envelope| NewJob { envelope, when: When::Now }).collect();
    stage.backend.enqueue(&jobs).await;
    let mut got = reserve(&stage, ask(2, vec![two.clone()])).await;
    got.extend(reserve(&stage, ask(9, vec![two, known("b")])).await);
    let mut keys: Vec<_> = got.iter().map(|job| job.envelope.key.as_deref().unwrap_or("-")).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["-", "x", "x", "y"]);
}

pub(crate) async fn two_workers_at_once_do_not_exceed_a_rate(stage: Stage) {
    let key = |number: usize| ["x", "y"][number % 2];
    let jobs: Vec<_> =
        (0..200).map(|number| NewJob { envelope: with_key(key(number)), when: When::Now }).collect();
    stage.backend.enqueue(&jobs).await;
    let rated = Known {
        per_key: 999,
        global_rate: Some(rate(50, HOUR)),
        key_rate: Some(rate(20, HOUR)),
        ..known("a")
    };
    let take = || async {
        let mut got = Vec::new();
        // As often as there could be one more.
        for _ in 0..60 {
            got.extend(reserve(&stage, ask(3, vec![rated.clone()])).await);
        }
        got
    };
    let (mut got, other) = tokio::join!(take(), take());
    got.extend(other);
    let of = |key| got.iter().filter(|job| job.envelope.key.as_deref() == Some(key)).count();
    assert_eq!((of("x"), of("y")), (20, 20));
    // The control: without the rate they take the rest.
    let free = Known { global_rate: None, key_rate: None, ..rated };
    assert_eq!(reserve(&stage, ask(999, vec![free])).await.len(), 160);
}

pub(crate) async fn a_sweep_forgives_nothing_that_is_owed(stage: Stage) {
    for _ in 0..3 {
        enqueue(&stage, with_key("x")).await;
    }
    let one = Known { per_key: 99, key_rate: Some(rate(1, HOUR)), ..known("a") };
    assert_eq!(reserve(&stage, ask(9, vec![one.clone()])).await.len(), 1);
    let keep = Retention { dead: Duration::ZERO, effects: Duration::ZERO };
    stage.backend.sweep(keep).await.expect("swept");
    assert!(reserve(&stage, ask(9, vec![one])).await.is_empty());
}

pub(crate) async fn a_rate_that_was_changed_holds_nobody_up_by_what_is_owed_to_the_old_one(stage: Stage) {
    for _ in 0..4 {
        enqueue(&stage, with_key("x")).await;
    }
    let of = |jobs, within| Known {
        per_key: 99,
        global_rate: Some(rate(jobs, within)),
        key_rate: Some(rate(jobs, within)),
        ..known("a")
    };
    assert_eq!(reserve(&stage, ask(9, vec![of(1, HOUR)])).await.len(), 1);
    assert!(reserve(&stage, ask(9, vec![of(1, HOUR)])).await.is_empty());
    assert_eq!(reserve(&stage, ask(9, vec![of(2, Duration::from_secs(600))])).await.len(), 2);
}
