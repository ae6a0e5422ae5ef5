//! What a limiter does while its shared store cannot answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use groundcrew_limit::{
    Decision, InProcess, LimitConfig, LimitError, LimitStore, Limiter, Quota, StoreError,
};
use groundcrew_runtime::Crew;
use groundcrew_telemetry::Context;
use parking_lot::Mutex;
use tokio::time::Instant;

const BUDGET: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Answers,
    Fails,
    Hangs,
}

/// A store whose server can be switched.
#[derive(Debug)]
struct Moody {
    mood: Mutex<Mood>,
    counts: InProcess,
    calls: AtomicUsize,
}

impl Moody {
    fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self { mood: Mutex::new(mood), counts: InProcess::new(1_000), calls: AtomicUsize::new(0) })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl LimitStore for Moody {
    fn take<'a>(
        &'a self,
        key: &'a str,
        quota: &'a Quota,
        cost: u32,
    ) -> BoxFuture<'a, Result<Decision, StoreError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock();
        Box::pin(async move {
            match mood {
                Mood::Answers => Ok(self.counts.take(key, quota, cost)),
                Mood::Fails => Err(StoreError::new("connection refused")),
                Mood::Hangs => std::future::pending().await,
            }
        })
    }
}

fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

fn config(max_requests: u32) -> LimitConfig {
    LimitConfig { store_budget: BUDGET, ..LimitConfig::of(max_requests, HOUR) }
}

// Field note: Redis down, cache and limiter fail open within a 50-100 ms budget, with a metric.
#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_costs_its_budget_three_times_and_then_nothing() {
    let (crew, store) = (crew(), Moody::new(Mood::Hangs));
    let limiter = config(1_000).limiter_over("labels", &crew, store.clone()).expect("a limiter");
    for _ in 0..3 {
        let began = Instant::now();
        assert!(limiter.take("north").await.allowed);
        assert!(began.elapsed() >= BUDGET && began.elapsed() < BUDGET * 2, "{:?}", began.elapsed());
    }
    let began = Instant::now();
    for _ in 0..500 {
        assert!(limiter.take("north").await.allowed);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(store.calls(), 3);
    let metrics = crew.metrics().encode();
    let timeouts = r#"rate_limit_store_errors_total{cause="timeout",limiter="labels",service="parcels"} 3"#;
    assert!(metrics.contains(timeouts), "{metrics}");
    assert!(
        metrics.contains(r#"rate_limit_fallbacks_total{limiter="labels",service="parcels"} 503"#),
        "{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn control_the_store_alone_keeps_its_caller_waiting() {
    let (store, quota) = (Moody::new(Mood::Hangs), config(1).quota().expect("a quota"));
    assert!(tokio::time::timeout(HOUR, store.take("north", &quota, 1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_outage_leaves_nobody_without_a_limit() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let limiter = config(10).limiter_over("labels", &crew(), Moody::new(mood)).expect("a limiter");
        let mut allowed = 0;
        for _ in 0..50 {
            allowed += usize::from(limiter.take("north").await.allowed);
        }
        assert_eq!(allowed, 10, "{mood:?}");
        assert!(limiter.take("south").await.allowed, "another key is not touched");
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_at_the_begin_of_an_outage_wait_for_one_budget_at_most() {
    let limiter = config(1_000).limiter_over("labels", &crew(), Moody::new(Mood::Hangs)).expect("a limiter");
    let began = Instant::now();
    let callers = (0..500).map(|_| limiter.take("north"));
    let allowed = futures_util::future::join_all(callers).await;
    assert!(allowed.iter().all(|decision| decision.allowed));
    assert!(began.elapsed() < BUDGET * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_one_call_a_second_tries_and_a_store_that_is_back_is_used_again() {
    let store = Moody::new(Mood::Fails);
    let limiter = config(1_000).limiter_over("labels", &crew(), store.clone()).expect("a limiter");
    for _ in 0..100 {
        limiter.take("north").await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert!((10..=14).contains(&store.calls()), "{} calls in 10 s", store.calls());

    *store.mood.lock() = Mood::Answers;
    tokio::time::advance(Duration::from_secs(1)).await;
    let calls = store.calls();
    for _ in 0..10 {
        limiter.take("north").await;
    }
    assert_eq!(store.calls() - calls, 10);
}

/// A limiter whose store may take long: a request's deadline is one of the real clock, and no machine is too slow for
/// half an hour.
fn patient(store: Arc<Moody>) -> Limiter {
    let config = LimitConfig { store_budget: HOUR, ..config(10) };
    config.limiter_over("labels", &crew(), store).expect("a limiter")
}

/// Takes a unit on behalf of a request that has so much time left.
async fn take_within(limiter: &Limiter, left: Duration) -> Decision {
    Context::random().with_timeout(left).into_arc().scope(limiter.take("north")).await
}

#[tokio::test(start_paused = true)]
async fn callers_with_little_time_left_do_not_keep_the_others_from_the_store() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let store = Moody::new(mood);
        let limiter = patient(store.clone());
        for _ in 0..5 {
            assert!(take_within(&limiter, HOUR / 2).await.allowed, "by this process's own count");
        }
        assert_eq!(store.calls(), 5);
        *store.mood.lock() = Mood::Answers;
        assert_eq!(limiter.take("north").await.remaining, 9, "{mood:?}: the store's count");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_little_time_left_waits_no_longer_than_that() {
    let (limiter, began) = (patient(Moody::new(Mood::Hangs)), Instant::now());
    take_within(&limiter, HOUR / 2).await;
    assert!(began.elapsed() < HOUR, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_time_is_over_leaves_the_try_at_a_store_to_others() {
    let store = Moody::new(Mood::Fails);
    let limiter = config(10).limiter_over("labels", &crew(), store.clone()).expect("a limiter");
    for _ in 0..3 {
        limiter.take("north").await;
    }
    *store.mood.lock() = Mood::Answers;
    tokio::time::advance(Duration::from_secs(1)).await;
    let calls = store.calls();
    take_within(&limiter, Duration::ZERO).await;
    assert_eq!(store.calls(), calls);
    assert_eq!(limiter.take("north").await.remaining, 9, "the store's count");
}

#[tokio::test(start_paused = true)]
async fn processes_over_one_store_share_one_quota() {
    let store = Moody::new(Mood::Answers);
    let one = config(10).limiter_over("labels", &crew(), store.clone()).expect("a limiter");
    let other = config(10).limiter_over("labels", &crew(), store.clone()).expect("a limiter");
    let mut allowed = 0;
    for _ in 0..20 {
        allowed += usize::from(one.take("north").await.allowed);
        allowed += usize::from(other.take("north").await.allowed);
    }
    assert_eq!(allowed, 10);
}

#[tokio::test(start_paused = true)]
async fn limiters_of_different_names_share_a_store_and_no_quota() {
    let (crew, store) = (crew(), Moody::new(Mood::Answers));
    let one = config(1).limiter_over("labels", &crew, store.clone()).expect("a limiter");
    let other = config(1).limiter_over("returns", &crew, store).expect("a limiter");
    assert!(one.take("north").await.allowed);
    assert!(other.take("north").await.allowed);
    assert!(!one.take("north").await.allowed);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_leaves_nothing_behind() {
    let store = Moody::new(Mood::Hangs);
    let limiter = config(10).limiter_over("labels", &crew(), store.clone()).expect("a limiter");
    for _ in 0..100 {
        let _gone = tokio::time::timeout(Duration::from_millis(1), limiter.take("north")).await;
    }
    *store.mood.lock() = Mood::Answers;
    assert_eq!(limiter.take("north").await.remaining, 9);
}

#[tokio::test(start_paused = true)]
async fn what_was_allowed_and_what_was_refused_is_counted_and_a_look_is_not() {
    let crew = crew();
    let limiter = config(2).limiter("labels", &crew).expect("a limiter");
    limiter.take_cost("north", 0).await;
    for _ in 0..5 {
        limiter.take("north").await;
    }
    let metrics = crew.metrics().encode();
    for (decision, count) in [("allowed", 2), ("refused", 3)] {
        let line = format!(
            r#"rate_limit_decisions_total{{decision="{decision}",limiter="labels",service="parcels"}} {count}"#
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(!metrics.contains("north"), "a key is never in the metrics");
}

#[tokio::test]
async fn a_second_limiter_of_the_same_name_is_refused_with_its_name() {
    let crew = crew();
    let _first = config(1).limiter("labels", &crew).expect("a limiter");
    let error = config(1).limiter("labels", &crew).expect_err("the name is taken");
    assert!(matches!(error, LimitError::Metrics { .. }));
    assert!(error.to_string().contains("`labels`"));
}
