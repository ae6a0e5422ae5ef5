//! What whoever asks wishes of a model: which one, how sober, in which language and what to stress.

use serde_json::{Value, json};

use crate::service::conversation;
use crate::support::Told;

/// What the model was told last.
fn last(told: &Told) -> (Value, String) {
    let body = told.models.requests().pop().expect("a request").body;
    let text = body["messages"].to_string();
    (body, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_wished_for_by_the_name_in_the_configuration_or_at_its_server() {
    let told = Told::with_two(|_| {}).await;
    for (wish, engine) in
        [(None, "large"), (Some("spare"), "small"), (Some("small"), "small"), (Some("main"), "large")]
    {
        let answer = told.bot.post("", &conversation(&json!({"model": wish})));
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.json()["metadata"]["engine"], format!("openai/{engine}"), "{wish:?}");
        assert_eq!(last(&told).0["model"], engine);
    }
    let by_query = told.bot.post("?model=spare&temperature=1.5", &conversation(&json!({})));
    assert_eq!((by_query.status, &last(&told).0["model"]), (201, &json!("small")), "{}", by_query.body);
    assert_eq!(last(&told).0["temperature"], 1.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_there_is_not_is_refused_with_those_that_there_are() {
    let told = Told::with_two(|_| {}).await;
    let answer = told.bot.post("", &conversation(&json!({"model": "gpt-9"})));
    assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("options.model")), "{}", answer.body);
    let words = answer.json()["detail"].as_str().expect("words").to_owned();
    assert!(words.contains("main, spare") && words.contains("gpt-9"), "{words}");
    let later = [("content-type", "application/json"), ("prefer", "respond-async")];
    let body = conversation(&json!({"model": "gpt-9"}));
    assert_eq!(
        told.bot.call("POST", crate::service::SUMMARIES, &later, body.as_bytes()).status,
        400,
        "at once"
    );
    assert_eq!(told.models.totals().requests, 0);

    let offline = crate::service::Fixture::start().await;
    let answer = offline.post("", &conversation(&json!({"model": "large"})));
    assert!(answer.body.contains("no language model is configured"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_nobody_can_write_in_is_said() {
    let offline = crate::service::Fixture::start().await;
    for (language, expected) in [("de", vec!["NOT_TRANSLATED"]), ("en-GB", vec![])] {
        let summary = offline.post("", &conversation(&json!({"language": language}))).json();
        assert_eq!(crate::support::warnings(&summary), expected, "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_a_prompt_of_ones_own_reach_the_model() {
    let told = Told::start().await;
    let wish = "Say what became of the linker first.";
    told.summary([]);
    let plain = last(&told).1;
    assert!(!plain.contains(wish) && plain.contains("the language of the conversation"), "{plain}");
    let options = json!({"language": "pt-BR", "custom_prompt": wish, "temperature": 0.25});
    let answer = told.bot.post("", &conversation(&options));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let (body, text) = last(&told);
    assert!(text.contains(wish) && text.contains("the language with the code `pt-br`"), "{text}");
    assert_eq!(body["temperature"], 0.25);

    for (options, status, field) in [
        (json!({"language": "Klingon, please"}), 400, "options.language"),
        (json!({"temperature": 3}), 400, "options.temperature"),
        (json!({"model": 7}), 400, "options.model"),
        (json!({"custom_prompt": "x".repeat(2001)}), 422, "options.custom_prompt"),
    ] {
        let answer = told.bot.post("", &conversation(&options));
        assert_eq!((answer.status, &answer.json()["field"]), (status, &json!(field)), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_ones_own_reaches_the_model_whole_in_every_alphabet() {
    let told = Told::start().await;
    for letter in ["x", "ж", "語"] {
        let wish = format!("{}!", letter.repeat(1999));
        let answer = told.bot.post("", &conversation(&json!({"custom_prompt": wish})));
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert!(last(&told).1.contains(&wish), "{letter} was cut");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_prompts_of_its_own_and_others_keep_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("guilds").join("7");
    std::fs::create_dir_all(&own).expect("a folder");
    let prompt = "Write like a harbour master. {{boundary}} {{schema}} {{wish}}";
    std::fs::write(own.join("summary.md"), prompt).expect("written");
    let told = Told::with(|config, _| config.models.prompts = Some(folder.path().to_owned())).await;
    let messages: Value = serde_json::from_str(&conversation(&json!({}))).expect("JSON");
    let ask = |guild: &str| {
        let body = json!({
            "guild_id": guild, "messages": messages["messages"], "language": "de", "custom_prompt": "Be brief.",
        });
        let json = [("content-type", "application/json")];
        let answer = told.bot.call("POST", "/api/v1/summarize", &json, body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.body);
        (answer.json()["metadata"]["model"]["prompts"].clone(), last(&told).1)
    };
    let (version, text) = ask("7");
    assert!(text.contains("harbour master") && text.contains("Be brief."), "{text}");
    let (other, text) = ask("8");
    assert!(!text.contains("harbour master") && text.contains("the code `de`"), "{text}");
    assert_ne!(version, other, "a summary says which prompts it was written by");
}
