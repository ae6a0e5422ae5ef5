//! What is older does not come back over what is newer.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_cache::{Cache, CacheConfig, SharedStore};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::support::{Load, Mood, Shelf, crew, settle};

const SECOND: Duration = Duration::from_secs(1);

/// A replica of a service, without jitter.
fn replica(shelf: &Arc<Shelf>) -> Cache<u32> {
    replica_with(shelf, &CacheConfig::default())
}

fn replica_with(shelf: &Arc<Shelf>, config: &CacheConfig) -> Cache<u32> {
    let config = CacheConfig { jitter: 0, ..config.clone() };
    config.named("parcels").over(shelf.clone() as SharedStore).build(&crew()).expect("a cache")
}

fn begin(cache: &Cache<u32>, load: &Load) -> JoinHandle<u32> {
    let (cache, load) = (cache.clone(), load.clone());
    tokio::spawn(async move { cache.get_or_load(&"north", move || load.run()).await.expect("a value") })
}

async fn ask(cache: &Cache<u32>, load: &Load) -> u32 {
    let value = begin(cache, load).await.expect("no panic");
    settle().await;
    value
}

#[tokio::test(start_paused = true)]
async fn a_put_that_the_store_does_not_hear_of_is_not_undone_by_what_the_store_has() {
    let (shelf, load) = (Shelf::new(), Load::open());
    let (here, there) = (replica(&shelf), replica(&shelf));
    here.put(&"north", 10).await.expect("put");
    shelf.turn(Mood::Silent);
    here.put(&"north", 20).await.expect("put");
    shelf.turn(Mood::Well);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(ask(&here, &load).await, 1, "loaded, since 20 is to be checked and 10 is older");
    assert_eq!(ask(&there, &load).await, 1, "and so it is for the others");
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(here.get(&"north").await, Some(1), "the store is believed again");
    assert_eq!(load.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_put_while_the_store_is_left_alone_is_not_undone_either() {
    let shelf = Shelf::new();
    let here = replica(&shelf);
    here.put(&"north", 10).await.expect("put");
    shelf.turn(Mood::Silent);
    assert_eq!(here.get(&"south").await, None, "and from now on nobody asks");
    let asked = shelf.asked();
    here.put(&"north", 20).await.expect("put");
    assert_eq!(shelf.asked(), asked);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(here.get(&"north").await, Some(20), "as long as the store says nothing");
    shelf.turn(Mood::Well);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(here.get(&"north").await, None, "and not 10");
}

#[tokio::test(start_paused = true)]
async fn a_put_that_is_given_up_is_not_undone_either() {
    let shelf = Shelf::new();
    let here = replica(&shelf);
    here.put(&"north", 10).await.expect("put");
    shelf.turn(Mood::Silent);
    let gone = tokio::time::timeout(Duration::from_millis(1), here.put(&"north", 20)).await;
    assert!(gone.is_err());
    shelf.turn(Mood::Well);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(here.get(&"north").await, None, "and not 10");
}

#[tokio::test(start_paused = true)]
async fn a_value_whose_removal_the_store_does_not_hear_of_is_not_read_again() {
    let shelf = Shelf::new();
    let (here, there) = (replica(&shelf), replica(&shelf));
    here.put(&"north", 10).await.expect("put");
    shelf.turn(Mood::Silent);
    assert!(here.remove(&"north").await.is_err());
    shelf.turn(Mood::Well);
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(here.get(&"north").await, None);
    assert_eq!(there.get(&"north").await, None, "whoever knows better tells the others");
}

#[tokio::test(start_paused = true)]
async fn more_than_can_be_remembered_is_not_believed_either() {
    let shelf = Shelf::new();
    let here = replica_with(&shelf, &CacheConfig { max_entries: 3, ..CacheConfig::default() });
    for n in 0..10 {
        here.put(&n, 10).await.expect("put");
    }
    shelf.turn(Mood::Silent);
    for n in 0..10 {
        assert!(here.remove(&n).await.is_err());
    }
    shelf.turn(Mood::Well);
    tokio::time::advance(2 * SECOND).await;
    for n in 0..10 {
        assert_eq!(here.get(&n).await, None, "{n}");
    }
    // What was there has expired by now, and a new value is believed.
    tokio::time::advance(400 * SECOND).await;
    replica(&shelf).put(&0, 20).await.expect("put");
    assert_eq!(here.get(&0).await, Some(20));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_too_large_for_the_store_takes_the_smaller_one_along() {
    let shelf = Shelf::new();
    let replica = || {
        let config = CacheConfig::default().named::<String>("labels");
        config.over(shelf.clone() as SharedStore).build(&crew()).expect("a cache")
    };
    let (here, there) = (replica(), replica());
    here.put(&"north", "small".to_owned()).await.expect("put");
    here.put(&"north", "x".repeat(2 << 20)).await.expect("put");
    assert_eq!(there.get(&"north").await, None);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(here.get(&"north").await, None, "and not the smaller one");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_began_before_a_removal_elsewhere_is_not_stored() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let (here, there) = (replica(&shelf), replica(&shelf));
    let waiting = begin(&there, &late);
    settle().await;
    here.remove(&"north").await.expect("removed");
    late.release();
    assert_eq!(waiting.await.expect("no panic"), 1, "whoever waited gets it");
    settle().await;
    assert_eq!(here.get(&"north").await, None, "and nobody else");
    assert_eq!(ask(&there, &late).await, 2, "it is not served again where it was loaded");
    assert_eq!(here.get(&"north").await, Some(2), "a load that began later is stored");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_began_before_a_put_elsewhere_does_not_replace_it() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let (here, there) = (replica(&shelf), replica(&shelf));
    let waiting = begin(&there, &late);
    settle().await;
    here.put(&"north", 99).await.expect("put");
    late.release();
    assert_eq!(waiting.await.expect("no panic"), 1);
    settle().await;
    assert_eq!(replica(&shelf).get(&"north").await, Some(99));
    assert_eq!(ask(&there, &late).await, 99, "the store is asked at once");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_began_before_a_removal_elsewhere_is_not_stored() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let (here, there) = (replica(&shelf), replica(&shelf));
    here.put(&"north", 10).await.expect("put");
    tokio::time::advance(310 * SECOND).await;
    assert_eq!(ask(&there, &late).await, 10, "stale");
    here.remove(&"north").await.expect("removed");
    late.release();
    settle().await;
    assert_eq!(here.get(&"north").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_put_is_remembered_for_longer_than_it_lives() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let short = CacheConfig { ttl: SECOND, stale: Duration::ZERO, ..CacheConfig::default() };
    let (here, there) = (replica_with(&shelf, &short), replica_with(&shelf, &short));
    let waiting = begin(&there, &late);
    settle().await;
    here.put(&"north", 99).await.expect("put");
    tokio::time::advance(5 * SECOND).await;
    late.release();
    assert_eq!(waiting.await.expect("no panic"), 1);
    settle().await;
    assert_eq!(here.get(&"north").await, None, "99 has expired, and what is older is not there instead");
}

#[tokio::test(start_paused = true)]
async fn a_short_lived_load_does_not_make_a_removal_forgotten() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let short = CacheConfig { ttl: SECOND, stale: Duration::ZERO, ..CacheConfig::default() };
    let (here, there) = (replica_with(&shelf, &short), replica_with(&shelf, &short));
    let waiting = begin(&there, &late);
    settle().await;
    here.remove(&"north").await.expect("removed");
    assert_eq!(ask(&here, &Load::open()).await, 1);
    tokio::time::advance(5 * SECOND).await;
    late.release();
    waiting.await.expect("no panic");
    settle().await;
    assert_eq!(here.get(&"north").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_load_past_a_silent_store_does_not_overtake_a_removal() {
    let (shelf, late) = (Shelf::new(), Load::held());
    let (here, there) = (replica(&shelf), replica(&shelf));
    shelf.turn(Mood::Silent);
    let waiting = begin(&there, &late);
    settle().await;
    tokio::time::advance(SECOND).await;
    settle().await;
    assert_eq!(late.count(), 1, "it runs, and has seen nothing of the store");
    shelf.turn(Mood::Well);
    here.remove(&"north").await.expect("removed");
    tokio::time::advance(2 * SECOND).await;
    late.release();
    assert_eq!(waiting.await.expect("no panic"), 1);
    settle().await;
    assert_eq!(here.get(&"north").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_while_the_store_is_asked_is_not_kept() {
    let shelf = Shelf::new();
    let here = replica(&shelf);
    replica(&shelf).put(&"north", 10).await.expect("put");
    let gate = Arc::new(Semaphore::new(0));
    *shelf.gate.lock() = Some(gate.clone());
    let asking = tokio::spawn({
        let here = here.clone();
        async move { here.get(&"north").await }
    });
    settle().await;
    here.remove(&"north").await.expect("removed");
    gate.close();
    assert_eq!(asking.await.expect("no panic"), Some(10), "it was there when it was asked for");
    assert_eq!(here.get(&"north").await, None);
}
