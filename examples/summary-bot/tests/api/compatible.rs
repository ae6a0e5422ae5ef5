//! `POST /summarize`, with the fields of other summary bots.

use serde_json::{Value, json};

use crate::service::http::Answer;
use crate::service::jobs::{self, ASYNC};
use crate::service::{Fixture, conversation};

const JSON: (&str, &str) = ("content-type", "application/json");

fn summarize(bot: &Fixture, body: &Value) -> Answer {
    bot.call("POST", "/summarize", &[JSON], body.to_string().as_bytes())
}

/// Six messages, and what else is asked.
fn asking(more: &Value) -> Value {
    let mut asking: Value = serde_json::from_str(&conversation(&json!({}))).expect("JSON");
    asking.as_object_mut().expect("an object").remove("options");
    for (name, value) in more.as_object().expect("an object") {
        asking[name] = value.clone();
    }
    asking
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_become_a_summary_in_the_format_that_was_wanted() {
    let bot = Fixture::start().await;
    let answer = summarize(
        &bot,
        &asking(&json!({
            "summary_type": "technical", "output_format": "markdown", "max_length": 200, "include_action_items": false,
            "guild_id": 123, "title": "#build", "unknown": true,
        })),
    );
    assert_eq!(answer.status, 201, "{}", answer.body);
    let summary = answer.json();
    assert_eq!(
        (&summary["options"]["perspective"], &summary["options"]["words"]),
        (&json!("developer"), &json!(33))
    );
    assert_eq!((&summary["origin"]["guild_id"], &summary["title"]), (&json!("123"), &json!("#build")));
    assert_eq!(summary["action_items"], json!([]));
    assert!(summary["output"].as_str().is_some_and(|text| text.contains("# ")), "{summary:#}");
    let stored = bot.get(answer.header("location").expect("a location")).json();
    assert_eq!(stored["summary_text"], summary["summary_text"]);
    assert_eq!(bot.get("/api/v1/summaries?guild_id=123").json()["items"][0]["id"], summary["id"]);
    // The same under the API's own roof, and as plain JSON.
    let same = bot.call("POST", "/api/v1/summarize", &[JSON], asking(&json!({})).to_string().as_bytes());
    assert_eq!((same.status, &same.json()["output"]), (201, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_tools_may_send_it_as_a_string() {
    let bot = Fixture::start().await;
    let plain = asking(&json!({}));
    for body in
        [json!(plain.to_string()), json!({"body": plain.to_string()}), json!({"id": 1, "data": plain})]
    {
        assert_eq!(summarize(&bot, &body).status, 201, "{body}");
    }
    let text = [("content-type", "text/plain")];
    assert_eq!(bot.call("POST", "/summarize", &text, plain.to_string().as_bytes()).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_be_made_later() {
    let bot = Fixture::start().await;
    let body = asking(&json!({"channel_id": null})).to_string();
    let accepted = bot.call("POST", "/summarize", &[JSON, ASYNC], body.as_bytes());
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let outcome = jobs::outcome(bot.address, accepted.header("location").expect("a location"));
    assert_eq!(outcome["state"], "succeeded", "{outcome:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_fields_that_are_wrong_are_named() {
    let bot = Fixture::start().await;
    let wrong = json!({
        "channel_id": "general", "summary_type": "epic", "output_format": "pdf", "max_length": 1, "include_threads": "yes",
        "temperature": 3, "model": 7, "time_range": {"start": "yesterday"}, "messages": null,
    });
    let answer = summarize(&bot, &wrong);
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"));
    let errors = answer.json()["errors"].clone();
    let mut fields: Vec<&str> =
        errors.as_array().expect("a list").iter().filter_map(|error| error["field"].as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "channel_id",
            "include_threads",
            "max_length",
            "model",
            "output_format",
            "summary_type",
            "temperature",
            "time_range.start"
        ]
    );
    let backwards = json!({"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"});
    for (more, status, code) in [
        (json!({"time_range": backwards}), 400, "INVALID_TIME_RANGE"),
        (json!({"custom_prompt": "x".repeat(2001)}), 422, "PROMPT_TOO_LONG"),
        (json!({"min_messages": 100}), 422, "INSUFFICIENT_CONTENT"),
        (json!({"channel_id": "1"}), 400, "INVALID_REQUEST"),
        (json!({"messages": null, "channel_id": "1"}), 422, "DISCORD_OFF"),
    ] {
        let answer = summarize(&bot, &asking(&more));
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{more}");
        assert_eq!(answer.json()["retryable"], false, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_leads_inside_is_not_called() {
    let bot = Fixture::start().await;
    let answer = summarize(&bot, &asking(&json!({"webhook_url": "http://169.254.169.254/latest"})));
    assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("webhook_url")), "{}", answer.body);
}
