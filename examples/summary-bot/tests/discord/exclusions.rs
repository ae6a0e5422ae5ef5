//! Whom and what a server's settings leave out stays out, however a summary comes about.

use std::time::Duration;

use groundcrew_testkit_discord::{ChannelKind, Snowflake};
use serde_json::{Value, json};

use crate::buttons::with_buttons;
use crate::service::wait_for;
use crate::stage::{Of, PATIENCE, Stage};
use crate::summarize::answer;

/// What Ben says, who wants to be left out.
const CANARY: &str = "canary";

/// Both talk about the pump.
fn talk(stage: &Stage, channel: Snowflake) {
    let lines = [
        (stage.ada, "The pump is broken again and the water is cold since Monday morning."),
        (stage.ben, "The canary knows that I will order a new pump by Friday."),
        (stage.ada, "We decided that the pump is paid from the repair budget of this year."),
        (stage.ben, "We decided that the canary gets a new cage beside the pump."),
        (stage.ada, "The neighbours know that the water is off on Friday from ten to twelve."),
        (stage.ada, "Who reads the meter of the pump before it is taken out on Friday?"),
        (stage.ada, "I will read the meter of the pump on Thursday, before the water is off."),
    ];
    for (minute, (author, text)) in lines.into_iter().enumerate() {
        let ago = Duration::from_secs(60 * (60 - minute as u64));
        stage.discord.message(channel, author, text).ago(ago).send();
    }
}

async fn set(stage: &Stage, setting: &str, value: Snowflake) {
    let fire = stage.command("config", stage.owner()).sub("set").option("setting", setting);
    let answer = stage.answer(fire.option("value", value.to_string())).await;
    assert!(answer.text().contains(&value.to_string()), "{}", answer.text());
}

/// A hall without Ben's words, and a den that nobody is to summarise.
async fn stage() -> (Stage, Snowflake) {
    let stage = Stage::set().await;
    let den = stage.discord.channel(stage.guild, "den").create();
    talk(&stage, stage.hall);
    talk(&stage, den);
    // The control: without the settings he is heard.
    let heard = summarize(&stage, stage.hall, &json!({}));
    assert!(heard.body.contains(CANARY), "{}", heard.body);
    set(&stage, "excluded_users", stage.ben).await;
    set(&stage, "excluded_channels", den).await;
    (stage, den)
}

fn summarize(stage: &Stage, channel: Snowflake, more: &Value) -> crate::service::http::Answer {
    let mut asked = json!({"guild_id": stage.guild.to_string(), "channel_id": channel.to_string()});
    for (name, value) in more.as_object().expect("an object") {
        asked[name] = value.clone();
    }
    let json = [("content-type", "application/json")];
    stage.bot.call("POST", "/api/v1/summarize", &json, asked.to_string().as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_leaves_out_whom_and_what_the_server_leaves_out() {
    let (stage, den) = stage().await;
    let new = stage.command("schedule", stage.owner()).sub("create").option("name", "the day");
    let new = new.option("every", "daily").option("period", "24h");
    let new = new.option("channel", stage.hall.to_string()).option("channel2", den.to_string());
    assert!(stage.answer(new).await.text().contains("Made: "));
    let before = stage.discord.messages(stage.hall).len();
    stage.answer(stage.command("schedule", stage.owner()).sub("run-now").option("name", "the day")).await;
    let posted =
        stage.discord.until("posted", PATIENCE, |discord| discord.messages(stage.hall).len() > before);
    posted.await.expect("a message");
    let posted = stage.discord.messages(stage.hall).pop().expect("it").to_string();
    assert!(posted.contains("pump") && !posted.contains(CANARY), "{posted}");
    assert!(posted.contains("#den is not to be summarised here"), "{posted}");
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_leaves_out_whom_and_what_the_server_leaves_out() {
    let (stage, den) = stage().await;
    let made = summarize(&stage, stage.hall, &json!({}));
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.body.contains("pump") && !made.body.contains(CANARY), "{}", made.body);
    // Also where somebody says whom else to leave out, and where it is made later.
    let made = summarize(&stage, stage.hall, &json!({"exclude_users": ["somebody"]}));
    assert!(made.status == 201 && !made.body.contains(CANARY), "{}", made.body);
    let closed = summarize(&stage, den, &json!({}));
    assert_eq!((closed.status, closed.code().as_str()), (403, "CHANNEL_ACCESS_DENIED"), "{}", closed.body);
    let asked =
        json!({"guild_id": stage.guild.to_string(), "channel_id": stage.hall.to_string()}).to_string();
    let later = [("content-type", "application/json"), ("prefer", "respond-async")];
    let job = stage.bot.call("POST", "/summarize", &later, asked.as_bytes());
    let job = job.header("location").expect("a job").to_owned();
    let path = wait_for("the summary", || stage.bot.get(&job).json()["summary"].as_str().map(str::to_owned));
    let made = stage.bot.get(&path).body;
    assert!(made.contains("pump") && !made.contains(CANARY), "{made}");
    stage.bot.land().await;
}

/// Messages of a server that are sent along are under its rules, too.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_sent_in_the_name_of_a_server_leave_out_whom_it_leaves_out() {
    let (stage, _) = stage().await;
    let message = |author: Snowflake, text: &str| json!({"author": {"id": author.to_string(), "name": "x"}, "content": text});
    let mut messages: Vec<Value> = (0..5)
        .map(|day| message(stage.ada, &format!("The pump number {day} is repaired by Friday.")))
        .collect();
    messages.push(message(stage.ben, "We decided that the canary gets a new cage."));
    let body = json!({"guild_id": stage.guild.to_string(), "messages": messages}).to_string();
    let json = [("content-type", "application/json")];
    let made = stage.bot.call("POST", "/summarize", &json, body.as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.body.contains("pump") && !made.body.contains(CANARY), "{}", made.body);
    stage.bot.land().await;
}

/// The summary was made before Ben asked to be left out, and before the den was closed to the bot.
#[tokio::test(flavor = "multi_thread")]
async fn a_button_leaves_out_whom_and_what_the_server_leaves_out_by_now() {
    let (stage, den) = stage().await;
    for (channel, expected) in [(stage.hall, "pump"), (den, "INSUFFICIENT_CONTENT")] {
        let id = stage.summary(Of { channel, by: stage.ada, private: false }).await;
        let show = stage.discord.command("summary").by(stage.ada).in_channel(channel).sub("show");
        stage.answer(show.option("summary", id.as_str()).option("public", true)).await;
        let message = with_buttons(&stage, channel, |button| button.ends_with(&id)).await;
        let pressed = stage.discord.button(message, &format!("longer:{id}")).by(stage.ada);
        let again = answer(&pressed.fire().expect("pressed")).await;
        assert!(again.contains(expected) && !again.contains(CANARY), "{again}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_leaves_out_whom_and_what_the_server_leaves_out() {
    let (stage, den) = stage().await;
    let here = answer(&stage.command("summarize", stage.ada).fire().expect("asked")).await;
    assert!(here.contains("pump") && !here.contains(CANARY), "{here}");
    let there = stage.command("summarize", stage.ada).option("channel", den.to_string());
    let there = answer(&there.fire().expect("asked")).await;
    assert!(there.contains("#den is not to be summarised here"), "{there}");
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_category_is_left_out_or_let_in_with_it() {
    let stage = Stage::set().await;
    let category = stage.discord.channel(stage.guild, "workshop").kind(ChannelKind::Category).create();
    let bench = stage.discord.channel(stage.guild, "bench").category(category).create();
    let thread = stage.discord.thread(bench, "lathe").create();
    for place in [bench, thread, stage.hall] {
        talk(&stage, place);
    }
    let statuses = || [bench, thread, stage.hall].map(|place| summarize(&stage, place, &json!({})).status);
    assert_eq!(statuses(), [201, 201, 201], "the control");
    set(&stage, "enabled_channels", category).await;
    assert_eq!(statuses(), [201, 201, 403], "nothing but the category");
    set(&stage, "excluded_channels", category).await;
    assert_eq!(statuses(), [403, 403, 403]);
    stage.bot.land().await;
}
