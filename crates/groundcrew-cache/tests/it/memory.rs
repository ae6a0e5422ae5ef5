//! A cache of this process alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groundcrew_cache::{Cache, CacheConfig, LoadError};
use groundcrew_runtime::Crew;
use groundcrew_telemetry::{Context, current};

use crate::support::{Load, crew, metric, requests, settle};

const SECOND: Duration = Duration::from_secs(1);

fn cache(crew: &Crew) -> Cache<u32> {
    CacheConfig { jitter: 0, ..CacheConfig::default() }.named("parcels").build(crew).expect("a cache")
}

async fn ask(cache: &Cache<u32>, load: &Load) -> u32 {
    let load = load.clone();
    cache.get_or_load(&"north", move || load.run()).await.expect("a value")
}

#[tokio::test(start_paused = true)]
async fn a_value_is_loaded_once_and_kept_until_it_expires() {
    let (crew, load) = (crew(), Load::open());
    let cache = cache(&crew);
    assert_eq!((ask(&cache, &load).await, ask(&cache, &load).await), (1, 1));
    assert_eq!(cache.get(&"north").await, Some(1));
    tokio::time::advance(361 * SECOND).await;
    assert_eq!(cache.get(&"north").await, None);
    assert_eq!(ask(&cache, &load).await, 2);
    assert_eq!((requests(&crew, "miss"), requests(&crew, "hit")), (3, 2));
    assert_eq!(metric(&crew, "cache_entries{"), 1);
    assert_eq!(metric(&crew, "cache_load_duration_seconds_count"), 2);
}

// Field note: stampede. Single-flight on a spawned task.
#[tokio::test(start_paused = true)]
async fn five_hundred_callers_share_one_load() {
    let crew = crew();
    let (cache, load, naive) = (cache(&crew), Load::held(), Load::held());
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let (cache, load) = (cache.clone(), load.clone());
            tokio::spawn(async move { ask(&cache, &load).await })
        })
        .collect();
    // Control: the same without sharing, as a `get` followed by a load and a `put` does it.
    let naive_cache: Cache<u32> = CacheConfig::default().named("naive").build(&crew).expect("a cache");
    let without: Vec<_> = (0..500)
        .map(|_| {
            let (cache, load) = (naive_cache.clone(), naive.clone());
            tokio::spawn(async move {
                if cache.get(&"north").await.is_none() {
                    let value = load.run().await.expect("a value");
                    cache.put(&"north", value).await.expect("put");
                }
            })
        })
        .collect();
    settle().await;
    load.release();
    naive.release();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic"), 1);
    }
    for caller in without {
        caller.await.expect("no panic");
    }
    assert_eq!(load.count(), 1);
    assert_eq!(naive.count(), 500, "control: everybody loads");
}

// Field note: a cancelled first caller must not kill it.
#[tokio::test(start_paused = true)]
async fn the_first_caller_may_go_away() {
    let (cache, load) = (cache(&crew()), Load::held());
    let first = tokio::spawn({
        let (cache, load) = (cache.clone(), load.clone());
        async move { ask(&cache, &load).await }
    });
    settle().await;
    let second = tokio::spawn({
        let (cache, load) = (cache.clone(), load.clone());
        async move { ask(&cache, &load).await }
    });
    settle().await;
    first.abort();
    settle().await;
    load.release();
    assert_eq!(second.await.expect("no panic"), 1);
    assert_eq!(load.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_for_all_who_wait_and_the_next_one_loads_again() {
    let crew = crew();
    let cache = cache(&crew);
    let gate = Arc::new(tokio::sync::Notify::new());
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let (cache, gate) = (cache.clone(), gate.clone());
            tokio::spawn(async move {
                let load = move || async move {
                    gate.notified().await;
                    panic!("on purpose");
                    #[expect(unreachable_code, reason = "it names the type")]
                    Ok::<u32, std::io::Error>(0)
                };
                cache.get_or_load(&"north", load).await
            })
        })
        .collect();
    settle().await;
    gate.notify_one();
    for waiter in waiters {
        let error = waiter.await.expect("the panic stays where it was").unwrap_err();
        assert!(matches!(&error, LoadError::Panicked { message, .. } if message == "on purpose"), "{error}");
    }
    assert_eq!(ask(&cache, &Load::open()).await, 1);
    let at_once = || -> std::future::Ready<Result<u32, std::io::Error>> { panic!("before the future") };
    assert!(matches!(cache.get_or_load(&"south", at_once).await, Err(LoadError::Panicked { .. })));
    assert_eq!(metric(&crew, "cache_load_failures_total"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_cause_and_not_kept() {
    let cache = cache(&crew());
    let failing = || async { Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no depot")) };
    let error = cache.get_or_load(&"north", failing).await.unwrap_err();
    let cause = error.downcast_ref::<std::io::Error>().expect("the cause");
    assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(std::error::Error::source(&error).expect("a source").to_string(), "no depot");
    assert_eq!(ask(&cache, &Load::open()).await, 1);
    // As anyhow has it.
    let failing = || async { Err(anyhow::anyhow!("no depot either")) };
    assert!(matches!(cache.get_or_load(&"south", failing).await, Err(LoadError::Failed { .. })));
}

// Field note: stale-while-revalidate.
#[tokio::test(start_paused = true)]
async fn an_expired_value_is_served_while_one_load_renews_it() {
    let crew = crew();
    let cache = cache(&crew);
    ask(&cache, &Load::open()).await;
    tokio::time::advance(301 * SECOND).await;
    let load = Load::held();
    for _ in 0..20 {
        assert_eq!(ask(&cache, &load).await, 1, "at once, and the old one");
    }
    settle().await;
    assert_eq!(load.count(), 1);
    load.release();
    settle().await;
    assert_eq!(requests(&crew, "stale"), 20);
    ask(&cache, &load).await;
    assert_eq!(requests(&crew, "hit"), 1, "renewed");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_leaves_the_stale_value_and_is_tried_once_per_second() {
    let cache = cache(&crew());
    ask(&cache, &Load::open()).await;
    tokio::time::advance(301 * SECOND).await;
    let tried = Arc::new(AtomicU32::new(0));
    let failing = || {
        let tried = tried.clone();
        move || async move {
            tried.fetch_add(1, Ordering::SeqCst);
            Err::<u32, _>(std::io::Error::other("no"))
        }
    };
    for _ in 0..50 {
        assert_eq!(cache.get_or_load(&"north", failing()).await.expect("the old one"), 1);
        settle().await;
    }
    assert_eq!(tried.load(Ordering::SeqCst), 1);
    tokio::time::advance(2 * SECOND).await;
    cache.get_or_load(&"north", failing()).await.expect("the old one");
    settle().await;
    assert_eq!(tried.load(Ordering::SeqCst), 2);
    tokio::time::advance(60 * SECOND).await;
    assert!(cache.get_or_load(&"north", failing()).await.is_err(), "too old to be served");
}

#[tokio::test(start_paused = true)]
async fn that_there_is_nothing_is_remembered_for_a_shorter_time() {
    let crew = crew();
    let cache: Cache<Option<u32>> =
        CacheConfig::default().named("parcels").absent(Option::is_none).build(&crew).expect("a cache");
    let asked = Arc::new(AtomicU32::new(0));
    let find = || {
        let asked = asked.clone();
        move || async move {
            asked.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(None)
        }
    };
    for _ in 0..5 {
        assert_eq!(cache.get_or_load(&7, find()).await.expect("an answer"), None);
    }
    assert_eq!((asked.load(Ordering::SeqCst), requests(&crew, "negative")), (1, 4));
    tokio::time::advance(34 * SECOND).await;
    assert_eq!(cache.get_or_load(&7, find()).await.expect("an answer"), None);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "neither fresh nor served stale");
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_or_put_while_it_is_loaded_is_not_overwritten_by_the_load() {
    let cache = cache(&crew());
    for put in [false, true] {
        let load = Load::held();
        let waiting = tokio::spawn({
            let (cache, load) = (cache.clone(), load.clone());
            async move { ask(&cache, &load).await }
        });
        settle().await;
        if put {
            cache.put(&"north", 99).await.expect("put");
        } else {
            cache.remove(&"north").await.expect("removed");
        }
        load.release();
        assert_eq!(waiting.await.expect("no panic"), 1, "whoever waited gets it");
        assert_eq!(cache.get(&"north").await, put.then_some(99));
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_no_longer_than_its_request_and_the_load_goes_on() {
    let (cache, load) = (cache(&crew()), Load::held());
    let context = Context::random().with_timeout(Duration::from_millis(50)).into_arc();
    let late = {
        let load = load.clone();
        context.scope(cache.get_or_load(&"north", move || load.run())).await
    };
    assert!(matches!(late, Err(LoadError::TimedOut { .. })), "{late:?}");
    load.release();
    settle().await;
    assert_eq!(cache.get(&"north").await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_load_has_the_callers_ids_and_a_deadline_of_its_own() {
    let cache: Cache<String> = CacheConfig::default().named("parcels").build(&crew()).expect("a cache");
    let context = Context::random().with_timeout(SECOND).into_arc();
    let id = context.request_id().to_string();
    let load = || async {
        let context = current().expect("a context");
        let left = context.remaining().expect("a deadline");
        assert!(left > 20 * SECOND, "{left:?}: not that of the caller, who is only the first");
        Ok::<_, std::io::Error>(context.request_id().to_string())
    };
    assert_eq!(context.scope(cache.get_or_load(&"north", load)).await.expect("a value"), id);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_never_ends_is_ended() {
    let cache = cache(&crew());
    let never = || std::future::pending::<Result<u32, std::io::Error>>();
    assert!(matches!(cache.get_or_load(&"north", never).await, Err(LoadError::TimedOut { .. })));
    assert_eq!(ask(&cache, &Load::open()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_json_are_an_error_and_not_one_key_for_all() {
    let cache = cache(&crew());
    let args = std::collections::HashMap::from([((1, 2), 3)]);
    let load = Load::open();
    let error = cache.get_or_load(&args, move || load.run()).await.unwrap_err();
    assert!(matches!(error, LoadError::Key(_)), "{error}");
}
