//! What Discord's limits and faults do to an answer: nothing but delay.

use std::time::{Duration, Instant};

use groundcrew_testkit_discord::{Effect, Fault};

use crate::summarize::answer;
use crate::town::Town;

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
