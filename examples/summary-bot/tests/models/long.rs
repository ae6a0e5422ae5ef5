//! Conversations that are longer than a prompt.

use std::time::Duration;

use groundcrew_testkit::models::Reply;
use serde_json::{Value, json};

use crate::support::{Told, holds, model, warnings};

/// So many messages of a hundred letters or so, each of them different.
fn talk(messages: usize) -> String {
    let names = ["anna", "ben", "cleo"];
    let said = |at: usize| {
        let text = format!(
            "Report number {at}: the pump in hall {} ran for {} hours and the valve was replaced by team {}.",
            at % 17,
            at % 24,
            at % 5
        );
        json!({"id": format!("id-{at}"), "author": names[at % 3], "content": text})
    };
    json!({"messages": (0..messages).map(said).collect::<Vec<Value>>()}).to_string()
}

async fn told() -> Told {
    Told::with(|config, models| {
        let small = config.models.named.get_mut("main").expect("the model");
        *small = model(models, "small");
        small.context = Some(8_000);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_summarised_apart_and_put_together_with_their_citations() {
    let told = told().await;
    // No part is answered before another one was asked for: one by one they would never end.
    told.models.script([Reply::Asked(2)]);
    let answer = told.bot.post("?length=comprehensive", &talk(600));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let summary = answer.json();
    holds(&summary);
    assert_eq!((&summary["metadata"]["engine"], warnings(&summary)), (&json!("openai/small"), vec![]));
    let parts = summary["metadata"]["model"]["parts"].as_u64().expect("a number");
    assert!(parts > 2, "{summary:#}");
    let requests = told.models.requests();
    assert!(requests.len() as u64 > parts, "the parts, and what puts them together");
    let merge = requests.last().expect("a request").prompt();
    assert!(merge.contains("\"id\":\"c1\"") && !merge.contains("\"id\":\"m1\""), "{merge}");
    // Each message is in one part, and no prompt is longer than the model takes.
    let prompts = requests.iter().map(groundcrew_testkit::models::Asked::prompt);
    let all: String = prompts.filter(|prompt| !prompt.contains("\"id\":\"c1\"")).collect();
    for at in [0, 299, 599] {
        assert_eq!(all.matches(&format!("Report number {at}:")).count(), 1);
    }
    assert!(requests.iter().all(|it| it.prompt().len() / 4 < 7_000), "four bytes a token, says the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_part_cannot_be_cited() {
    let told = told().await;
    let says = json!({"summary": [{"text": "Report one.", "messages": ["m2"]}]}).to_string();
    told.models.reply(Reply::Text(says));
    let summary = told.bot.post("", &talk(300)).json();
    // The first part may cite it; the others were not shown it, and with most parts gone there is no summary.
    assert_eq!(summary["metadata"]["model"], Value::Null, "{summary:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_model_puts_together_is_woven_from_the_parts() {
    let told = told().await;
    let body = talk(600);
    let parts = told.bot.post("", &body).json()["metadata"]["model"]["parts"].as_u64().expect("a number");
    let told = self::told().await;
    let replies = vec![Reply::Good; usize::try_from(parts).expect("few")];
    told.models.script(replies);
    told.models.reply(Reply::Unauthorized);
    let summary = told.bot.post("", &body).json();
    holds(&summary);
    assert_eq!(summary["metadata"]["engine"], "openai/small");
    assert_eq!(warnings(&summary), ["PARTS_NOT_MERGED"]);
    let ids: Vec<u64> = summary["sentences"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["messages"][0].as_str()?.strip_prefix("id-")?.parse().ok())
        .collect();
    assert!(ids.iter().any(|id| *id < 200) && ids.iter().any(|id| *id > 400), "from all over: {ids:?}");
    assert!(ids.is_sorted(), "in their order: {ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_part_of_many_is_said_and_half_of_them_are_no_summary() {
    let told = told().await;
    told.models.script([Reply::Good, Reply::Failed(500)]);
    let summary = told.bot.post("", &talk(600)).json();
    assert_eq!(warnings(&summary), ["PARTS_MISSING"], "{summary:#}");
    told.models.script(vec![Reply::Failed(500); 4]);
    let summary = told.bot.post("?title=other", &talk(601)).json();
    assert_eq!(warnings(&summary), ["MODEL_UNAVAILABLE"]);
}

/// The same with answers that are kept.
async fn keeping() -> Told {
    Told::keeping(|config| {
        config.models.named.get_mut("main").expect("the model").context = Some(8_000);
    })
    .await
}

/// What one and the same question gets: the codes of the warnings, and whether it was kept.
fn ask(told: &Told) -> (Vec<String>, Value) {
    let summary = told.bot.post("", &talk(600)).json();
    let warned: Vec<String> = warnings(&summary).into_iter().map(str::to_owned).collect();
    (warned, summary["metadata"]["model"]["kept"].clone())
}

/// What it gets three times, the first time with these replies.
async fn asked_again(replies: Vec<Reply>, then: Reply) -> Vec<(Vec<String>, Value)> {
    let told = keeping().await;
    told.models.script(replies);
    told.models.reply(then);
    let first = ask(&told);
    told.models.reply(Reply::Good);
    vec![first, ask(&told), ask(&told)]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_incomplete_is_not_kept_and_asking_again_mends_it() {
    let parts = told().await.bot.post("", &talk(600)).json()["metadata"]["model"]["parts"].clone();
    let parts = usize::try_from(parts.as_u64().expect("a number")).expect("few");
    for (replies, then, warned) in [
        (vec![Reply::Good, Reply::Failed(500)], Reply::Good, "PARTS_MISSING"),
        (vec![Reply::Good; parts], Reply::Unauthorized, "PARTS_NOT_MERGED"),
    ] {
        let answers = asked_again(replies, then).await;
        let whole = |kept: bool| (Vec::new(), json!(kept));
        assert_eq!(answers, [(vec![warned.to_owned()], json!(false)), whole(false), whole(true)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_the_same_meanwhile_gets_what_is_incomplete_too_and_it_is_paid_once() {
    let told = keeping().await;
    told.models.script([Reply::Failed(500)]);
    told.models.reply(Reply::After(Duration::from_millis(500)));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let told = &told;
        let askers: Vec<_> = (0..4).map(|_| scope.spawn(move || ask(told))).collect();
        askers.into_iter().map(|asker| asker.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|(warned, _)| *warned == ["PARTS_MISSING"]), "{answers:?}");
    assert_eq!(answers.iter().filter(|(_, kept)| *kept == json!(false)).count(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_beyond_the_limit_is_not_sent() {
    let told = Told::with(|config, _| config.models.max_input_tokens = 1000).await;
    let summary = told.bot.post("", &talk(200)).json();
    assert_eq!((warnings(&summary), told.models.totals().requests), (vec!["TOKEN_LIMIT_EXCEEDED"], 0));
}
