//! The same service on Postgres: what is said to clients does not depend on the backend.
#![cfg(unix)]

mod service;

use std::time::Duration;

use groundcrew_testkit::postgres::Postgres;
use serde_json::{Value, json};
use service::receiver::Receiver;
use service::{Bot, SAMPLE, SUMMARIES, at_url, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn summaries_are_kept_listed_and_deleted_on_postgres() {
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let bot = Bot::start(at_url(database.url())).await;
    let made = bot.post("?length=brief", SAMPLE);
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.header("location").expect("a location").to_owned();
    assert_eq!(bot.get(&path).json(), made.json());

    let ids: Vec<String> = (0..7).map(|n| bot.make(&format!("walk-{n}"))).collect();
    let mut seen: Vec<Value> = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = bot.get(&format!("{SUMMARIES}{query}")).json();
        seen.extend(page["items"].as_array().expect("a list").iter().map(|entry| entry["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={next}");
    }
    let newest_first: Vec<Value> =
        ids.iter().rev().map(|id| id.as_str().into()).chain([made.json()["id"].clone()]).collect();
    assert_eq!(seen, newest_first);

    assert_eq!(bot.delete(&path).status, 204);
    assert_eq!(bot.delete(&path).status, 404);
    let ready = wait_for("the first check", || Some(bot.get("/ready")).filter(|answer| answer.status == 200));
    assert_eq!(ready.json()["checks"]["database"]["status"], "healthy");
    bot.land().await;

    let again = Bot::start(at_url(database.url())).await;
    assert_eq!(again.get(SUMMARIES).json()["items"].as_array().map(Vec::len), Some(7));
    again.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_with_a_null_character_are_kept_on_postgres() {
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let bot = Bot::start(at_url(database.url())).await;
    let body =
        r#"[{"author": "a\u0000nna", "content": "We decided to ship the null\u0000character on Friday."}]"#;
    let made = bot.post("?min_messages=1", body);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(bot.get(made.header("location").expect("a location")).json(), made.json());
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_is_a_problem_and_not_a_hang() {
    let mut postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let bot = Bot::start(at_url(database.url())).await;
    let path = format!("{SUMMARIES}/{}", bot.make("before"));
    postgres.kill().expect("it is ours");
    for answer in [bot.get(&path), bot.get(SUMMARIES), bot.post("", SAMPLE), bot.delete(&path)] {
        assert_eq!((answer.status, answer.code().as_str()), (503, "STORAGE_UNAVAILABLE"));
        assert!(!answer.body.contains("postgres"), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_kept_and_told_on_postgres() {
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let mut config = at_url(database.url());
    config.webhooks.allow_private = true;
    config.webhooks.retry = Duration::from_millis(5);
    let (bot, receiver) = (Bot::start(config).await, Receiver::start());
    receiver.answers(["500 Oops"]);
    let json = [("content-type", "application/json")];
    let wish = json!({"url": receiver.url("/"), "events": ["summary.created"]}).to_string();
    let made = bot.call("POST", "/api/v1/webhooks", &json, wish.as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    let webhook = made.header("location").expect("a location").to_owned();
    let rotated = bot.call("POST", &format!("{webhook}/secret"), &[], b"").json();
    assert_eq!(bot.post("", SAMPLE).status, 201);
    let message = receiver.wait_for(2).remove(1);
    for secret in [&made.json()["secret"], &rotated["secret"]] {
        message.verify(secret.as_str().expect("a secret")).expect("our signature");
    }
    let log = || bot.get(&format!("{webhook}/deliveries")).json()["items"][0].clone();
    let delivery = wait_for("the delivery", || Some(log()).filter(|it| it["state"] == "succeeded"));
    let replay = format!("{webhook}/deliveries/{}/replay", delivery["id"].as_str().expect("an id"));
    assert_eq!(bot.call("POST", &replay, &[], b"").status, 202);
    receiver.wait_for(3);
    assert_eq!(bot.get("/api/v1/webhooks").json()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(bot.call("POST", &format!("{webhook}/enable"), &[], b"").status, 200);
    assert_eq!(bot.delete(&webhook).status, 204);
    let failed = bot.call("POST", SUMMARIES, &[service::jobs::ASYNC, json[0]], b"[]");
    let job = failed.header("location").expect("a job");
    wait_for("the end", || Some(bot.get(job).json()).filter(|job| job["state"] == "failed"));
    bot.land().await;
}
