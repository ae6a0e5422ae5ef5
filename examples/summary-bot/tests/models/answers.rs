//! What is made of answers, good and bad.

use groundcrew_testkit::models::Reply;
use serde_json::json;
use summary_bot::Provider;

use crate::service::{SAMPLE, conversation};
use crate::support::{Told, holds, says, speak, warnings};

#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_the_summary_and_its_metadata_says_what_it_took() {
    let told = Told::start().await;
    let summary = told.summary([]);
    let metadata = &summary["metadata"];
    assert_eq!((&metadata["engine"], &metadata["model"]["name"]), (&json!("openai/large"), &json!("main")));
    assert_eq!(metadata["warnings"], json!([]));
    let totals = told.models.totals();
    assert_eq!(totals.requests, 1);
    let counted = |name: &str| metadata["model"][name].as_u64().expect("a number");
    assert_eq!(
        (counted("input_tokens"), counted("output_tokens")),
        (totals.input_tokens, totals.output_tokens)
    );
    assert_eq!(counted("cost_microdollars"), totals.input_tokens + 4 * totals.output_tokens);
    assert_eq!(metadata["model"]["estimated"], false);
    // The server says what the messages say.
    let text = summary["summary_text"].as_str().expect("a text");
    assert!(text.contains("We decided to pin the old compiler until the release is out."), "{text}");
    let sentences = summary["sentences"].as_array().expect("a list");
    let pinned =
        sentences.iter().find(|it| it["messages"] == json!(["4"])).expect("the fourth message is cited");
    assert_eq!(pinned["speaker"], "cleo");
    // What can be counted is not asked.
    assert_eq!(summary["participants"][0]["message_count"], 2);
    let series = r#"openai_requests_total{model="main",status="success",service="summary-bot"}"#;
    assert_eq!(told.bot.metric(series), Some(1.0));
    told.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_gets_the_messages_as_data_and_short_ids() {
    let told = Told::start().await;
    told.summary([]);
    let asked = told.models.requests().remove(0);
    assert_eq!(asked.header("authorization"), Some("Bearer sk-canary"));
    let prompt = asked.prompt();
    let line =
        r#"{"author":"ben","id":"m2","text":"Which version of the compiler is on the build machine now?"}"#;
    assert!(prompt.contains(line), "{prompt}");
    assert!(!prompt.contains("Build 17"), "programs are not counted");
    assert_eq!(asked.body["response_format"]["json_schema"]["strict"], true);
    assert_eq!(asked.body["stream"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_repaired_where_it_can_be() {
    let told = Told::start().await;
    for reply in [Reply::Fenced, Reply::Trailing] {
        let summary = told.summary([reply.clone()]);
        assert_eq!(summary["metadata"]["engine"], "openai/large", "{reply:?}: {summary:#}");
        assert_eq!(warnings(&summary), [""; 0]);
    }
    assert_eq!(told.models.totals().requests, 2);
    let series = r#"model_repairs_total{model="main",service="summary-bot"}"#;
    assert_eq!(told.bot.metric(series), Some(2.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_is_asked_again_with_twice_the_room() {
    let told = Told::start().await;
    told.models.reply(Reply::TruncatedBelow(2000));
    let summary = told.summary([]);
    assert_eq!(summary["metadata"]["engine"], "openai/large");
    let rooms: Vec<_> = told.models.requests().iter().map(|it| it.body["max_tokens"].as_u64()).collect();
    assert_eq!(rooms, [Some(1000), Some(2000)]);
    assert_eq!(summary["metadata"]["model"]["requests"], 2, "both were paid");
    // The control: where twice is not enough, there is no third time.
    told.models.reply(Reply::Truncated);
    let summary = told.summary([]);
    assert_eq!(warnings(&summary), ["TOKEN_LIMIT_EXCEEDED"]);
    assert_eq!(told.models.totals().requests, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_just_ends_is_no_answer_and_is_not_kept() {
    for (provider, name) in [(Provider::Openai, "openai"), (Provider::Anthropic, "anthropic")] {
        let told = Told::keeping(|config| speak(config, provider)).await;
        let half = told.summary([Reply::Ended]);
        assert_eq!(half["metadata"]["engine"], "groundcrew-extractive/1", "{half:#}");
        assert_eq!(warnings(&half), ["MODEL_UNAVAILABLE"]);
        // The control: the same words to their end.
        let whole = told.summary([Reply::Markdown]);
        assert_eq!(
            (&whole["metadata"]["engine"], &whole["metadata"]["model"]["kept"]),
            (&json!(format!("{name}/large")), &json!(false))
        );
        assert_eq!(told.models.totals().requests, 2, "half an answer is not asked for again in Markdown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_says_why_it_ends_is_an_answer_without_its_last_event() {
    for provider in [Provider::Openai, Provider::Anthropic] {
        let told = Told::with(|config, _| speak(config, provider)).await;
        let summary = told.summary([Reply::Unended]);
        assert_eq!(warnings(&summary), [""; 0], "{provider:?}: {summary:#}");
        assert_eq!(told.models.totals().requests, 1, "{provider:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_and_prose_are_better_than_nothing() {
    let told = Told::start().await;
    let summary = told.summary([Reply::Markdown]);
    assert_eq!(
        (&summary["metadata"]["engine"], warnings(&summary)),
        (&json!("openai/large"), vec!["UNSTRUCTURED_ANSWER"])
    );
    let prose = "The ARM build is broken since the compiler update on Monday. \
                 They will meet aliens from Jupiter on their spaceship tomorrow.";
    let summary = told.summary([Reply::Text(prose.to_owned())]);
    assert_eq!(summary["summary_text"], "The ARM build is broken since the compiler update on Monday.");
    assert!(
        summary["sentences"][0]["messages"].as_array().expect("ids").contains(&json!("1")),
        "{summary:#}"
    );
    assert_eq!(warnings(&summary), ["CLAIMS_DROPPED", "UNSTRUCTURED_ANSWER"], "what nobody said is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_asked_again_in_markdown_and_then_given_up() {
    let told = Told::start().await;
    let summary = told.summary([Reply::Nonsense, Reply::Markdown]);
    assert_eq!(summary["metadata"]["engine"], "openai/large");
    let again = told.models.requests().remove(1);
    assert!(again.body["response_format"].is_null() && again.prompt().contains("## Decisions"));
    let summary = told.summary([Reply::Nonsense, Reply::Nonsense]);
    assert_eq!(warnings(&summary), ["MODEL_UNAVAILABLE"]);
    assert_eq!(summary["metadata"]["model"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_cite_nothing_are_dropped_and_counted() {
    let told = Told::start().await;
    let summary = told.summary([says(&[
        ("The ARM build is broken.", &["m1", "m99"]),
        ("The moon is made of green cheese.", &["m77"]),
        ("They pin the compiler.", &["m4"]),
    ])]);
    assert_eq!(summary["summary_text"], "The ARM build is broken. They pin the compiler.");
    assert_eq!(warnings(&summary), ["CLAIMS_DROPPED"]);
    assert_eq!(
        (&summary["metadata"]["model"]["dropped_citations"], &summary["metadata"]["model"]["dropped_claims"]),
        (&json!(2), &json!(1))
    );
    // A summary of inventions alone is none.
    let summary = told.summary([Reply::Invented]);
    assert_eq!(summary["metadata"]["engine"], "groundcrew-extractive/1");
    assert_eq!(warnings(&summary), ["MODEL_UNAVAILABLE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_for_those_who_are_there_and_its_deadline_was_said() {
    let told = Told::start().await;
    let tasks = json!({
        "summary": [{"text": "The ARM build is broken.", "messages": ["m1"]}],
        "action_items": [
            {"description": "Pin the compiler", "assignee": "BEN", "priority": "HIGH", "deadline": "by Friday", "messages": ["m5"]},
            {"description": "Rebuild", "assignee": "Zorro", "priority": "medium", "deadline": "by 2031", "messages": ["m5"]},
        ],
    });
    let summary = told.summary([Reply::Text(tasks.to_string())]);
    let tasks = &summary["action_items"];
    assert_eq!(
        (&tasks[0]["assignee"], &tasks[0]["priority"], &tasks[0]["deadline"]),
        (&json!("ben"), &json!("high"), &json!("by Friday"))
    );
    assert_eq!((&tasks[1]["assignee"], &tasks[1]["deadline"]), (&json!(null), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_no_longer_than_was_asked_for() {
    let told = Told::start().await;
    let long = "word ".repeat(50);
    told.models.script([says(&[(&long, &["m1"]), (&long, &["m2"])])]);
    let summary = told.bot.post("", &conversation(&json!({"words": 20}))).json();
    holds(&summary);
    assert_eq!(summary["metadata"]["summary_words"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_keep_their_own_ids() {
    let told = Told::start().await;
    let summary = told.bot.post("", SAMPLE).json();
    holds(&summary);
    assert_eq!(summary["metadata"]["engine"], "openai/large");
    let cited = summary["sentences"][0]["messages"][0].as_str().expect("an id");
    assert!(SAMPLE.contains(&format!("\"{cited}\"")), "{cited}");
}
