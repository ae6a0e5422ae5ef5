//! The session with the gateway: commands come in and are answered, whatever happens to the connection.

use std::time::Duration;

use groundcrew_testkit_discord::{Discord, Options, Privileged};
use serde_json::Value;

use crate::service::{Bot, wait_for};
use crate::town::{PATIENCE, Town, options};

const CONNECTIONS: &str = r#"active_discord_connections{service="summary-bot"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_acknowledged_in_time_and_answered_once() {
    let town = Town::new().await;
    let bot = town.bot().await;
    let ping = town.ada_asks("ping");
    let record = ping.answered().await.expect("an answer");
    assert!(record.answered_once(), "{record:?}");
    assert!(record.acknowledged_after().expect("in time") < Duration::from_secs(3));
    assert!(ping.content().starts_with("Here."), "{}", ping.content());
    let counted = r#"discord_commands_total{command="ping",status="success",service="summary-bot"}"#;
    wait_for("the count", || (bot.metric(counted) == Some(1.0)).then_some(()));
    assert_eq!(bot.metric(CONNECTIONS), Some(1.0));
    bot.land().await;
    assert!(town.discord.sessions().iter().all(|session| !session.connected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_resumed_without_a_new_session() {
    let town = Town::new().await;
    let bot = town.bot().await;
    for cut in [Discord::cut_sessions, Discord::ask_to_reconnect] {
        let before = town.discord.report().resumes;
        cut(&town.discord);
        let resumed = move |discord: &Discord| discord.report().resumes > before;
        town.discord.until("resumed", PATIENCE, resumed).await.expect("resumed");
        assert!(town.ada_asks("ping").answered().await.expect("an answer").answered_once());
    }
    assert_eq!(town.discord.report().identifies, 1);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_session_is_begun_anew() {
    let town = Town::new().await;
    let bot = town.bot().await;
    town.discord.invalidate_sessions(false);
    let anew = |discord: &Discord| discord.report().identifies == 2 && discord.report().connected == 1;
    town.discord.until("another session", PATIENCE, anew).await.expect("another");
    assert!(town.ada_asks("ping").answered().await.expect("an answer").answered_once());
    bot.land().await;
}

/// Field note: MESSAGE_CONTENT intent missing → close 4014. Not a crash loop, and words that say what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_intent_is_said_and_does_not_spend_sessions() {
    let town = Town::new().await;
    town.discord.set_privileged(Privileged { members: true, presences: true, message_content: false });
    let bot = Bot::start(town.config()).await;
    let words = wait_for("the check", || trouble(&bot, "4014"));
    assert!(words.contains("Message Content Intent"), "{words}");
    assert_eq!(bot.get("/ready").status, 200, "it only degrades: the API goes on");
    assert_eq!(town.discord.report().identifies, 0);
    assert_eq!(bot.metric(CONNECTIONS), Some(0.0));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_refused_for_its_token_is_not_tried_again() {
    let town = Town::new().await;
    town.discord.refuse_sessions(4004, 1);
    let bot = Bot::start(town.config()).await;
    let words = wait_for("the check", || trouble(&bot, "4004"));
    assert!(words.contains("Reset Token"), "{words}");
    // The control: a second attempt would be let in.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(town.discord.report().connected, 0);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_falls_silent_is_left() {
    let quick = Options { heartbeat_interval: Duration::from_millis(400), ..options() };
    let town = Town::with(quick).await;
    let bot = town.bot().await;
    town.discord.silence(true);
    wait_for("the silence to be noticed", || (bot.metric(CONNECTIONS) == Some(0.0)).then_some(()));
    town.discord.silence(false);
    wait_for("another session", || (bot.metric(CONNECTIONS) == Some(1.0)).then_some(()));
    assert!(town.ada_asks("ping").answered().await.expect("an answer").answered_once());
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_said_and_nothing_more_is_sent() {
    let town = Town::new().await;
    let mut config = town.config();
    config.discord.token = Some("MTE.wrong.token".to_owned().into());
    let bot = Bot::start(config).await;
    let words = wait_for("the check", || trouble(&bot, "401"));
    assert!(words.contains("Reset Token") && !words.contains("MTE"), "{words}");
    let sent = town.discord.report().invalid_requests;
    assert!(sent <= 3, "{sent} requests were refused");
    // Registering is tried again and again, but not sent.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(town.discord.report().invalid_requests, sent);
    bot.land().await;
}

/// Field note: 1000 IDENTIFYs per 24 h, then the token is reset: the budget survives restarts.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_were_begun_before_a_restart_still_count() {
    let town = Town::new().await;
    let with = |budget| {
        let mut config = town.config();
        config.discord.identify_budget = budget;
        config
    };
    let bot = Bot::start(with(1)).await;
    town.settled().await;
    bot.land().await;
    let bot = Bot::start(with(1)).await;
    let begun = wait_for("the wait", || {
        Some(bot.metric(r#"lease_is_leader{lease="discord gateway",service="summary-bot"}"#))
            .filter(|leads| *leads == Some(1.0))
    });
    assert_eq!(begun, Some(1.0));
    tokio::time::sleep(Duration::from_secs(7)).await; // beyond the five seconds between two sessions
    assert_eq!(town.discord.report().identifies, 1, "the budget of one is spent");
    bot.land().await;
}

/// Discord refuses sessions that follow each other within 5 s: ours keep the distance, over restarts too.
#[tokio::test(flavor = "multi_thread")]
async fn a_quick_restart_keeps_discords_distance_between_sessions() {
    let town = Town::with(Options { identify_every: Duration::from_secs(5), ..options() }).await;
    for _ in 0..2 {
        let bot = Bot::start(town.config()).await;
        town.settled().await;
        bot.land().await;
    }
    let report = town.discord.report();
    assert_eq!((report.identifies, report.too_soon), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_forgotten_with_the_answer() {
    let town = Town::new().await;
    let bot = town.bot().await;
    assert!(town.ada_asks("ping").answered().await.expect("an answer").answered_once());
    let pool = crate::service::file(&town.folder).await;
    let open = "SELECT COUNT(*), COUNT(body) FROM discord_interactions";
    // Its id stays, so that it is not answered again; its token goes.
    loop {
        let counts: (i64, i64) = sqlx::query_as(open).fetch_one(&pool).await.expect("a count");
        if counts == (1, 0) {
            break;
        }
        tokio::task::yield_now().await;
    }
    bot.land().await;
}

/// A database that is away does not cost the three seconds, and whoever asked is told.
#[tokio::test(flavor = "multi_thread")]
async fn without_storage_the_first_word_is_in_time_and_says_so() {
    let town = Town::new().await;
    let bot = town.bot().await;
    // Whoever writes to a SQLite file keeps all others from it.
    let pool = crate::service::file(&town.folder).await;
    let mut writer = pool.acquire().await.expect("a connection");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *writer).await.expect("the lock");
    let ping = town.ada_asks("ping");
    ping.acknowledged().await.expect("in time");
    let record = ping.answered().await.expect("an answer");
    assert!(ping.text().contains("storage does not answer"), "{record:?}");
    sqlx::query("ROLLBACK").execute(&mut *writer).await.expect("the lock is free");
    // The control: with storage it works.
    let ping = town.ada_asks("ping");
    ping.answered().await.expect("an answer");
    assert!(ping.content().starts_with("Here."), "{}", ping.content());
    bot.land().await;
}

/// What the check `discord_api` says, if it says this.
fn trouble(bot: &Bot, what: &str) -> Option<String> {
    let checks: Value = bot.get("/ready").json();
    let words = checks["checks"]["discord_api"]["error"].as_str()?;
    words.contains(what).then(|| words.to_owned())
}
