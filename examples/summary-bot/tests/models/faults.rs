//! Servers that limit, fail, hang, drip and refuse: there is a summary all the same.

use std::time::{Duration, Instant};

use groundcrew::runtime::CheckStatus;
use groundcrew_testkit::models::Reply;
use serde_json::json;
use summary_bot::Fallback;

use crate::service::conversation;
use crate::support::{Told, warnings};

/// What each fault is called in a summary and, without a fallback, in the problem.
fn faults() -> Vec<(Reply, &'static str, u16)> {
    vec![
        (Reply::RateLimited(Duration::from_secs(30)), "API_RATE_LIMIT", 503),
        (Reply::OutOfMoney, "QUOTA_EXCEEDED", 429),
        (Reply::Failed(500), "MODEL_UNAVAILABLE", 503),
        (Reply::Failed(529), "MODEL_UNAVAILABLE", 503),
        (Reply::Unauthorized, "MODEL_UNAVAILABLE", 503),
        (Reply::Unknown, "MODEL_UNAVAILABLE", 503),
        (Reply::TooLong, "PROMPT_TOO_LONG", 422),
        (Reply::Silence, "API_TIMEOUT", 504),
        (Reply::Drip(Duration::from_millis(20)), "API_TIMEOUT", 504),
        (Reply::Cut, "MODEL_UNAVAILABLE", 503),
        (Reply::Ended, "MODEL_UNAVAILABLE", 503),
        (Reply::Broken, "MODEL_UNAVAILABLE", 503),
        (Reply::Stalled, "API_TIMEOUT", 504),
        (Reply::Garbage, "MODEL_UNAVAILABLE", 503),
        (Reply::Truncated, "TOKEN_LIMIT_EXCEEDED", 422),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_model_does_there_is_a_summary_with_a_warning() {
    for (reply, code, _) in faults() {
        // A bot for each: what is left alone after failures would hide the next one.
        let told = Told::with(|config, _| config.models.timeout = Duration::from_millis(400)).await;
        told.models.reply(reply.clone());
        let begun = Instant::now();
        let summary = told.summary([]);
        assert_eq!(warnings(&summary), [code], "{reply:?}");
        assert_eq!(summary["metadata"]["engine"], "groundcrew-extractive/1", "{reply:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{reply:?} took {:?}", begun.elapsed());
        let text = summary.to_string();
        assert!(!text.contains("127.0.0.1") && !text.contains("sk-canary"), "{reply:?}: {text}");
        assert_eq!(told.bot.metric("model_fallbacks_total{service=\"summary-bot\"}"), Some(1.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fallback_the_problem_says_why() {
    for (reply, code, status) in faults() {
        let told = Told::with(|config, _| {
            config.models.timeout = Duration::from_millis(400);
            config.models.fallback = Fallback::None;
        });
        let told = told.await;
        told.models.reply(reply.clone());
        let answer = told.bot.post("", &conversation(&json!({})));
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{reply:?}: {}", answer.body);
        assert!(!answer.body.contains("127.0.0.1") && !answer.body.contains("sk-canary"), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_model_takes_over() {
    let told = Told::with_two(|_| {}).await;
    told.models.reply_for("large", Reply::Failed(503));
    let summary = told.summary([]);
    assert_eq!(summary["metadata"]["model"]["name"], "spare");
    assert_eq!(warnings(&summary), [""; 0]);
    let asked: Vec<String> = told.models.requests().iter().map(|it| it.model().to_owned()).collect();
    assert_eq!(asked, ["large", "small"]);
    let failures = r#"model_failures_total{model="main",service="summary-bot"}"#;
    assert_eq!(told.bot.metric(failures), Some(1.0));
    // Both down: each is named.
    told.models.reply_for("small", Reply::Unauthorized);
    let summary = told.summary([]);
    assert_eq!(warnings(&summary), ["MODEL_UNAVAILABLE", "MODEL_UNAVAILABLE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_says_nothing_leaves_the_next_its_share_of_the_time() {
    let told = Told::with_two(|config| config.summaries.timeout = Duration::from_secs(20)).await;
    told.models.reply_for("large", Reply::Silence);
    let summary = told.summary([]);
    assert_eq!(summary["metadata"]["model"]["name"], "spare");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_limit_is_waited_for() {
    let told = Told::start().await;
    let begun = Instant::now();
    let summary = told.summary([Reply::RateLimited(Duration::from_secs(1))]);
    assert_eq!(summary["metadata"]["engine"], "openai/large");
    assert!(begun.elapsed() >= Duration::from_secs(1), "it came after {:?}", begun.elapsed());
    assert_eq!(told.models.totals().requests, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_ends_soon_still_gets_a_summary() {
    let told = Told::with(|config, _| config.summaries.timeout = Duration::from_secs(3)).await;
    told.models.reply(Reply::Silence);
    let summary = told.summary([]);
    assert_eq!(warnings(&summary), ["API_TIMEOUT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_left_alone_and_said_to_be_degraded() {
    let told = Told::with(|config, _| {
        let gone = config.models.named.get_mut("main").expect("the model");
        // Nobody listens on the discard port.
        gone.base_url = Some("http://127.0.0.1:9/v1".to_owned());
        config.client.breaker_failures = 1;
        config.client.max_retries = 0;
    });
    let told = told.await;
    for _ in 0..2 {
        assert_eq!(warnings(&told.summary([])), ["MODEL_UNAVAILABLE"]);
    }
    let readiness = crate::service::wait_for("the check", || {
        let readiness = told.bot.crew.readiness();
        let check = readiness.checks.iter().find(|check| check.name == "openai_api")?;
        (check.status == CheckStatus::Unhealthy).then_some(readiness)
    });
    assert!(readiness.ready, "without models the bot does what it can");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_think_hold_up_nobody_who_needs_a_core() {
    let told = Told::with_two(|config| {
        config.summaries.concurrency = 1;
        config.models.timeout = Duration::from_secs(20);
        config.models.chain = vec!["main".to_owned()];
    });
    let told = told.await;
    told.models.reply(Reply::After(Duration::from_secs(2)));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(told.bot.post("", &conversation(&json!({}))).status, 201));
        }
    });
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "twelve seconds, one after the other: {:?}",
        begun.elapsed()
    );
    assert!(told.models.totals().at_once > 1);
}
