//! How quick it is, with margins for an unoptimised build on a busy machine; `cargo xtask bench bot` measures.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::service::http;
use crate::service::{Fixture, SAMPLE, SUMMARIES};

const JSON: (&str, &str) = ("content-type", "application/json");

/// So many messages of the sample, as a request.
fn messages(count: usize) -> String {
    let export: Value = serde_json::from_str(SAMPLE).expect("JSON");
    let sample = export["messages"].as_array().expect("messages");
    let messages: Vec<&Value> = sample.iter().cycle().take(count).collect();
    serde_json::to_string(&messages).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_are_summarised_well_within_the_time_that_people_wait() {
    let bot = Fixture::start().await;
    bot.post("", &messages(50)); // the first one loads word lists
    let quickest = (0..5).map(|_| {
        let begun = Instant::now();
        assert_eq!(bot.post("", &messages(200)).status, 201);
        begun.elapsed()
    });
    let quickest = quickest.min().expect("five");
    assert!(quickest < Duration::from_secs(3), "{quickest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_are_all_answered() {
    let bot = Fixture::start().await;
    let (address, body) = (bot.address, messages(50));
    let begun = Instant::now();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ask = || http::call(address, "POST", SUMMARIES, &[JSON], body.as_bytes()).status;
        let asking: Vec<_> = (0..50).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!(statuses, [201; 50]);
    // 2500 messages: two and a half minutes' worth of what must be borne.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
