//! A rule for a channel holds wherever one asks about it from.

use std::time::Duration;

use groundcrew_testkit_discord::{ChannelKind, Snowflake};
use serde_json::json;

use crate::servers::{Person, SCHEDULES, allow, made, schedule, stage, stage_with};
use crate::stage::Stage;
use crate::summarize::answer;

pub(crate) fn talk(stage: &Stage, channel: Snowflake) {
    let lines = [
        "The pump is broken again and nobody has looked at it since Monday.",
        "I will order a new pump by Friday, the old one cannot be repaired.",
        "We decided that the pump is paid from the repair budget of this year.",
        "The neighbours know that the water is off on Friday from ten to twelve.",
        "Who reads the meter of the pump before it is taken out on Friday?",
        "I read the meter this morning, and the figures are on the board.",
    ];
    for (text, minute) in lines.into_iter().zip(0_u64..) {
        let ago = Duration::from_secs(60 * (30 - minute));
        stage.discord.message(channel, stage.ada, text).ago(ago).send();
    }
}

/// The owner says what others may do there.
pub(crate) async fn rule(stage: &Stage, channel: Snowflake, level: &str) {
    let fire = stage.command("config", stage.owner()).sub("permissions");
    let answer = stage.answer(fire.option("channel", channel.to_string()).option("level", level)).await;
    assert!(answer.text().contains(level), "{}", answer.text());
}

/// What Ben hears who asks for a summary of `channel` in `place`.
async fn asked(stage: &Stage, place: Snowflake, channel: Snowflake) -> String {
    let fire = stage.discord.command("summarize").by(stage.ben).in_channel(place);
    answer(&fire.option("channel", channel.to_string()).fire().expect("a command")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_summarised_is_not_from_elsewhere_either() {
    let stage = stage().await;
    let quiet = stage.discord.channel(stage.guild, "quiet").create();
    let thread = stage.discord.thread(quiet, "pumps").create();
    talk(&stage, quiet);
    talk(&stage, thread);
    // The control: nobody has said anything against it yet.
    let text = asked(&stage, stage.hall, quiet).await;
    assert!(text.contains("It is in"), "{text}");
    rule(&stage, quiet, "read").await;
    for channel in [quiet, thread] {
        let text = asked(&stage, stage.hall, channel).await;
        assert!(text.contains("by a rule") && !text.contains("budget"), "{text}");
    }
    for place in [quiet, thread] {
        let text = asked(&stage, place, place).await;
        assert!(text.contains("FORBIDDEN") && !text.contains("budget"), "{text}");
    }
    // An admin may all the same.
    allow(&stage, stage.ben, "admin").await;
    for place in [stage.hall, thread] {
        let text = asked(&stage, place, thread).await;
        assert!(text.contains("It is in") || text.contains("budget"), "{text}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_a_category_holds_in_its_channels() {
    let stage = stage().await;
    let wing = stage.discord.channel(stage.guild, "wing").kind(ChannelKind::Category).create();
    let lounge = stage.discord.channel(stage.guild, "lounge").category(wing).create();
    let forum = stage.discord.channel(stage.guild, "ideas").kind(ChannelKind::Forum).category(wing).create();
    let post = stage.discord.thread(forum, "pumps").create();
    talk(&stage, lounge);
    talk(&stage, post);
    rule(&stage, wing, "read").await;
    for channel in [wing, lounge, forum, post] {
        let text = asked(&stage, stage.hall, channel).await;
        assert!(text.contains("by a rule") && !text.contains("budget"), "{text}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_api_a_rule_for_a_channel_holds_too() {
    let stage = stage().await;
    let quiet = stage.discord.channel(stage.guild, "quiet").create();
    let thread = stage.discord.thread(quiet, "pumps").create();
    talk(&stage, quiet);
    talk(&stage, thread);
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let summarize = |channel: Snowflake| {
        let asked = json!({
            "guild_id": stage.guild.to_string(), "channel_id": channel.to_string(), "min_messages": 1,
        });
        ben.ask("POST", "/api/v1/summarize", &asked)
    };
    assert_eq!(summarize(quiet).status, 201);
    rule(&stage, quiet, "read").await;
    for channel in [quiet, thread] {
        let refused = summarize(channel);
        assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"), "{}", refused.body);
    }
    allow(&stage, stage.ben, "admin").await;
    assert_eq!(summarize(thread).status, 201);
    stage.bot.land().await;
}

/// What was accepted all the same could not be read.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_admins_are_refused_at_once_what_the_rules_of_a_server_forbid() {
    let stage = stage_with(|config, ben| config.sign_in.admins = vec![ben.to_string()]).await;
    talk(&stage, stage.hall);
    let ben = Person::with(&stage, &stage.ben.to_string(), "*").await;
    let asked = json!({"guild_id": stage.guild.to_string(), "channel_id": stage.hall.to_string()});
    let new = schedule(&stage, stage.hall, "the week");
    // The control: without a rule they may.
    assert_eq!(ben.ask("POST", "/api/v1/summarize", &asked).status, 201);
    assert_eq!(ben.ask("POST", SCHEDULES, &new).status, 201);
    allow(&stage, stage.ben, "read").await;
    for (path, body) in [("/api/v1/summarize", &asked), (SCHEDULES, &new)] {
        let refused = ben.ask("POST", path, body);
        assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"), "{}", refused.body);
    }
    stage.bot.land().await;
}

/// What somebody is offered who types the name of a schedule.
async fn offered(stage: &Stage, who: Snowflake, verb: &str) -> usize {
    let fire = stage.command("schedule", who).sub(verb).completing("name", "");
    let typing = fire.fire().expect("typing");
    typing.acknowledged().await.expect("completed");
    typing.choices().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_use_a_command_is_offered_nothing_while_they_type_it() {
    let stage = stage().await;
    let new = stage.command("schedule", stage.owner()).sub("create").option("name", "the week");
    let made = stage.answer(new.option("every", "weekly")).await;
    assert!(made.text().contains("Made: "), "{}", made.text());
    // The control: everybody may have one run.
    assert_eq!(offered(&stage, stage.ben, "run-now").await, 1);
    allow(&stage, stage.ben, "none").await;
    for verb in ["run-now", "delete"] {
        assert_eq!(offered(&stage, stage.ben, verb).await, 0, "{verb}");
        assert_eq!(offered(&stage, stage.owner(), verb).await, 1, "{verb}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_of_a_channel_in_which_nothing_is_allowed_are_for_admins_alone() {
    let stage = stage().await;
    let quiet = stage.discord.channel(stage.guild, "quiet").create();
    talk(&stage, quiet);
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let asked = json!({
        "guild_id": stage.guild.to_string(), "channel_id": quiet.to_string(), "min_messages": 1,
    });
    let made = ada.ask("POST", "/api/v1/summarize", &asked);
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let show = || stage.command("summary", stage.ben).sub("show").option("summary", id.as_str());
    let path = format!("/api/v1/summaries/{id}");
    for (level, shown) in [("read", true), ("none", false)] {
        rule(&stage, quiet, level).await;
        assert_eq!(stage.answer(show()).await.text().contains("budget"), shown, "{level}");
        assert_eq!(ben.get(&path).status, if shown { 200 } else { 404 }, "{level}");
    }
    allow(&stage, stage.ben, "admin").await;
    assert!(stage.answer(show()).await.text().contains("budget"));
    assert_eq!(ben.get(&path).status, 200);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_given_nothing_reads_nothing_over_the_api_whatever_holds_for_the_channel() {
    let stage = stage().await;
    let path = made(&Person::of(&stage, &stage.ada.to_string()).await, stage.hall);
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    // The control: without a rule everybody reads it who reads the channel.
    assert_eq!(ben.get(&path).status, 200);
    allow(&stage, stage.ben, "none").await;
    assert_eq!(ben.get(&path).status, 404);
    // Nor does a rule that closes it to others open it again to them.
    rule(&stage, stage.hall, "none").await;
    assert_eq!(ben.get(&path).status, 404);
    allow(&stage, stage.ben, "admin").await;
    assert_eq!(ben.get(&path).status, 200);
    stage.bot.land().await;
}
