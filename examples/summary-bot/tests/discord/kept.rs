//! Answers that are kept for a repeat, asked for by somebody who may do more or less since.

use serde_json::{Value, json};

use crate::rules::{rule, talk};
use crate::servers::{Person, SCHEDULES, WEBHOOKS, allow, path_of, schedule, stage};
use crate::service::http::Answer;

/// With a key, the same each time.
fn again(who: &Person<'_>, path: &str, body: &Value) -> Answer {
    let headers = [
        ("authorization", who.bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    who.stage.bot.call("POST", path, &headers, body.as_bytes())
}

fn assert_replayed(answer: &Answer, status: u16) {
    let replayed = answer.header("idempotency-replayed");
    assert_eq!((answer.status, replayed), (status, Some("true")), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_not_for_who_may_not_have_the_channel_summarised_any_more() {
    let stage = stage().await;
    talk(&stage, stage.hall);
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let asked = json!({"guild_id": stage.guild.to_string(), "channel_id": stage.hall.to_string()});
    let ask = || again(&ben, "/api/v1/summarize", &asked);
    assert_eq!(ask().status, 201);
    // The control: it is kept.
    assert_replayed(&ask(), 201);
    allow(&stage, stage.ben, "none").await;
    let refused = ask();
    assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"), "{}", refused.body);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_not_for_who_may_not_read_a_thread_any_more_that_has_gone_into_it() {
    let stage = stage().await;
    let thread = stage.discord.thread(stage.hall, "pumps").create();
    talk(&stage, stage.hall);
    talk(&stage, thread);
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let (guild, hall) = (stage.guild.to_string(), stage.hall.to_string());
    let asked = json!({"guild_id": guild, "channel_id": hall, "include_threads": true});
    let ask = || again(&ben, "/api/v1/summarize", &asked);
    assert_eq!(ask().status, 201);
    assert_replayed(&ask(), 201);
    rule(&stage, thread, "none").await;
    assert_eq!(ask().status, 404);
    stage.bot.land().await;
}

/// The process that made it died before it had answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_was_never_answered_is_not_for_who_has_lost_a_thread_of_it_either() {
    let stage = stage().await;
    let thread = stage.discord.thread(stage.hall, "pumps").create();
    talk(&stage, stage.hall);
    talk(&stage, thread);
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let (guild, hall) = (stage.guild.to_string(), stage.hall.to_string());
    let asked = json!({"guild_id": guild, "channel_id": hall, "include_threads": true});
    let ask = || again(&ben, "/api/v1/summarize", &asked);
    let made = path_of(&ask());
    stage.forget_answers().await;
    // The control: it is the same one.
    assert_eq!(path_of(&ask()), made);
    stage.forget_answers().await;
    rule(&stage, thread, "none").await;
    assert_eq!(ask().status, 404);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_schedule_is_not_said_again_to_who_may_not_change_it_any_more() {
    let stage = stage().await;
    allow(&stage, stage.ben, "admin").await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let program = Person::of(&stage, "the backup").await;
    let new = schedule(&stage, stage.hall, "the week");
    let path = path_of(&again(&ben, SCHEDULES, &new));
    assert_replayed(&again(&ben, SCHEDULES, &new), 201);
    let pause = format!("{path}/pause");
    assert_eq!(again(&program, &pause, &Value::Null).status, 200);
    for (level, status) in [("read", 403), ("none", 404)] {
        allow(&stage, stage.ben, level).await;
        assert_eq!(again(&ben, SCHEDULES, &new).status, status, "{level}");
    }
    // The control: a program of the operator's loses nothing by that.
    assert_replayed(&again(&program, &pause, &Value::Null), 200);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_webhook_is_not_said_again_to_who_may_not_manage_it_any_more() {
    let stage = stage().await;
    allow(&stage, stage.ben, "admin").await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let new = json!({"url": "https://hooks.example.com/summaries", "guild_id": stage.guild.to_string()});
    let enable = format!("{}/enable", path_of(&ben.ask("POST", WEBHOOKS, &new)));
    assert_eq!(again(&ben, &enable, &Value::Null).status, 200);
    // The control: it is kept.
    assert_replayed(&again(&ben, &enable, &Value::Null), 200);
    for (level, status) in [("summarize", 403), ("none", 404)] {
        allow(&stage, stage.ben, level).await;
        assert_eq!(again(&ben, &enable, &Value::Null).status, status, "{level}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_somebody_might_not_is_forgotten_when_they_may() {
    let stage = stage().await;
    allow(&stage, stage.ben, "read").await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let program = Person::of(&stage, "the backup").await;
    let path = path_of(&program.ask("POST", SCHEDULES, &schedule(&stage, stage.hall, "the week")));
    let run = || again(&ben, &format!("{path}/run"), &Value::Null);
    assert_eq!(run().status, 403);
    allow(&stage, stage.ben, "summarize").await;
    assert_eq!(run().status, 202);
    assert_replayed(&run(), 202);
    stage.bot.land().await;
}
