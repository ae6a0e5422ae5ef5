//! Interactions over HTTP: signed, durable before they are acknowledged, finished by whoever is left.

use groundcrew_testkit_discord::Discord;
use summary_bot::DiscordMode;

use crate::service::{Bot, http};
use crate::summarize::answer;
use crate::town::{PATIENCE, Town};

async fn with_endpoint(town: &Town) -> Bot {
    let mut config = town.config();
    config.discord.mode = DiscordMode::Endpoint;
    let bot = Bot::start(config).await;
    let url = format!("http://{}/discord/interactions", bot.address);
    // Discord tries out a ping, and a signature that is not right.
    town.discord.set_interactions_endpoint(Some(&url)).await.expect("an endpoint that Discord takes");
    let known = |discord: &Discord| !discord.commands(None).is_empty();
    town.discord.until("the commands are registered", PATIENCE, known).await.expect("commands");
    bot
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_come_over_http_without_any_session() {
    let town = Town::new().await;
    town.talk(town.apron);
    let bot = with_endpoint(&town).await;
    let record = town.ada_asks("ping").answered().await.expect("an answer");
    assert!(record.answered_once(), "{record:?}");
    let text = answer(&town.ada_asks("summarize")).await;
    assert!(text.contains("compiler"), "{text}");
    assert_eq!(town.discord.report().identifies, 0);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_request_is_401() {
    let town = Town::new().await;
    let bot = with_endpoint(&town).await;
    let json = [("content-type", "application/json")];
    let answer = http::call(bot.address, "POST", "/discord/interactions", &json, br#"{"type":1}"#);
    assert_eq!((answer.status, answer.code().as_str()), (401, "BAD_SIGNATURE"));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_answered_by_another_replica() {
    let town = Town::new().await;
    let bot = with_endpoint(&town).await;
    // The answer cannot be delivered while this replica lives.
    let dead = groundcrew_testkit_discord::Fault::on("PATCH", "/webhooks/*/*/messages/@original");
    town.discord.add_fault(dead.effect(groundcrew_testkit_discord::Effect::Cut));
    let ping = town.ada_asks("ping");
    ping.acknowledged().await.expect("acknowledged");
    bot.crew.request_shutdown(groundcrew::runtime::Reason::Requested("the test says so".to_owned()));
    drop(bot.crew.land().await);
    assert!(!ping.record().answered);
    town.discord.clear_faults();
    let other = with_endpoint(&town).await;
    let record =
        ping.until("answered by the other", PATIENCE * 2, |record| record.answered).await.expect("an answer");
    assert!(record.answered);
    other.land().await;
}
