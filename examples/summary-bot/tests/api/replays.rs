//! `Idempotency-Key`: sent again, answered as before, and done once.

use std::io::Write;

use serde_json::{Value, json};

use crate::service::http::{self, Answer};
use crate::service::jobs::{self, ASYNC};
use crate::service::{Fixture, SUMMARIES, conversation, file, wait_for};

const JSON: (&str, &str) = ("content-type", "application/json");

fn post(bot: &Fixture, key: &str, body: &str) -> Answer {
    bot.call("POST", SUMMARIES, &[JSON, ("idempotency-key", key)], body.as_bytes())
}

fn count(bot: &Fixture) -> usize {
    bot.get(SUMMARIES).json()["items"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_the_same_key_is_done_once() {
    let bot = Fixture::start().await;
    let body = conversation(&json!({}));
    let first = post(&bot, "a-key", &body);
    let again = post(&bot, "a-key", &body);
    // Quotes around it are the draft's way to write the same.
    let quoted = post(&bot, "\"a-key\"", &body);
    assert_eq!((first.status, again.status, quoted.status), (201, 201, 201));
    assert_eq!((&first.body, first.header("location")), (&again.body, again.header("location")));
    assert_eq!(first.body, quoted.body);
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        (None, Some("true"))
    );
    assert_eq!(count(&bot), 1);
    // Controls: another key, and none.
    post(&bot, "another-key", &body);
    bot.post("", &body);
    bot.post("", &body);
    assert_eq!(count(&bot), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_accepted_once() {
    let bot = Fixture::start().await;
    let body = conversation(&json!({}));
    let ask = || bot.call("POST", SUMMARIES, &[JSON, ASYNC, ("idempotency-key", "later")], body.as_bytes());
    let (first, again) = (ask(), ask());
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(again.header("preference-applied"), Some("respond-async"));
    jobs::outcome(bot.address, first.header("location").expect("a location"));
    assert_eq!(count(&bot), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_came_with_another_request_is_refused() {
    let bot = Fixture::start().await;
    let body = conversation(&json!({}));
    assert_eq!(post(&bot, "a-key", &body).status, 201);
    let other = post(&bot, "a-key", &conversation(&json!({"words": 40})));
    assert_eq!((other.status, other.code().as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let query = format!("{SUMMARIES}?words=40");
    let other = bot.call("POST", &query, &[JSON, ("idempotency-key", "a-key")], body.as_bytes());
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_given_again_too() {
    let bot = Fixture::start().await;
    let (first, again) = (post(&bot, "few", "[]"), post(&bot, "few", "[]"));
    assert_eq!((first.status, again.status), (422, 422));
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), Some("true")));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_under_way_it_is_not_begun_again_and_what_died_is_finished_under_its_own_id() {
    let bot = Fixture::start().await;
    let body = conversation(&json!({}));
    let made = post(&bot, "a-key", &body).json();
    let file = file(&bot.folder).await;
    // As if the process had died after it had stored the summary, and before it had kept the answer.
    let now = jiff::Timestamp::now().as_millisecond();
    let claim = "UPDATE replays SET status = NULL, body = NULL, claimed_ms = ?";
    sqlx::query(claim).bind(now).execute(&file).await.expect("an update");
    let answer = post(&bot, "a-key", &body);
    assert_eq!((answer.status, answer.code().as_str()), (409, "IDEMPOTENCY_KEY_IN_USE"));
    assert!(answer.header("retry-after").is_some() && answer.json()["retryable"] == true, "{}", answer.body);
    sqlx::query(claim).bind(0).execute(&file).await.expect("an update");
    let again = post(&bot, "a-key", &body);
    assert_eq!((again.status, again.json()["id"].clone()), (201, made["id"].clone()));
    assert_eq!(count(&bot), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_finds_the_answer_when_they_come_again() {
    let bot = Fixture::start().await;
    let body = jobs::long_conversation(40);
    let mut stream = http::connect(bot.address);
    let headers = [JSON, ("idempotency-key", "hung-up")];
    let head = http::head(bot.address, "POST", SUMMARIES, &headers, body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let begun = || bot.metric("summaries_in_progress{service=\"summary-bot\"}").filter(|count| *count > 0.0);
    wait_for("the work to begin", begun);
    drop(stream);
    let again = wait_for("the answer", || Some(post(&bot, "hung-up", &body)).filter(|it| it.status != 409));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(count(&bot), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused() {
    let bot = Fixture::start().await;
    let long = "k".repeat(256);
    for key in ["", "\"\"", "schlüssel", long.as_str()] {
        let answer = post(&bot, key, &conversation(&json!({})));
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("Idempotency-Key")), "{key}");
    }
    let twice = [JSON, ("idempotency-key", "one"), ("idempotency-key", "two")];
    assert_eq!(bot.call("POST", SUMMARIES, &twice, conversation(&json!({})).as_bytes()).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_not_given_again_and_keys_are_forgotten_in_time() {
    let bot = Fixture::with(|config| {
        config.api.keep_answers = std::time::Duration::from_secs(3600);
        config.api.housekeeping = std::time::Duration::from_millis(100);
    })
    .await;
    let body = conversation(&json!({}));
    let first = post(&bot, "a-key", &body).json();
    post(&bot, "an-old-key", &body);
    let path = format!("{SUMMARIES}/{}", first["id"].as_str().expect("an id"));
    assert_eq!(bot.delete(&path).status, 204);
    let file = file(&bot.folder).await;
    let kept = async |key: &str| -> i64 {
        let kept = sqlx::query_scalar("SELECT count(*) FROM replays WHERE key = ?").bind(key.to_owned());
        kept.fetch_one(&file).await.expect("a count")
    };
    assert_eq!((kept("a-key").await, kept("an-old-key").await), (0, 1), "its text is nowhere any more");
    sqlx::query("UPDATE replays SET created_ms = created_ms - 4000000")
        .execute(&file)
        .await
        .expect("an update");
    let deadline = std::time::Instant::now() + crate::service::PATIENCE;
    while kept("an-old-key").await > 0 {
        assert!(std::time::Instant::now() < deadline, "it is still there");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await; // a pause between two looks
    }
    assert_ne!(post(&bot, "an-old-key", &body).json()["id"], Value::Null);
}
