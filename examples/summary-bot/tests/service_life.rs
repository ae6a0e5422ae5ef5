//! The running service: load, clients that go, restarts, probes, metrics, what browsers may do.

mod service;

use std::collections::HashSet;
use std::io::Write;
use std::net::TcpStream;

use groundcrew::config::ByteSize;
use service::{Bot, Fixture, SAMPLE, SUMMARIES, config, http, jobs, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_made_and_stored() {
    let bot = Fixture::start().await;
    let ids: HashSet<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..12)
            .map(|n| {
                scope.spawn({
                    let bot = &bot;
                    move || bot.make(&format!("at-once-{n}"))
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a summary")).collect()
    });
    assert_eq!(ids.len(), 12);
    assert_eq!(bot.get(SUMMARIES).json()["items"].as_array().map(Vec::len), Some(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_when_to_come_again() {
    let bot = Fixture::with(|config| {
        config.summaries.concurrency = 1;
        config.summaries.queue = 0;
    })
    .await;
    // A conversation that does not arrive holds the only place.
    let mut slow = http::connect(bot.address);
    let json = [("content-type", "application/json")];
    slow.write_all(http::head(bot.address, "POST", SUMMARIES, &json, 100).as_bytes()).expect("sent");
    let queue = r#"message_processing_queue_size{service="summary-bot"}"#;
    wait_for("the place to be taken", || (bot.metric(queue) == Some(1.0)).then_some(()));
    let answer = bot.post("", SAMPLE);
    assert_eq!((answer.status, answer.code().as_str()), (503, "QUEUE_FULL"));
    assert_eq!(answer.header("retry-after"), Some("5"));
    drop(slow);
    wait_for("the place to be free", || (bot.metric(queue) == Some(0.0)).then_some(()));
    assert_eq!(bot.post("", SAMPLE).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_wait_take_no_more_memory_than_they_may() {
    let bot = Fixture::with(|config| config.summaries.memory = ByteSize(64 << 10)).await;
    let mut slow = http::connect(bot.address);
    let json = [("content-type", "application/json")];
    slow.write_all(http::head(bot.address, "POST", SUMMARIES, &json, 60 << 10).as_bytes()).expect("sent");
    let queue = r#"message_processing_queue_size{service="summary-bot"}"#;
    wait_for("the memory to be taken", || (bot.metric(queue) == Some(1.0)).then_some(()));
    assert_eq!(bot.post("", SAMPLE).code(), "QUEUE_FULL");
    drop(slow);
    wait_for("the memory to be free", || (bot.metric(queue) == Some(0.0)).then_some(()));
    // One that is larger than all of it is taken when nothing else is there.
    let large = format!("{}{}", SAMPLE, " ".repeat(80 << 10));
    assert_eq!(bot.post("", &large).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_finished_and_stored_although_its_client_has_gone() {
    let bot = Fixture::start().await;
    let client = begin_a_long_one(&bot);
    drop(client);
    let error = r#"webhook_requests_total{endpoint="create_summary",status="error",service="summary-bot"}"#;
    wait_for("the request to be dropped", || (bot.metric(error) == Some(1.0)).then_some(()));
    let count = || bot.get(SUMMARIES).json()["items"].as_array().map_or(0, Vec::len);
    wait_for("the summary to be stored", || (count() == 1).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_the_summary_that_is_being_made() {
    let Fixture { bot, folder } = Fixture::start().await;
    let mut client = begin_a_long_one(&bot);
    bot.land().await;
    let answer = http::answer(&mut client);
    assert_eq!(answer.status, 201);
    let again = Bot::start(config(&folder.path().join("bot.db"))).await;
    assert_eq!(again.get(answer.header("location").expect("a location")).json(), answer.json());
}

/// Sends a conversation that takes a while, and waits until it is being summarised.
fn begin_a_long_one(bot: &Bot) -> TcpStream {
    let body = jobs::long_conversation(40);
    let mut client = http::connect(bot.address);
    let json = [("content-type", "application/json")];
    client.write_all(http::head(bot.address, "POST", SUMMARIES, &json, body.len()).as_bytes()).expect("sent");
    client.write_all(body.as_bytes()).expect("sent");
    let begun = || bot.metric(r#"summaries_in_progress{service="summary-bot"}"#) == Some(1.0);
    wait_for("the work to begin", || begun().then_some(()));
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_was_made() {
    let Fixture { bot, folder } = Fixture::start().await;
    let path = format!("{SUMMARIES}/{}", bot.make("before"));
    let before = bot.get(&path).json();
    bot.land().await;
    let again = Bot::start(config(&folder.path().join("bot.db"))).await;
    assert_eq!(again.get(&path).json(), before);
    assert_eq!(again.get(SUMMARIES).json()["items"][0]["title"], "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_shows_the_database() {
    let bot = Fixture::start().await;
    let ready =
        wait_for("the first check", || Some(bot.get("/ready")).filter(|answer| answer.status == 200)).json();
    assert_eq!(ready["checks"]["database"]["status"], "healthy");
    let checks: Vec<&String> = ready["checks"].as_object().expect("checks").keys().collect();
    let once = ["lease summary-bot schedules", "lease summary-bot timetable", "schedules", "timetable"];
    let always = [&["database", "jobs"], &once[..]].concat();
    assert_eq!(checks, always, "what is not configured is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_have_the_names_that_dashboards_know() {
    let bot = Fixture::start().await;
    bot.make("counted");
    bot.get(&format!("{SUMMARIES}/nonsense"));
    for (series, value) in [
        (r#"webhook_requests_total{endpoint="create_summary",status="success",service="summary-bot"}"#, 1.0),
        (r#"webhook_requests_total{endpoint="create_summary",status="error",service="summary-bot"}"#, 0.0),
        (r#"webhook_requests_total{endpoint="get_summary",status="error",service="summary-bot"}"#, 1.0),
        (r#"summary_generation_duration_seconds_count{service="summary-bot"}"#, 1.0),
        (r#"message_processing_queue_size{service="summary-bot"}"#, 0.0),
        (r#"active_discord_connections{service="summary-bot"}"#, 0.0),
        (r#"discord_commands_total{command="summarize",status="success",service="summary-bot"}"#, 0.0),
        (r#"openai_requests_total{model="none",status="error",service="summary-bot"}"#, 0.0),
    ] {
        assert_eq!(bot.metric(series), Some(value), "{series}");
    }
    let text = bot.crew.metrics().encode();
    for bound in ["0.1", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf"] {
        let series =
            format!(r#"summary_generation_duration_seconds_bucket{{service="summary-bot",le="{bound}"}}"#);
        assert!(text.contains(&series), "{series}");
    }
    assert!(text.contains("db_active_connections"), "the pool is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_get_nothing() {
    let bot = Fixture::start().await;
    let cross = [("sec-fetch-site", "cross-site"), ("content-type", "text/plain")];
    for (method, body) in [("POST", SAMPLE), ("GET", "")] {
        let answer = bot.call(method, SUMMARIES, &cross, body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (403, "CROSS_SITE"));
    }
    assert_eq!(bot.call("GET", SUMMARIES, &[("sec-fetch-site", "same-origin")], b"").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_not_cached_on_the_way() {
    let bot = Fixture::start().await;
    let path = format!("{SUMMARIES}/{}", bot.make("private"));
    assert_eq!(bot.get(&path).header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_nothing_but_its_own_files() {
    let bot = Fixture::start().await;
    for path in ["/", "/docs"] {
        let page = bot.get(path);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("content-security-policy"), Some(summary_bot::POLICY));
        assert!(!page.body.contains("://"), "an outside host");
        assert!(!page.body.contains("style="), "an inline style");
        let scripts = page.body.matches("<script").count();
        assert_eq!(page.body.matches("<script src=\"/").count(), scripts, "an inline script");
    }
    for (path, kind) in [
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/docs.js", "text/javascript; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/sample.json", "application/json"),
    ] {
        let file = bot.get(path);
        assert_eq!((file.status, file.header("content-type")), (200, Some(kind)), "{path}");
        assert!(!file.body.contains("innerHTML"), "{path} builds markup from text");
    }
}
