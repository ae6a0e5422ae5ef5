//! A cache over a store that processes share.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_cache::{Cache, CacheConfig, RemoveError, SharedStore};
use groundcrew_runtime::Crew;
use groundcrew_telemetry::Context;
use tokio::time::Instant;

use crate::support::{Load, Mood, Shelf, crew, metric, requests, settle};

const SECOND: Duration = Duration::from_secs(1);
const BUDGET: Duration = Duration::from_millis(100);

fn over(crew: &Crew, shelf: &Arc<Shelf>) -> Cache<u32> {
    let config = CacheConfig { jitter: 0, ..CacheConfig::default() };
    config.named("parcels").over(shelf.clone() as SharedStore).build(crew).expect("a cache")
}

async fn ask(cache: &Cache<u32>, load: &Load) -> u32 {
    let load = load.clone();
    let value = cache.get_or_load(&"north", move || load.run()).await.expect("a value");
    settle().await;
    value
}

#[tokio::test(start_paused = true)]
async fn what_one_process_loads_another_finds() {
    let (shelf, load) = (Shelf::new(), Load::open());
    let (one, two) = (crew(), crew());
    let (here, there) = (over(&one, &shelf), over(&two, &shelf));
    assert_eq!((ask(&here, &load).await, ask(&there, &load).await), (1, 1));
    assert_eq!(load.count(), 1);
    assert_eq!((requests(&one, "miss"), requests(&two, "hit")), (1, 1));
    let asked = shelf.asked();
    ask(&there, &load).await;
    assert_eq!(shelf.asked(), asked, "from memory");
}

#[tokio::test(start_paused = true)]
async fn the_key_says_service_cache_version_and_hash() {
    let shelf = Shelf::new();
    ask(&over(&crew(), &shelf), &Load::open()).await;
    let key = shelf.kept.lock().keys().next().expect("one").clone();
    assert!(key.starts_with("cache:parcels:parcels:v1:") && key.len() == 25 + 32, "{key}");
}

#[tokio::test(start_paused = true)]
async fn another_version_does_not_read_the_values_of_this_one() {
    let (shelf, load) = (Shelf::new(), Load::open());
    ask(&over(&crew(), &shelf), &load).await;
    let next = CacheConfig::default().named("parcels").version(2).over(shelf.clone() as SharedStore);
    assert_eq!(ask(&next.build(&crew()).expect("a cache"), &load).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_removal_elsewhere_is_noticed_when_it_is_time_to_check() {
    let (shelf, load) = (Shelf::new(), Load::open());
    let (here, there) = (over(&crew(), &shelf), over(&crew(), &shelf));
    ask(&here, &load).await;
    ask(&there, &load).await;
    here.remove(&"north").await.expect("removed");
    assert_eq!(ask(&there, &load).await, 1, "not yet");
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(ask(&there, &load).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_the_store_holds_as_stale_is_served_and_renewed() {
    let (shelf, load) = (Shelf::new(), Load::open());
    ask(&over(&crew(), &shelf), &load).await;
    tokio::time::advance(310 * SECOND).await;
    let crew = crew();
    let other = over(&crew, &shelf);
    assert_eq!(ask(&other, &load).await, 1);
    assert_eq!((load.count(), requests(&crew, "stale")), (2, 1));
    assert_eq!(ask(&other, &load).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_a_miss() {
    let (shelf, load) = (Shelf::new(), Load::open());
    ask(&over(&crew(), &shelf), &load).await;
    for bytes in [&b""[..], b"GC\x01", b"GC\x02\0\0\0\0 1", b"GC\x01\0\0\0\0{\"not\":\"a number\"}"] {
        for kept in shelf.kept.lock().values_mut() {
            kept.bytes = Some(bytes.to_vec());
        }
        let before = load.count();
        ask(&over(&crew(), &shelf), &load).await;
        assert_eq!(load.count(), before + 1);
    }
}

// Field note: Redis down: the cache fails open within a 50-100 ms budget, with a metric.
#[tokio::test(start_paused = true)]
async fn a_silent_store_costs_the_budget_once_and_then_nothing() {
    let (shelf, crew, load) = (Shelf::new(), crew(), Load::open());
    let cache = over(&crew, &shelf);
    shelf.turn(Mood::Silent);
    let started = Instant::now();
    for n in 0..100 {
        let load = load.clone();
        cache.get_or_load(&n, move || load.run()).await.expect("a value");
    }
    settle().await;
    let took = started.elapsed();
    assert!(took <= BUDGET + Duration::from_millis(1), "{took:?} for all hundred together");
    assert_eq!((shelf.asked(), metric(&crew, "cache_store_errors_total")), (1, 1));
    assert_eq!(requests(&crew, "bypass"), 100);

    // After the pause one call tries, and pays for it.
    tokio::time::advance(SECOND).await;
    let started = Instant::now();
    let calls = (100..200).map(|n| {
        let (cache, load) = (cache.clone(), load.clone());
        async move { cache.get_or_load(&n, move || load.run()).await.expect("a value") }
    });
    futures_util::future::join_all(calls).await;
    assert!(started.elapsed() <= BUDGET + Duration::from_millis(1));
    assert_eq!(shelf.asked(), 2);

    shelf.turn(Mood::Well);
    tokio::time::advance(SECOND).await;
    ask(&cache, &load).await;
    assert_eq!(requests(&crew, "miss"), 1, "it is asked again");
}

#[tokio::test(start_paused = true)]
async fn without_the_pause_every_call_would_pay_for_a_silent_store() {
    let (shelf, crew, load) = (Shelf::new(), crew(), Load::open());
    let config = CacheConfig { pause: Duration::ZERO, ..CacheConfig::default() };
    let cache = config.named("parcels").over(shelf.clone() as SharedStore).build(&crew).expect("a cache");
    shelf.turn(Mood::Silent);
    let started = Instant::now();
    for n in 0..10 {
        let load = load.clone();
        cache.get_or_load(&n, move || load.run()).await.expect("a value");
    }
    assert!(started.elapsed() >= 10 * BUDGET, "control");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_value_that_is_due_to_be_checked_is_served_when_the_store_is_silent() {
    let (shelf, crew, load) = (Shelf::new(), crew(), Load::open());
    let cache = over(&crew, &shelf);
    ask(&cache, &load).await;
    shelf.turn(Mood::Silent);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(ask(&cache, &load).await, 1);
    assert_eq!((load.count(), requests(&crew, "bypass")), (1, 1));
    ask(&cache, &load).await;
    assert_eq!(requests(&crew, "hit"), 1, "and is not due again at once");
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_time_is_not_held_up_and_does_not_speak_against_the_store() {
    let (shelf, crew, load) = (Shelf::new(), crew(), Load::open());
    let cache = over(&crew, &shelf);
    shelf.turn(Mood::Silent);
    let context = Context::random().with_timeout(Duration::from_millis(1)).into_arc();
    let started = Instant::now();
    assert_eq!(context.scope(cache.get(&"north")).await, None);
    assert!(started.elapsed() < BUDGET);
    shelf.turn(Mood::Well);
    ask(&cache, &load).await;
    assert_eq!(requests(&crew, "miss"), 1, "the store is asked at once");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_is_counted_and_in_nobodys_way() {
    let (shelf, crew, load) = (Shelf::new(), crew(), Load::open());
    let cache = over(&crew, &shelf);
    shelf.turn(Mood::Refusing);
    let started = Instant::now();
    assert_eq!(ask(&cache, &load).await, 1);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(metric(&crew, "cache_store_errors_total"), 2, "the get and the put");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_the_store_does_not_hear_of_is_told() {
    let (shelf, load) = (Shelf::new(), Load::open());
    let cache = over(&crew(), &shelf);
    ask(&cache, &load).await;
    shelf.turn(Mood::Silent);
    let error = cache.remove(&"north").await.unwrap_err();
    assert!(matches!(error, RemoveError::Store { .. }), "{error}");
    assert_eq!(cache.get(&"north").await, None, "here it is gone");
}
