//! On SQLite and in one process: summaries that are made later, the cache, and the limit.

use std::time::{Duration, Instant};

use groundcrew::limit::LimitConfig;
use serde_json::{Value, json};

use crate::service::jobs::{self, ASYNC};
use crate::service::{self, Fixture, SAMPLE, SUMMARIES, config, conversation, wait_for};

const JSON: (&str, &str) = ("content-type", "application/json");
const JOBS: &str = "/api/v1/jobs";

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_may_be_summarised_later() {
    let bot = Fixture::start().await;
    let accepted = bot.call("POST", &format!("{SUMMARIES}?length=brief"), &[ASYNC, JSON], SAMPLE.as_bytes());
    assert_eq!((accepted.status, &accepted.json()["state"]), (202, &json!("pending")));
    assert_eq!(accepted.header("preference-applied"), Some("respond-async"));
    let job = accepted.header("location").expect("a location").to_owned();
    let done = wait_for("the summary", || Some(bot.get(&job).json()).filter(|job| job["state"] != "pending"));
    assert_eq!((&done["id"], &done["problem"]), (&accepted.json()["id"], &Value::Null));
    let later = bot.get(done["summary"].as_str().expect("the summary's path")).json();
    let at_once = bot.post("?length=brief", SAMPLE).json();
    assert_eq!(later["summary_text"], at_once["summary_text"]);
    assert_eq!(bot.get(SUMMARIES).json()["items"].as_array().map(Vec::len), Some(2));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_summarised_later_says_why() {
    let bot = Fixture::start().await;
    for (query, body, status, code) in [
        ("", r#"[{"author": "anna", "content": "The ARM build is broken."}]"#, 422, "INSUFFICIENT_CONTENT"),
        ("?min_messages=50", SAMPLE, 422, "INSUFFICIENT_CONTENT"),
    ] {
        let accepted = bot.call("POST", &format!("{SUMMARIES}{query}"), &[ASYNC, JSON], body.as_bytes());
        let job = accepted.header("location").expect("a location").to_owned();
        let failed =
            wait_for("the end", || Some(bot.get(&job).json()).filter(|job| job["state"] != "pending"));
        assert_eq!((&failed["state"], &failed["summary"]), (&json!("failed"), &Value::Null));
        assert_eq!(
            (&failed["problem"]["status"], &failed["problem"]["code"]),
            (&json!(status), &json!(code))
        );
    }
    // What does not read is refused at once.
    for (query, body, code) in [
        ("", "{\"messages\": [\n  {\"author\": \"anna\", }\n]}", "INVALID_JSON"),
        ("?words=many", SAMPLE, "INVALID_REQUEST"),
        ("", r#"[{"content": "x"}]"#, "INVALID_REQUEST"),
    ] {
        let refused = bot.call("POST", &format!("{SUMMARIES}{query}"), &[ASYNC, JSON], body.as_bytes());
        assert_eq!((refused.status, refused.code().as_str()), (400, code));
    }
    assert_eq!(bot.get(SUMMARIES).json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_nobody_asked_for_is_not_found() {
    let bot = Fixture::start().await;
    for id in ["01a1fdf0-f09e-7490-9c02-481706f95825", "nonsense"] {
        let answer = bot.get(&format!("{JOBS}/{id}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
    }
    let series = r#"webhook_requests_total{endpoint="get_job",status="error",service="summary-bot"}"#;
    assert_eq!(bot.metric(series), Some(2.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_kept_no_longer_than_until_it_is_answered() {
    let bot = Fixture::start().await;
    let asked = [("secret-title", SAMPLE), ("secret-title", "[]")]
        .map(|(title, body)| jobs::ask(bot.address, title, body));
    let states = asked.map(|job| jobs::outcome(bot.address, &job)["state"].clone());
    assert_eq!(states, [json!("succeeded"), json!("failed")]);
    let database = bot.folder.path().join("bot.db");
    let database =
        sqlx::SqlitePool::connect(&format!("sqlite:{}", database.display())).await.expect("a file");
    let kept = "SELECT count(*) FROM requests WHERE body IS NOT NULL OR query LIKE '%secret%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(kept).fetch_one(&database).await.expect("a count"), 0);
    assert_eq!(
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM requests")
            .fetch_one(&database)
            .await
            .expect("a count"),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_is_read_again_comes_from_the_cache_until_it_is_deleted() {
    let bot = Fixture::start().await;
    let path = format!("{SUMMARIES}/{}", bot.make("cached"));
    let first = bot.get(&path).json();
    assert_eq!(bot.get(&path).json(), first);
    let hits = r#"cache_requests_total{cache="documents",outcome="hit",service="summary-bot"}"#;
    assert_eq!(bot.metric(hits), Some(1.0), "the second time");
    assert_eq!(bot.delete(&path).status, 204);
    assert_eq!(bot.get(&path).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_more_than_a_hundred_times_a_minute_is_told_when_to_come_again() {
    let bot = Fixture::with(|config| config.rate_limiting = LimitConfig::default()).await;
    let begun = Instant::now();
    let mut answers = (0..1000).map(|_| bot.get(&format!("{JOBS}/nonsense")));
    let first = answers.next().expect("an answer");
    assert_eq!(first.header("ratelimit-policy"), Some("\"api\";q=100;w=60"));
    assert!(first.header("ratelimit").is_some_and(|left| left.starts_with("\"api\";r=99")), "{}", first.head);
    let mut allowed = 1;
    let refused = answers.find(|answer| {
        allowed += u64::from(answer.status == 404);
        answer.status == 429
    });
    // What was used comes back while we ask: one request each 600 ms.
    let returned = begun.elapsed().as_millis() / 600;
    assert!((100..=101 + returned).contains(&allowed.into()), "{allowed} in {:?}", begun.elapsed());
    let refused = refused.expect("an end");
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(
        refused.header("ratelimit").is_some_and(|left| left.starts_with("\"api\";r=0")),
        "{}",
        refused.head
    );
    for path in ["/health", "/ready", "/", "/openapi.json"] {
        assert_eq!(bot.get(path).status, 200, "{path} is not limited");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_use_up_nobodys_quota() {
    let one = LimitConfig::of(1, Duration::from_secs(3600));
    let bot = Fixture::with(|config| config.rate_limiting = one).await;
    let cross = [("sec-fetch-site", "cross-site")];
    for _ in 0..3 {
        assert_eq!(bot.call("GET", SUMMARIES, &cross, b"").status, 403);
    }
    assert_eq!([bot.get(SUMMARIES).status, bot.get(SUMMARIES).status], [200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_are_still_there_after_a_restart() {
    // Nobody runs jobs while all hands are at a conversation that takes a while.
    let Fixture { bot, folder } = Fixture::with(|config| {
        config.jobs.concurrency = 1;
        config.jobs.prefetch = 0;
    })
    .await;
    let long = jobs::long_conversation(40);
    let ask = |title: &str, body: &str| (title.to_owned(), jobs::ask(bot.address, title, body));
    let mut asked = vec![ask("long", &long)];
    asked.extend((0..5).map(|n| ask(&format!("short-{n}"), &conversation(&json!({})))));
    bot.land().await;
    let again = service::Bot::start(config(&folder.path().join("bot.db"))).await;
    jobs::assert_each_once(again.address, &asked);
    again.land().await;
}
