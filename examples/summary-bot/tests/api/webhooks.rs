//! `/api/v1/webhooks`: what receivers are told, and what their log tells of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::service::jobs::ASYNC;
use crate::service::receiver::Receiver;
use crate::service::{Bot, Fixture, wait_for};

const WEBHOOKS: &str = "/api/v1/webhooks";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Webhooks may lead to this machine.
async fn start() -> Fixture {
    Fixture::with(|config| {
        config.webhooks.allow_private = true;
        config.jobs.poll_period = Duration::from_millis(20);
    })
    .await
}

/// Makes a webhook; its path.
fn made(bot: &Bot, new: &Value) -> String {
    let answer = bot.call("POST", WEBHOOKS, &[JSON], new.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.header("location").expect("its path").to_owned()
}

fn log(bot: &Bot, webhook: &str) -> Vec<Value> {
    bot.get(&format!("{webhook}/deliveries")).json()["items"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_name_of_a_server_is_told_to_the_webhooks_of_that_server() {
    let bot = start().await;
    let [theirs, others] = [(); 2].map(|()| Receiver::start());
    let new = |receiver: &Receiver, guild: &str| {
        let url = receiver.url("/");
        json!({"url": url, "guild_id": guild, "events": ["summary.failed"]})
    };
    let (webhook, other) = (made(&bot, &new(&theirs, "1042")), made(&bot, &new(&others, "7")));
    let asked = json!({"guild_id": 1042, "messages": [{"author": "anna", "content": "The pump is broken."}]});
    let accepted = bot.call("POST", "/summarize", &[JSON, ASYNC], asked.to_string().as_bytes());
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let said = theirs.wait_for(1)[0].json();
    assert_eq!((&said["type"], &said["data"]["job"]), (&json!("summary.failed"), &accepted.json()["id"]));
    assert_eq!(said["data"]["problem"]["code"], "INSUFFICIENT_CONTENT");
    assert!(said["data"].get("origin").is_none(), "{said}");
    wait_for("its log", || log(&bot, &webhook).pop().filter(|it| it["state"] == "succeeded"));
    assert!(log(&bot, &other).is_empty());
    bot.land().await;
}
