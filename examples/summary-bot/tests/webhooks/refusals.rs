//! Where webhooks may not lead, and how that is said.

use groundcrew::Crew;
use groundcrew::config::Environment;
use serde_json::json;

use crate::service::receiver::Receiver;
use crate::service::{Fixture, SAMPLE, config, wait_for};
use crate::{WEBHOOKS, deliveries, local, post, statuses, subscribe};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_what_is_behind_this_machine() {
    let receiver = Receiver::start();
    let port = receiver.address.port();
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.allow_private = false;
    })
    .await;
    for url in [
        receiver.url("/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://user:hunter2@hooks.example/".to_owned(),
        "ftp://hooks.example/".to_owned(),
        "hooks".to_owned(),
        format!("https://hooks.example/{}", "x".repeat(2048)),
    ] {
        let refused = post(&bot, WEBHOOKS, &json!({"url": url}));
        assert_eq!((refused.status, refused.code().as_str()), (400, "INVALID_REQUEST"), "{url}");
        assert_eq!(refused.json()["field"], "url");
        assert!(!refused.body.contains("hunter2"), "{}", refused.body);
    }
    // A name only shows where it leads when it is called.
    let (webhook, _) = subscribe(&bot, &format!("https://localhost:{port}/"));
    bot.post("", SAMPLE);
    let tried =
        wait_for("an attempt", || deliveries(&bot, &webhook).pop().filter(|it| !statuses(it).is_empty()));
    let error = tried["attempts"][0]["error"].as_str().expect("why not");
    assert!(error.contains("not a public address"), "{error}");
    assert!(receiver.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_our_own_is_named_in_the_configuration() {
    let receiver = Receiver::start();
    let port = receiver.address.port();
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.allow_private = false;
        config.webhooks.private_hosts = vec!["localhost".to_owned()];
    })
    .await;
    let (_, secret) = subscribe(&bot, &format!("http://localhost:{port}/"));
    bot.post("", SAMPLE);
    receiver.wait_for(1).remove(0).verify(&secret).expect("our signature");
    let refused = post(&bot, WEBHOOKS, &json!({"url": receiver.url("/")}));
    assert_eq!(refused.status, 400, "by its address it is not named");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_refuses_webhooks_that_may_lead_anywhere() {
    let start = |allow_private| async move {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut config = config(&folder.path().join("bot.db"));
        config.webhooks.allow_private = allow_private;
        config.redis.in_process = true;
        let crew = Crew::builder("summary-bot", "1.0.0").environment(Environment::Production);
        let crew = crew.in_kubernetes(false).build();
        Box::pin(summary_bot::launch(config, crew)).await
    };
    let error = start(true).await.expect_err("a refusal").to_string();
    assert!(error.contains("webhooks.private_hosts"), "{error}");
    start(false).await.expect("it starts without");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_webhook_is_said() {
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.max = 1;
    })
    .await;
    let url = "http://127.0.0.1:9/";
    for (body, field) in [
        (json!({"url": url, "events": []}), "events"),
        (json!({"url": url, "events": ["summary.read"]}), "events"),
        (json!({"url": url, "guild_id": "seven"}), "guild_id"),
        (json!({"url": url, "description": "x".repeat(201)}), "description"),
        (json!({"url": url, "secret": "whsec_mine"}), "secret"),
        (json!({}), ""),
    ] {
        let refused = post(&bot, WEBHOOKS, &body);
        assert_eq!((refused.status, refused.code().as_str()), (400, "INVALID_REQUEST"), "{}", refused.body);
        assert!(refused.json()["field"].as_str().unwrap_or_default().contains(field), "{}", refused.body);
    }
    subscribe(&bot, url);
    let refused = post(&bot, WEBHOOKS, &json!({"url": url}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "TOO_MANY_WEBHOOKS"));
    for path in ["/nonsense", "/01a1fdf0-f09e-7490-9c02-481706f95825"] {
        let path = format!("{WEBHOOKS}{path}");
        assert_eq!(bot.get(&path).code(), "NOT_FOUND");
        assert_eq!(bot.call("POST", &format!("{path}/secret"), &[], b"").code(), "NOT_FOUND");
        assert_eq!(bot.call("POST", &format!("{path}/enable"), &[], b"").code(), "NOT_FOUND");
    }
}
