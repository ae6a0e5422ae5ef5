//! serenity's own client against the local Discord.

use crate::bot::{Bot, SOON, http, intents};
use groundcrew_testkit_discord::{Discord, Options, Privileged};
use serenity::all::{ChannelId, CreateMessage, GetMessages};
use serenity::client::ClientBuilder;
use std::time::Duration;

async fn discord() -> Discord {
    Discord::start_with(Options { identify_every: Duration::ZERO, ..Options::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_registers_a_command_and_answers_it_once() {
    let discord = discord().await;
    let guild = discord.guild("Ops").create();
    let channel = discord.channel(guild, "general").create();
    let ada = discord.member(guild, "ada").create();
    let bot = Bot::ready(&discord).await;
    let said = discord.command("say").option("text", "hello").by(ada).in_channel(channel).fire().unwrap();
    let record = said.answered().await.unwrap();
    assert_eq!(said.content(), "hello");
    assert!(record.answered_once(), "{record:?}");
    assert_eq!(record.received.len(), 1);
    assert!(record.acknowledged_after().unwrap() < Duration::from_secs(3));
    let report = discord.report();
    assert_eq!((report.interactions, report.delivered, report.answered_once), (1, 1, 1));
    bot.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sessions_of_one_token_both_get_an_interaction_and_the_second_answer_is_refused() {
    // The control for every promise about leaders: without one, this happens.
    let discord = discord().await;
    let guild = discord.guild("Ops").create();
    let channel = discord.channel(guild, "general").create();
    let ada = discord.member(guild, "ada").create();
    let (one, other) = (Bot::ready(&discord).await, Bot::ready(&discord).await);
    discord.connected(2, SOON).await.unwrap();
    let said = discord.command("say").option("text", "hello").by(ada).in_channel(channel).fire().unwrap();
    let record = said.until("refused", SOON, |record| !record.refused.is_empty()).await.unwrap();
    assert_eq!(record.received.len(), 2);
    assert_eq!(record.refused[0].code, 40060);
    assert!(!record.answered_once());
    one.abort();
    other.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_comes_in_pages_newest_first() {
    let discord = discord().await;
    let guild = discord.guild("Ops").create();
    let channel = discord.channel(guild, "general").create();
    let ada = discord.member(guild, "ada").create();
    for minute in (0..230_u64).rev() {
        let text = format!("message {minute}");
        discord.message(channel, ada, &text).ago(Duration::from_secs(60 * (minute + 1))).send();
    }
    let http = http(&discord);
    let channel = ChannelId::new(channel.get());
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let mut wish = GetMessages::new().limit(100);
        if let Some(before) = before {
            wish = wish.before(before);
        }
        let page = channel.messages(&http, wish).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        pages.push(page);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 30]);
    assert_eq!(pages[0][0].content, "message 0");
    assert_eq!(pages[2][29].content, "message 229");
    let after = channel.messages(&http, GetMessages::new().after(pages[2][29].id).limit(2)).await.unwrap();
    assert_eq!([&*after[0].content, &*after[1].content], ["message 227", "message 228"]);
    let around = channel.messages(&http, GetMessages::new().around(pages[1][0].id).limit(3)).await.unwrap();
    let around: Vec<_> = around.iter().map(|message| &*message.content).collect();
    assert_eq!(around, ["message 99", "message 100", "message 101"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asked_for_reconnect_resumes_the_session_with_what_was_missed() {
    let discord = discord().await;
    let guild = discord.guild("Ops").create();
    let channel = discord.channel(guild, "general").create();
    let ada = discord.member(guild, "ada").create();
    let bot = Bot::ready(&discord).await;
    discord.cut_sessions();
    discord.message(channel, ada, "while you were away").send();
    discord.until("resumed", SOON, |discord| discord.report().resumes == 1).await.unwrap();
    discord.ask_to_reconnect();
    discord.until("resumed again", SOON, |discord| discord.report().resumes == 2).await.unwrap();
    discord.message(channel, ada, "and back").send();
    let heard = || bot.heard.lock().messages.clone();
    wait(|| heard().len() >= 2).await;
    assert_eq!(heard(), ["while you were away", "and back"]);
    assert_eq!(discord.report().identifies, 1);
    assert_eq!(bot.heard.lock().ready, 1);
    wait(|| bot.heard.lock().resumed == 2).await;
    bot.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_session_makes_the_bot_identify_again() {
    let discord = discord().await;
    let bot = Bot::ready(&discord).await;
    discord.invalidate_sessions(false);
    discord.until("identified again", SOON, |discord| discord.report().identifies == 2).await.unwrap();
    assert_eq!(discord.report().resumes, 0);
    wait(|| bot.heard.lock().ready == 2).await;
    bot.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_that_the_portal_does_not_allow_ends_with_4014() {
    let privileged = Privileged { message_content: false, ..Privileged::default() };
    let discord = Discord::start_with(Options { privileged, ..Options::default() }).await.unwrap();
    let error = Bot::start(&discord).await.ended().await.unwrap_err();
    assert!(error.to_string().contains("Disallowed gateway intents"), "{error}");
    assert_eq!(discord.report().identifies, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_ends_with_4004() {
    let discord = discord().await;
    let http =
        serenity::all::HttpBuilder::new("Bot wrong").proxy(discord.api()).ratelimiter_disabled(true).build();
    let mut client = ClientBuilder::new_with_http(http, intents()).await.unwrap();
    let error = client.start().await.unwrap_err();
    assert!(format!("{error:?}").contains("InvalidAuthentication"), "{error:?}");
    assert_eq!(discord.report().identifies, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sixth_message_in_five_seconds_is_one_too_many() {
    // Without serenity's limiter nothing waits: this is what a bot behind `proxy` has to deal with itself.
    let discord = discord().await;
    let guild = discord.guild("Ops").create();
    let channel = discord.channel(guild, "general").create();
    let http = http(&discord);
    for number in 0..5 {
        let message = CreateMessage::new().content(number.to_string());
        ChannelId::new(channel.get()).send_message(&http, message).await.unwrap();
    }
    let message = CreateMessage::new().content("one more");
    let error = ChannelId::new(channel.get()).send_message(&http, message).await.unwrap_err();
    assert!(format!("{error:?}").contains("429"), "{error:?}");
    assert_eq!(discord.report().by_status[&429], 1);
    assert_eq!(discord.sent(channel).len(), 5);
}

/// Waits for something that no server event announces.
async fn wait(holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, poll).await.expect("in time");
}
