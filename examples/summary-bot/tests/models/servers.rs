//! Other servers than OpenAI's: what they do not understand is left out.

use groundcrew::config::Secret;
use groundcrew_testkit::models::Reply;
use serde_json::{Value, json};
use summary_bot::{Config, Provider};

use crate::service::Fixture;
use crate::support::{Told, warnings};

fn openai(summary: &Value) -> bool {
    summary["metadata"]["engine"] == "openai/large"
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_is_spoken_too() {
    let told = Told::with(|config, _| {
        config.models.named.get_mut("main").expect("the model").provider = Provider::Anthropic;
    });
    let told = told.await;
    let summary = told.summary([]);
    assert_eq!(summary["metadata"]["engine"], "anthropic/large");
    let asked = told.models.requests().remove(0);
    assert_eq!((asked.path.as_str(), asked.header("x-api-key")), ("/v1/messages", Some("sk-canary")));
    assert!(asked.header("anthropic-version").is_some());
    let totals = told.models.totals();
    assert_eq!(summary["metadata"]["model"]["input_tokens"], totals.input_tokens);
    assert_eq!(summary["metadata"]["model"]["output_tokens"], totals.output_tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_schemas_is_asked_in_words_and_only_learns_once() {
    let told = Told::start().await;
    told.models.refuse_member("response_format");
    assert!(openai(&told.summary([])));
    assert_eq!(told.models.totals().requests, 3, "a schema, JSON, words");
    assert!(openai(&told.summary([])));
    assert_eq!(told.models.totals().requests, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_what_somebody_wrote_teaches_nothing_about_the_next_question() {
    let told = Told::start().await;
    // However it is put; and only until it is put otherwise.
    for (replies, warned) in
        [(vec![Reply::Flagged; 3], vec!["MODEL_UNAVAILABLE"]), (vec![Reply::Flagged], vec![])]
    {
        let requests = told.models.totals().requests;
        assert_eq!(warnings(&told.summary(replies.clone())), warned);
        assert!(told.models.totals().requests > requests + 1, "it was tried otherwise: {replies:?}");
        assert!(openai(&told.summary([])));
        let last = told.models.requests().pop().expect("a request").body;
        assert_eq!(last["response_format"]["type"], "json_schema", "after {replies:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_refused_by_both_its_names_is_not_tried_again_and_again() {
    let told = Told::start().await;
    told.models.refuse_member("max_tokens");
    told.models.refuse_member("max_completion_tokens");
    assert_eq!(warnings(&told.summary([])), ["MODEL_UNAVAILABLE"]);
    assert_eq!(told.models.totals().requests, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_a_server_refuses_are_left_out_or_replaced() {
    let told = Told::with(|config, _| {
        config.models.named.get_mut("main").expect("the model").temperature = Some(0.5);
    });
    let told = told.await;
    for member in ["stream_options", "max_tokens", "temperature"] {
        told.models.refuse_member(member);
    }
    assert!(openai(&told.summary([])));
    let last = told.models.requests().pop().expect("a request").body;
    assert_eq!(last["max_completion_tokens"], 1000);
    assert!(last["temperature"].is_null() && last["stream_options"].is_null());
    assert!(last["response_format"].is_object(), "what it understands stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_a_server_does_not_tell_is_estimated() {
    let told = Told::start().await;
    told.models.refuse_member("stream_options");
    let summary = told.summary([]);
    let model = &summary["metadata"]["model"];
    assert_eq!(model["estimated"], true);
    assert!(model["input_tokens"].as_u64() >= Some(told.models.totals().input_tokens), "{model}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_url_or_a_key_is_enough() {
    let models = groundcrew_testkit::models::Models::start().await.expect("a port");
    let set = |config: &mut Config| {
        config.openai.base_url = Some(models.url());
        config.openai.api_key = Some(Secret::new("sk-canary".to_owned()));
    };
    let bot = Fixture::with(set).await;
    let summary = bot.post("", &crate::service::conversation(&json!({}))).json();
    assert_eq!(summary["metadata"]["engine"], "openai/gpt-4o-mini");
    assert_eq!(summary["metadata"]["model"]["cost_microdollars"], 0, "this is not OpenAI's own server");
}
