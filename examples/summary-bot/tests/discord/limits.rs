//! What Discord's limits and faults do to an answer: nothing but delay.

use std::time::{Duration, Instant};

use groundcrew_testkit_discord::{Effect, Fault};
use serde_json::json;

use crate::service::{Bot, SAMPLE, wait_for};
use crate::summarize::answer;
use crate::town::{PATIENCE, Town};

/// How many calls of Discord's REST API ended so.
fn calls(bot: &Bot, outcome: &str) -> u64 {
    let text = bot.crew.metrics().encode();
    let ours = |line: &&str| {
        line.starts_with("http_client_requests_total{")
            && line.contains(r#"client="discord""#)
            && line.contains(&format!(r#"outcome="{outcome}""#))
    };
    let count = text.lines().find(ours).and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count")]
    count.map_or(0, |count| count as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_waited_for_as_long_as_discord_says() {
    let town = Town::new().await;
    town.talk(town.apron);
    let bot = town.bot().await;
    let too_many = Effect::too_many(Duration::from_millis(900));
    town.discord.add_fault(Fault::on("GET", "/channels/*/messages").times(2).effect(too_many));
    let begun = Instant::now();
    let text = answer(&town.ada_asks("summarize")).await;
    assert!(text.contains("compiler"), "{text}");
    assert!(begun.elapsed() >= Duration::from_millis(1800), "it waited {:?}", begun.elapsed());
    // Two that were too many, and the one that was not: nothing is tried before its time.
    let pages = town.discord.requests().iter().filter(|request| request.route.ends_with("/messages")).count();
    assert!(pages <= 4, "{pages} pages");
    assert_eq!(calls(&bot, "rate_limited"), 2, "they are counted by host");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_gets_through_a_discord_that_fails() {
    let town = Town::new().await;
    let bot = town.bot().await;
    town.discord.add_fault(
        Fault::on("PATCH", "/webhooks/*/*/messages/@original").times(2).effect(Effect::status(502)),
    );
    let ping = town.ada_asks("ping");
    assert!(ping.answered().await.expect("an answer").answered);
    town.discord
        .add_fault(Fault::on("PATCH", "/webhooks/*/*/messages/@original").once().effect(Effect::CutAfter));
    let ping = town.ada_asks("ping");
    assert!(ping.answered().await.expect("an answer").answered_once());
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_only_fails_is_left_alone_and_asked_again() {
    let town = Town::new().await;
    let bot = town.bot().await;
    town.discord.add_fault(Fault::anywhere().times(80).effect(Effect::status(503)));
    for _ in 0..12 {
        town.ada_asks("ping");
    }
    let deadline = Instant::now() + PATIENCE;
    while calls(&bot, "refused") == 0 {
        assert!(Instant::now() < deadline, "{}", bot.crew.metrics().encode());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    town.discord.clear_faults();
    let answered = async {
        loop {
            // What Discord did not hear within three seconds is lost; the next one is not.
            let ping = town.ada_asks("ping");
            if ping.until("answered", Duration::from_secs(4), |record| record.answered).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("it is asked again");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_does_not_answer_holds_up_no_summary_of_what_was_sent() {
    let town = Town::new().await;
    town.talk(town.apron);
    let mut config = town.config();
    config.summaries.concurrency = 1;
    let bot = Bot::start(config).await;
    town.settled().await;
    town.discord.add_fault(Fault::on("GET", "/channels/*/messages").effect(Effect::slow(PATIENCE)));
    let asked = json!({"guild_id": town.guild.to_string(), "channel_id": town.apron.to_string()}).to_string();
    let later = [("content-type", "application/json"), ("prefer", "respond-async")];
    let waiting = bot.call("POST", "/summarize", &later, asked.as_bytes());
    assert_eq!(waiting.status, 202, "{}", waiting.body);
    wait_for("it is being read", || {
        bot.metric("summaries_in_progress{service=\"summary-bot\"} ").filter(|it| *it > 0.0)
    });
    let begun = Instant::now();
    assert_eq!(bot.post("?min_messages=1", SAMPLE).status, 201);
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    let job = waiting.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(bot.call("DELETE", &format!("/api/v1/jobs/{job}"), &[], &[]).status, 200, "called off");
    bot.land().await;
}
