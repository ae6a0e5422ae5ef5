//! What may be spent, and what is not paid twice.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use groundcrew::Crew;
use groundcrew_testkit::models::{Models, Reply};
use serde_json::{Value, json};
use summary_bot::{Config, Fallback, ModelConfig, Provider};

use crate::service::{Bot, conversation};
use crate::support::{Told, speak, warnings};

/// The sums that are booked: rows, millionths of a dollar; and what is still set aside.
async fn booked(told: &Told) -> (i64, i64, i64) {
    let file = told.bot.folder.path().join("bot.db");
    let database = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.expect("a file");
    let select = "SELECT (SELECT count(*) FROM model_usage), (SELECT coalesce(sum(cost), 0) FROM model_usage), \
         (SELECT count(*) FROM model_reservations)";
    let sums = sqlx::query_as(select).fetch_one(&database).await.expect("sums");
    database.close().await;
    sums
}

/// The tokens that are booked: of prompts, and of answers.
async fn tokens(told: &Told) -> (i64, i64) {
    let database = crate::service::file(&told.bot.folder).await;
    let select = "SELECT coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0) FROM model_usage";
    let sums = sqlx::query_as(select).fetch_one(&database).await.expect("sums");
    database.close().await;
    sums
}

/// A conversation that nobody asked about before.
fn other(number: usize) -> String {
    conversation(&json!({})).replace("version 14.2", &format!("version 14.{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_is_not_paid_twice() {
    let told = Told::keeping(|_| {}).await;
    let first = told.summary([]);
    let second = told.summary([]);
    assert_eq!(told.models.totals().requests, 1);
    assert_eq!(first["summary_text"], second["summary_text"]);
    assert_eq!(
        (&first["metadata"]["model"]["kept"], &second["metadata"]["model"]["kept"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(second["metadata"]["model"]["cost_microdollars"], 0);
    let cost = first["metadata"]["model"]["cost_microdollars"].as_i64().expect("a number");
    assert_eq!(booked(&told).await, (2, cost, 0));
    assert_eq!(told.bot.metric(r#"model_answers_total{source="kept",service="summary-bot"}"#), Some(1.0));
    // Another question is another answer: other words, other options.
    assert_eq!(told.bot.post("", &other(3)).status, 201);
    assert_eq!(told.bot.post("", &conversation(&json!({"length": "brief"}))).status, 201);
    assert_eq!(told.models.totals().requests, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlives_the_process() {
    let told = Told::keeping(|_| {}).await;
    told.summary([]);
    let Told { bot, models } = told;
    let folder = bot.land().await;
    let mut config = crate::service::config(&folder.path().join("bot.db"));
    config.models.named.insert("main".to_owned(), crate::support::model(&models, "large"));
    let bot = crate::service::Bot::start(config).await;
    let summary = bot.post("", &conversation(&json!({}))).json();
    assert_eq!((&summary["metadata"]["model"]["kept"], models.totals().requests), (&json!(true), 1));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_the_same_at_once_share_one_answer() {
    let told = Told::keeping(|_| {}).await;
    told.models.reply(Reply::After(Duration::from_millis(500)));
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| assert_eq!(told.bot.post("", &conversation(&json!({}))).status, 201));
        }
    });
    assert_eq!(told.models.totals().requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_not_kept_and_what_they_cost_is_booked() {
    let told = Told::keeping(|_| {}).await;
    let failed = told.summary([Reply::Invented]);
    assert_eq!(warnings(&failed), ["MODEL_UNAVAILABLE"]);
    let (rows, cost, _) = booked(&told).await;
    assert!(rows == 1 && cost > 0, "{rows}, {cost}");
    let written = told.summary([]);
    assert_eq!(written["metadata"]["engine"], "openai/large");
    // Nothing is kept where nothing is to be kept.
    let told = Told::start().await;
    told.summary([]);
    told.summary([]);
    assert_eq!((told.models.totals().requests, booked(&told).await.0), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_wrote_before_it_failed_is_booked() {
    let nothing: fn(&mut Config) = |_| {};
    let stall: fn(&mut Config) = |config| config.models.stall = Duration::from_millis(300);
    let timeout: fn(&mut Config) = |config| config.models.timeout = Duration::from_secs(1);
    // Of an answer that is going on Anthropic counts a token at its beginning, and the rest at its end.
    let anthropic: fn(&mut Config) = |config| speak(config, Provider::Anthropic);
    for (reply, limit, code) in [
        (Reply::Broken, nothing, "MODEL_UNAVAILABLE"),
        (Reply::Broken, anthropic, "MODEL_UNAVAILABLE"),
        (Reply::Cut, nothing, "MODEL_UNAVAILABLE"),
        (Reply::Stalled, stall, "API_TIMEOUT"),
        (Reply::Stalled, timeout, "API_TIMEOUT"),
    ] {
        let told = Told::with(|config, _| limit(config)).await;
        assert_eq!(warnings(&told.summary([reply.clone()])), [code], "{reply:?}");
        let (input, output) = tokens(&told).await;
        let totals = told.models.totals();
        let of_server = |tokens: u64| i64::try_from(tokens).expect("a number");
        assert!(input >= of_server(totals.input_tokens), "{reply:?}: {input}, {totals:?}");
        // About half of it was sent.
        assert!(output * 3 >= of_server(totals.output_tokens), "{reply:?}: {output}, {totals:?}");
        assert!(output < 1000, "{reply:?}: {output} is not all that there was room for");
        assert!(booked(&told).await.1 >= input + 4 * output, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_counted_of_the_prompt_before_it_failed_is_booked_and_no_estimate() {
    let told = Told::with(|config, _| speak(config, Provider::Anthropic)).await;
    assert_eq!(warnings(&told.summary([Reply::Broken])), ["MODEL_UNAVAILABLE"]);
    let counted = i64::try_from(told.models.totals().input_tokens).expect("a number");
    assert_eq!(tokens(&told).await.0, counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_have_thought_until_the_timeout_is_booked_with_all_its_room() {
    let told = Told::with(|config, _| config.models.timeout = Duration::from_millis(400)).await;
    assert_eq!(warnings(&told.summary([Reply::Silence])), ["API_TIMEOUT"]);
    assert_eq!(tokens(&told).await.1, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_has_cost_its_prompt_and_a_refusal_nothing() {
    let told = Told::start().await;
    told.summary([Reply::Garbage]);
    let (input, output) = tokens(&told).await;
    assert!(input > 0 && output == 0, "{input}, {output}");
    let told = Told::start().await;
    told.summary([Reply::Failed(500)]);
    assert_eq!(tokens(&told).await, (0, 0), "nobody began to answer");
}

/// Whoever says so may stand before a model that was at it.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_a_timeout_has_cost_the_prompt_and_no_answer() {
    let told = Told::start().await;
    assert_eq!(warnings(&told.summary([Reply::Failed(504)])), ["API_TIMEOUT"]);
    let (input, output) = tokens(&told).await;
    assert!(input > 0 && output == 0, "{input}, {output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_is_said_and_the_offline_engine_takes_over() {
    let told = Told::keeping(|config| config.budget.daily = Some(0.006)).await;
    let first = told.summary([]);
    assert_eq!(first["metadata"]["engine"], "openai/large");
    let mut last = Value::Null;
    for number in 0..20 {
        last = told.bot.post("", &other(number)).json();
        if last["metadata"]["engine"] != "openai/large" {
            break;
        }
    }
    assert_eq!(warnings(&last), ["QUOTA_EXCEEDED"]);
    let words = last["metadata"]["warnings"][0]["message"].as_str().expect("a text");
    assert!(words.contains("the budget of all servers together for today (UTC) is $0.0060"), "{words}");
    let (_, cost, aside) = booked(&told).await;
    assert!(cost <= 6_000 && aside == 0, "{cost} spent, {aside} set aside");
    // What is kept costs nothing, and is given still.
    assert_eq!(told.summary([])["metadata"]["model"]["kept"], true);
    assert_eq!(told.bot.metric("model_budget_refusals_total{service=\"summary-bot\"}"), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_manages_a_server_cannot_raise_what_it_may_cost() {
    let json = [("content-type", "application/json")];
    let set = |bot: &Bot, daily: f64| {
        let change = json!({"settings": {"daily_budget": daily}}).to_string();
        bot.call("PATCH", "/api/v1/guilds/7/settings", &json, change.as_bytes())
    };
    let Told { bot, models } = Told::start().await;
    assert_eq!(set(&bot, 1000.0).status, 200, "where nobody limits it");
    let folder = bot.land().await;
    let mut config = crate::service::config(&folder.path().join("bot.db"));
    config.models.named.insert("main".to_owned(), crate::support::model(&models, "large"));
    config.budget.guild_daily = Some(0.0001);
    let bot = Bot::start(config).await;
    let mut asked: Value = serde_json::from_str(&conversation(&json!({}))).expect("JSON");
    asked.as_object_mut().expect("an object").remove("options");
    asked["guild_id"] = json!("7");
    let answer = bot.call("POST", "/api/v1/summarize", &json, asked.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!((warnings(&answer.json()), models.totals().requests), (vec!["QUOTA_EXCEEDED"], 0));
    let refused = set(&bot, 1000.0);
    assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("settings.daily_budget")));
    assert!(refused.body.contains("from 0 to 0.0001"), "{}", refused.body);
    assert_eq!(set(&bot, 0.00005).status, 200, "less is theirs to choose");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_wants_the_price_of_each_model_at_its_provider() {
    let models = Models::start().await.expect("a port");
    let with = |prices: [Option<f64>; 2], budget: Option<f64>| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = crate::service::config(&folder.path().join("bot.db"));
        let [input_price, output_price] = prices;
        let known = crate::support::model(&models, "gpt-5-nano");
        let nano = ModelConfig { base_url: None, input_price, output_price, ..known };
        config.models.named.insert("nano".to_owned(), nano);
        config.budget.guild_daily = budget;
        (folder, config)
    };
    for prices in [[None, None], [Some(0.05), None], [None, Some(0.4)]] {
        let (_folder, config) = with(prices, Some(5.0));
        let crew = Crew::builder("summary-bot", "1.0.0").in_kubernetes(false).build();
        let error = Box::pin(summary_bot::launch(config, crew)).await.expect_err("a refusal").to_string();
        for words in ["input_price", "output_price", "provider = \"openai\"", "model = \"gpt-5-nano\""] {
            assert!(error.contains(&format!("models.named.nano.{words}")), "{error}");
        }
    }
    let own = Some(models.url());
    for (prices, budget, base_url) in [
        ([Some(0.05), Some(0.4)], Some(5.0), None),
        ([Some(0.0), Some(0.0)], Some(5.0), None),
        ([None, None], None, None),
        ([None, None], Some(5.0), own),
    ] {
        let (_folder, mut config) = with(prices, budget);
        config.models.named.get_mut("nano").expect("the model").base_url = base_url;
        Bot::start(config).await.land().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_may_be_a_refusal() {
    let told = Told::with(|config, _| {
        config.budget.daily = Some(0.0001);
        config.budget.when_spent = Fallback::None;
    });
    let told = told.await;
    let refused = told.bot.post("", &conversation(&json!({})));
    assert_eq!((refused.status, refused.code().as_str()), (429, "QUOTA_EXCEEDED"));
    assert!(
        refused.json()["detail"].as_str().is_some_and(|words| words.contains("$0.0001")),
        "{}",
        refused.body
    );
    assert_eq!(told.models.totals().requests, 0, "nothing was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_spent_decides_though_a_model_that_is_down_is_to_be_an_error() {
    let told = Told::with(|config, _| {
        config.budget.daily = Some(0.0001);
        config.models.fallback = Fallback::None;
    });
    assert_eq!(warnings(&told.await.summary([])), ["QUOTA_EXCEEDED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_spent_decides_though_the_last_model_failed_otherwise() {
    let told = Told::with_two(|config| {
        config.budget.daily = Some(0.0001);
        config.budget.when_spent = Fallback::None;
        let free = config.models.named.get_mut("spare").expect("the model");
        (free.input_price, free.output_price) = (Some(0.0), Some(0.0));
    });
    let told = told.await;
    told.models.reply_for("small", Reply::Failed(503));
    let refused = told.bot.post("", &conversation(&json!({})));
    assert_eq!((refused.status, refused.code().as_str()), (429, "QUOTA_EXCEEDED"), "{}", refused.body);
    let pause: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("a pause");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let left = 86_400 - now % 86_400;
    // The day may have ended in between.
    assert!(
        pause.abs_diff(left) < 60 || pause.abs_diff(left) > 86_000,
        "{pause} s, and {left} s until midnight"
    );
    assert_eq!(told.models.totals().requests, 1, "only what costs nothing was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_do_not_spend_more_than_there_is() {
    // Each may cost some 0.005 dollars, and costs less than half of it: without setting money aside all would go.
    let told = Told::with(|config, _| {
        config.budget.daily = Some(0.012);
        config.models.concurrency = 12;
    });
    let told = told.await;
    told.models.reply(Reply::After(Duration::from_millis(700)));
    std::thread::scope(|scope| {
        for number in 0..10 {
            let told = &told;
            scope.spawn(move || assert_eq!(told.bot.post("", &other(number)).status, 201));
        }
    });
    let asked = told.models.totals().requests;
    assert!((1..=3).contains(&asked), "{asked} were under way at once");
    let (_, cost, aside) = booked(&told).await;
    assert!(cost <= 12_000 && aside == 0, "{cost}, {aside}");
}
