//! Every command, every entry of a menu, every button.

use std::collections::BTreeSet;

use groundcrew_testkit_discord::{ChannelKind, Interaction, Snowflake};
use serde_json::Value;

use crate::fleet::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_acknowledged_in_time_and_answered_once() {
    let fleet = Fleet::start(&[]).await;
    let mut walked = BTreeSet::new();
    small(&fleet, &mut walked).await;
    summarize(&fleet, &mut walked).await;
    menus(&fleet, &mut walked).await;
    config(&fleet, &mut walked).await;
    summary(&fleet, &mut walked).await;
    schedule(&fleet, &mut walked).await;
    let forget = |sure: bool| {
        fleet.discord.command("forget-me").by(fleet.ben).in_channel(fleet.hall).option("sure", sure)
    };
    fleet.answered("/forget-me not", forget(false)).await;
    fleet.answered("/forget-me", forget(true)).await;
    walked.insert("forget-me".to_owned());

    let registered: BTreeSet<String> = fleet.discord.commands(None).iter().map(name_of).collect();
    assert_eq!(registered, walked, "a command that nobody walked through");
    let report = fleet.discord.report();
    assert_eq!(report.interactions, report.acknowledged);
    assert_eq!((report.refused, report.identifies), (0, 1));
    assert_eq!(report.failed, []);
    assert_eq!(report.invalid_requests, 0, "{:?}", report.by_status);
    fleet.land().await;
}

async fn small(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    for name in ["ping", "help", "about", "status", "usage"] {
        let answer = fleet.answered(name, fleet.asks(name)).await;
        assert!(!answer.text().is_empty(), "/{name}");
        walked.insert(name.to_owned());
    }
}

async fn summarize(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    let thread = fleet.discord.thread(fleet.hall, "the linker").create();
    fleet.talk(thread);
    let forum = fleet.discord.channel(fleet.guild, "support").kind(ChannelKind::Forum).create();
    let post = fleet.discord.thread(forum, "it does not start").create();
    fleet.talk(post);
    let hidden = fleet.discord.channel(fleet.guild, "vault").hidden_from_bot().create();
    let quiet = fleet.discord.channel(fleet.guild, "quiet").create();
    let summarize = || fleet.asks("summarize");
    let link = format!("https://discord.com/channels/{}/{}/{}", fleet.guild, fleet.hall, fleet.said[1]);
    for (what, fire) in [
        ("nothing said", summarize()),
        ("messages", summarize().option("messages", 5)),
        ("hours", summarize().option("hours", 2).option("length", "detailed")),
        ("minutes", summarize().option("minutes", 30).option("length", "comprehensive")),
        ("since a link", summarize().option("since", link)),
        ("since my last message", summarize().option("since", "my last message")),
        ("perspective", summarize().option("perspective", "developer").option("length", "brief")),
        ("a channel", summarize().option("channel", fleet.yard.to_string())),
        ("a category", summarize().option("channel", fleet.category.to_string()).option("mode", "combined")),
        ("one each", summarize().option("channel", fleet.category.to_string()).option("mode", "individual")),
        (
            "without one",
            summarize()
                .option("channel", fleet.category.to_string())
                .option("exclude_channels", format!("<#{}>", fleet.yard)),
        ),
        ("threads too", summarize().option("thread", true)),
        ("a forum", summarize().option("channel", forum.to_string())),
        ("a hidden channel", summarize().option("channel", hidden.to_string())),
        ("a quiet channel", summarize().option("channel", quiet.to_string())),
        ("a language", summarize().option("language", "de")),
        ("private", summarize().option("private", true)),
        ("post_to", summarize().option("post_to", fleet.yard.to_string())),
        ("nonsense since", summarize().option("since", "the day before the flood")),
    ] {
        let answer = fleet.answered(&format!("/summarize: {what}"), fire).await;
        assert!(!answer.text().is_empty(), "{what}");
    }
    walked.insert("summarize".to_owned());
}

async fn menus(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    for command in fleet.discord.commands(None).iter().filter(|command| command["type"] == 3) {
        let name = name_of(command);
        let entry = fleet.discord.message_command(&name, fleet.said[0]).by(fleet.ada);
        let answer = fleet.answered(&name, entry).await;
        assert!(!answer.text().is_empty(), "{name}");
        walked.insert(name);
    }
    let thread = fleet.discord.thread(fleet.hall, "the relocations").create();
    fleet.talk(thread);
    let inside = fleet.discord.message(thread, fleet.ada, "Who looks at the relocations?").send();
    let entry = fleet.discord.message_command("Summarise this thread", inside);
    let answer = fleet.answered("a thread", entry.by(fleet.ada).in_channel(thread)).await;
    assert!(!answer.text().contains("there is no thread"), "{}", answer.text());
}

async fn config(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    let config = |sub: &str| fleet.discord.command("config").by(fleet.admin).in_channel(fleet.hall).sub(sub);
    for (what, fire) in [
        ("view", config("view")),
        ("set", config("set").option("setting", "length").option("value", "brief")),
        ("set to nonsense", config("set").option("setting", "length").option("value", "endless")),
        ("rules", config("permissions")),
        ("a rule", config("permissions").option("user", fleet.ben.to_string()).option("level", "read")),
        (
            "no rule",
            config("permissions").option("user", fleet.ben.to_string()).option("level", "by default"),
        ),
        ("reset one", config("reset").option("setting", "length")),
        ("reset", config("reset")),
    ] {
        fleet.answered(&format!("/config {what}"), fire).await;
    }
    let hidden = fleet.discord.command("config").by(fleet.ada).in_channel(fleet.hall).sub("view").fire();
    assert!(hidden.is_err(), "who may not manage the server does not see it");
    walked.insert("config".to_owned());
}

async fn summary(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    let summary = |sub: &str| fleet.asks("summary").sub(sub);
    fleet.answered("/summary history", summary("history")).await;
    let typed = summary("show").completing("summary", "").fire().expect("typed");
    let record = fleet.settle("completion", &typed).await;
    let (_, id) = typed.choices().into_iter().next().unwrap_or_else(|| panic!("no summary: {record:?}"));
    let show = summary("show").option("summary", id.clone()).option("public", true);
    fleet.answered("/summary show", show).await;
    fleet.answered("/summary delete", summary("delete").option("summary", id)).await;
    walked.insert("summary".to_owned());
}

async fn schedule(fleet: &Fleet, walked: &mut BTreeSet<String>) {
    let schedule =
        |sub: &str| fleet.discord.command("schedule").by(fleet.admin).in_channel(fleet.hall).sub(sub);
    let named = |sub: &str| schedule(sub).option("name", "the week");
    let create = || named("create").option("every", "weekly").option("zone", "Europe/Berlin");
    for (fire, words) in [
        (schedule("list"), "no schedules"),
        (create(), "Made: "),
        (create(), "already"),
        (schedule("list"), "the week"),
        (named("pause"), "Paused: "),
        (named("resume"), "It comes again: "),
        (named("run-now"), "is run now"),
        (named("delete"), "its summaries stay"),
        (named("run-now"), "no schedule like this"),
    ] {
        let answer = fleet.answered(&format!("/schedule: {words}"), fire).await;
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
    }
    walked.insert("schedule".to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_button_is_acknowledged_in_time_and_answered_once() {
    let fleet = Fleet::start(&[]).await;
    let made = fleet.answered("/summarize", fleet.asks("summarize")).await;
    let buttons = buttons_of(&made);
    assert!(buttons.len() >= 6, "{buttons:?}");
    for (message, id) in &buttons {
        let press = fleet.discord.button(*message, id).by(fleet.ben);
        let answer = fleet.answered(id, press).await;
        assert!(!answer.text().is_empty(), "{id}");
    }
    // Twice is harmless, and so is a crowd.
    let (message, id) = &buttons[0];
    let crowd: Vec<Interaction> =
        (0..10).map(|_| fleet.discord.button(*message, id).by(fleet.ada).fire().expect("pressed")).collect();
    for pressed in &crowd {
        fleet.settle(id, pressed).await;
    }
    let report = fleet.discord.report();
    assert_eq!((report.refused, report.invalid_requests), (0, 0), "{report:?}");
    fleet.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_questions_at_once_are_each_acknowledged_in_time_and_answered_once() {
    let fleet = Fleet::start(&[]).await;
    let asked: Vec<Interaction> = (0..50)
        .map(|number| {
            let command = if number % 5 == 0 { "summarize" } else { "ping" };
            fleet.asks(command).fire().expect("asked")
        })
        .collect();
    for question in &asked {
        fleet.settle("one of fifty", question).await;
    }
    assert_eq!(fleet.discord.report().answered_once, 50);
    fleet.land().await;
}

fn name_of(definition: &Value) -> String {
    definition["name"].as_str().expect("a name").to_owned()
}

/// Every button below an answer, with the message that it is below of.
fn buttons_of(interaction: &Interaction) -> Vec<(Snowflake, String)> {
    let original = interaction.original().expect("an answer");
    let message = original["id"].as_str().expect("an id").parse().expect("a snowflake");
    let rows = original["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    buttons.filter_map(|button| Some((message, button["custom_id"].as_str()?.to_owned()))).collect()
}
