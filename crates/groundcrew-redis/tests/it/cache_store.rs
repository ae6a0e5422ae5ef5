//! What a real Redis knows of the changes of a key.

use std::time::Duration;

use groundcrew_cache::{Change, SharedStore, Stored, Version};
use groundcrew_testkit::redis::{Redis as Server, Reply};

use crate::support::{config, connect, crew, metric, server, within};

const SOON: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);
const KEY: &str = "cache:parcels:north";

fn stored(bytes: &str, expires_in: Duration) -> Stored {
    Stored { bytes: bytes.into(), expires_in }
}

/// Puts bytes for a minute, or removes what is there; over a version if one was seen.
async fn change(store: &SharedStore, bytes: Option<&str>, over: Option<&Version>) -> Option<Version> {
    let stored = bytes.map(|bytes| stored(bytes, MINUTE));
    let change = Change { stored, known_for: MINUTE, over: over.cloned() };
    store.change(KEY, change, SOON).await.expect("an answer")
}

async fn seen(store: &SharedStore) -> (Option<Vec<u8>>, Version) {
    let found = store.get(KEY, SOON).await.expect("an answer");
    (found.stored.map(|stored| stored.bytes), found.version)
}

async fn number(server: &Server, words: &[&str]) -> i64 {
    match server.command(words).await.expect("an answer") {
        Reply::Integer(number) => number,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_change_is_made_over_what_was_seen_and_not_over_what_came_since() {
    let server = server().await;
    let (here, there) =
        (connect(server.url()).await.cache_store(), connect(server.url()).await.cache_store());
    let (nothing, none) = seen(&here).await;
    assert_eq!((nothing, &none), (None, &Version::default()));
    let first = change(&there, Some("first"), Some(&none)).await.expect("nobody was there");
    assert_eq!(seen(&here).await.1.mark, first.mark);
    assert_eq!(change(&here, Some("late"), Some(&none)).await, None, "it began before");

    let second = change(&here, Some("second"), Some(&first)).await.expect("over what was seen");
    assert_ne!(first.mark, second.mark);
    assert_eq!(change(&there, Some("late"), Some(&first)).await, None);
    let removed = change(&here, None, None).await.expect("a removal asks for nothing");
    assert_eq!(seen(&here).await.0, None);
    assert_eq!(change(&here, Some("late"), Some(&second)).await, None, "a removal is a change");
    assert_eq!(change(&here, Some("late"), Some(&none)).await, None);
    assert!(change(&here, Some("third"), Some(&removed)).await.is_some(), "it began after the removal");
    assert_eq!(seen(&there).await.0, Some(b"third".to_vec()));
}

#[tokio::test]
async fn what_has_expired_is_known_for_longer() {
    let server = server().await;
    let store = connect(server.url()).await.cache_store();
    let short = Duration::from_millis(50);
    let put = Change { stored: Some(stored("short", short)), known_for: MINUTE, over: None };
    store.change(KEY, put, SOON).await.expect("an answer");
    within(SOON, "expiry", || async {
        seen(&store).await.0.is_none().then_some(()).ok_or("it is still there")
    })
    .await;
    assert_eq!(change(&store, Some("late"), Some(&Version::default())).await, None);

    // A load's short value over it does not shorten that.
    let (_, version) = seen(&store).await;
    let known_for = version.known_for;
    let fill = Change { stored: Some(stored("short", short)), known_for, over: Some(version) };
    store.change(KEY, fill, SOON).await.expect("an answer").expect("it was made");
    assert!(number(&server, &["PTTL", KEY]).await > 30_000);
}

#[tokio::test]
async fn a_change_is_one_command_and_every_key_expires() {
    let server = server().await;
    let crew = crew();
    let store = config(server.url()).connect(&crew).await.expect("a handle").cache_store();
    let processed = || async {
        match server.command(&["INFO", "stats"]).await.expect("an answer") {
            Reply::Text(text) => {
                let line = text.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
                line.and_then(|number| number.trim().parse::<u64>().ok()).expect("a number")
            }
            other => panic!("{other:?}"),
        }
    };
    let before = processed().await;
    let version = change(&store, None, None).await.expect("made");
    change(&store, Some("second"), Some(&version)).await.expect("made");
    change(&store, Some("third"), None).await.expect("made");
    // The two of the script, and the `INFO` of before.
    assert_eq!(processed().await - before, 3 + 2 + 1);
    for (operation, count) in [("cache_put", 2), ("cache_remove", 1)] {
        let series =
            format!("redis_operations_total{{operation=\"{operation}\",pool=\"redis\",status=\"ok\"");
        assert_eq!(metric(&crew, &series), count, "{operation}");
    }
    assert!((1..=60_000).contains(&number(&server, &["PTTL", KEY]).await));
}

#[tokio::test]
async fn what_is_not_ours_gives_way() {
    let server = server().await;
    let store = connect(server.url()).await.cache_store();
    for rubbish in ["", "short", "longer than any header of ours is"] {
        server.command(&["SET", KEY, rubbish]).await.expect("an answer");
        let (nothing, version) = seen(&store).await;
        assert_eq!(nothing, None);
        assert!(change(&store, Some("ours"), Some(&version)).await.is_some(), "{rubbish:?}");
        assert_eq!(seen(&store).await.0, Some(b"ours".to_vec()));
    }
    server.command(&["DEL", KEY]).await.expect("an answer");
    server.command(&["LPUSH", KEY, "another type"]).await.expect("an answer");
    assert!(store.get(KEY, SOON).await.is_err());
    assert!(change(&store, Some("ours"), Some(&Version::default())).await.is_some());
    assert_eq!(seen(&store).await.0, Some(b"ours".to_vec()));
}

#[tokio::test]
async fn a_server_that_is_full_still_removes() {
    let server = server().await;
    let store = connect(server.url()).await.cache_store();
    change(&store, Some("first"), None).await.expect("made");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await.expect("an answer");
    let put = Change { stored: Some(stored("second", MINUTE)), known_for: MINUTE, over: None };
    assert!(store.change(KEY, put, SOON).await.is_err(), "it is full");
    change(&store, None, None).await.expect("removed");
    assert_eq!(number(&server, &["EXISTS", KEY]).await, 0);
}
