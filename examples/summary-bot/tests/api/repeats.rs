//! `Idempotency-Key` on schedules and webhooks: done once, or refused where secrets are answered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::http::Answer;
use crate::service::{Bot, Fixture, PATIENCE, file};

const SCHEDULES: &str = "/api/v1/schedules";
const WEBHOOKS: &str = "/api/v1/webhooks";
const KEYS: &str = "/api/v1/keys";
const JSON: (&str, &str) = ("content-type", "application/json");

fn schedule() -> Value {
    json!({
        "name": "the week", "guild_id": "175928847299117063", "channels": ["175928847299117064"],
        "timing": {"kind": "weekly"}, "destinations": [{"channel": "175928847299117065"}],
    })
}

fn post(bot: &Bot, path: &str, key: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    bot.call("POST", path, &[JSON, ("idempotency-key", key)], body.as_bytes())
}

/// Sends the same twice: it is answered the same, the second time from what was kept.
fn twice(bot: &Bot, path: &str, key: &str, body: &Value) -> Answer {
    let [first, again] = [(); 2].map(|()| post(bot, path, key, body));
    let replayed = [&first, &again].map(|answer| answer.header("idempotency-replayed"));
    assert_eq!(replayed, [None, Some("true")], "{path}: {}", again.body);
    assert_eq!((first.status, &first.body), (again.status, &again.body), "{path}");
    assert_eq!(first.header("location"), again.header("location"), "{path}");
    again
}

fn count(bot: &Bot, path: &str) -> usize {
    bot.get(path).json()["items"].as_array().expect("a list").len()
}

/// How often a schedule has run, which fails without Discord, as soon as nothing of it is left to run.
async fn runs(bot: &Fixture, path: &str) -> Value {
    let file = file(&bot.folder).await;
    let select = "SELECT count(*) FROM groundcrew_jobs WHERE name = 'summarize_channels'";
    let deadline = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>(select).fetch_one(&file).await.expect("a count") > 0 {
        assert!(Instant::now() < deadline, "it goes on running");
        tokio::time::sleep(Duration::from_millis(20)).await; // a pause between two looks
    }
    bot.get(path).json()["failures"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_run_paused_and_resumed_once_for_each_key() {
    let bot = Fixture::start().await;
    let made = twice(&bot, SCHEDULES, "make", &schedule());
    assert_eq!((made.status, count(&bot, SCHEDULES)), (201, 1));
    let path = made.header("location").expect("its path");
    let run = format!("{path}/run");
    assert_eq!(twice(&bot, &run, "run", &Value::Null).status, 202);
    assert_eq!(runs(&bot, path).await, 1);
    // The control: another key is another run.
    assert_eq!(post(&bot, &run, "another", &Value::Null).status, 202);
    assert_eq!(runs(&bot, path).await, 2);
    for (what, state) in [("pause", "paused"), ("resume", "waiting")] {
        let answer = twice(&bot, &format!("{path}/{what}"), what, &Value::Null);
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!(state)));
    }
    // Sent once more, what is over is answered as it was, and is not done again.
    assert_eq!(post(&bot, &format!("{path}/pause"), "pause", &Value::Null).json()["state"], "paused");
    assert_eq!(bot.get(path).json()["state"], "waiting");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_was_made_and_not_answered_is_found_under_its_id() {
    let bot = Fixture::start().await;
    let made = post(&bot, SCHEDULES, "make", &schedule()).json();
    // As if the process had died after it had made the schedule, and before it had kept the answer.
    let died = sqlx::query("UPDATE replays SET status = NULL, body = NULL, claimed_ms = 0");
    died.execute(&file(&bot.folder).await).await.expect("an update");
    let again = post(&bot, SCHEDULES, "make", &schedule());
    assert_eq!((again.status, &again.json()["id"]), (201, &made["id"]), "{}", again.body);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_about_a_schedule_or_a_webhook_go_with_it() {
    let bot = Fixture::with(|config| config.webhooks.allow_private = true).await;
    let schedule = post(&bot, SCHEDULES, "make", &schedule());
    let schedule = schedule.header("location").expect("its path");
    post(&bot, &format!("{schedule}/pause"), "pause", &Value::Null);
    let new = json!({"url": "http://127.0.0.1:9/"}).to_string();
    let webhook = bot.call("POST", WEBHOOKS, &[JSON], new.as_bytes());
    let webhook = webhook.header("location").expect("its path");
    post(&bot, &format!("{webhook}/enable"), "enable", &Value::Null);
    let file = file(&bot.folder).await;
    let kept = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM replays").fetch_one(&file).await.expect("a count")
    };
    assert_eq!(kept().await, 3);
    assert_eq!((bot.delete(schedule).status, kept().await), (204, 1));
    assert_eq!((bot.delete(webhook).status, kept().await), (204, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_secrets_are_sent_or_answered_the_header_is_refused() {
    let bot = Fixture::with(|config| config.webhooks.allow_private = true).await;
    let new = json!({"url": "http://127.0.0.1:9/"});
    let made = bot.call("POST", WEBHOOKS, &[JSON], new.to_string().as_bytes());
    let path = made.header("location").expect("its path");
    let secret = format!("{path}/secret");
    for (path, body) in [
        (WEBHOOKS, new),
        (secret.as_str(), Value::Null),
        (KEYS, json!({"name": "the backup", "scopes": ["summaries:read"]})),
    ] {
        let refused = post(&bot, path, "a-key", &body);
        assert_eq!((refused.status, refused.code().as_str()), (400, "IDEMPOTENCY_KEY_REFUSED"), "{path}");
    }
    assert_eq!((count(&bot, WEBHOOKS), count(&bot, KEYS)), (1, 0), "nothing was done");
    assert_eq!(bot.get(path).json()["previous_secret_until"], Value::Null);
    // Tokens look after themselves.
    let refresh = json!({"refresh_token": "gcr_of_nobody"});
    assert_ne!(post(&bot, "/api/v1/auth/refresh", "a-key", &refresh).code(), "IDEMPOTENCY_KEY_REFUSED");
    // What is answered to this is no secret.
    assert_eq!(twice(&bot, &format!("{path}/enable"), "enable", &Value::Null).status, 200);
    bot.land().await;
}
