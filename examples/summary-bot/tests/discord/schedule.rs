//! `/schedule`, command by command, as Discord's own client would send it.

use groundcrew_testkit_discord::{Effect, Fault, Fire, Snowflake};

use crate::stage::{PATIENCE, Stage, is_private};

fn schedule(stage: &Stage, by: Snowflake, verb: &str) -> Fire {
    stage.command("schedule", by).sub(verb)
}

/// The owner makes one, by what has to be given.
async fn made(stage: &Stage, name: &str) {
    let fire = schedule(stage, stage.owner(), "create").option("name", name).option("every", "weekly");
    let answer = stage.answer(fire).await;
    assert!(answer.text().contains("Made: ") && is_private(&answer), "{}", answer.text());
}

async fn told(stage: &Stage, by: Snowflake, verb: &str, name: &str) -> String {
    let answer = stage.answer(schedule(stage, by, verb).option("name", name)).await;
    assert!(is_private(&answer));
    answer.text()
}

async fn list(stage: &Stage) -> String {
    stage.answer(schedule(stage, stage.ben, "list")).await.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_shown_paused_resumed_and_deleted() {
    let stage = Stage::set().await;
    let owner = stage.owner();
    assert!(list(&stage).await.contains("no schedules"));
    made(&stage, "the week").await;
    let shown = list(&stage).await;
    assert!(shown.contains("the week") && shown.contains("weekly, next"), "{shown}");
    assert!(shown.contains(&format!("<#{0}> → <#{0}>", stage.hall)), "by default this channel: {shown}");

    let paused = told(&stage, owner, "pause", "the week").await;
    assert!(
        paused.contains("Paused: ") && list(&stage).await.contains(&format!("by <@{owner}>")),
        "{paused}"
    );
    let resumed = told(&stage, owner, "resume", "the week").await;
    assert!(resumed.contains("It comes again: ") && list(&stage).await.contains("weekly, next"), "{resumed}");
    assert!(told(&stage, owner, "delete", "the week").await.contains("its summaries stay"));
    assert!(list(&stage).await.contains("no schedules"));
    for verb in ["pause", "resume", "run-now", "delete"] {
        let gone = told(&stage, owner, verb, "the week").await;
        assert!(gone.contains("no schedule like this"), "{verb}: {gone}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_zone_the_times_are_those_of_the_server() {
    let stage = Stage::set().await;
    let set = stage.command("config", stage.owner()).sub("set").option("setting", "time_zone");
    let set = stage.answer(set.option("value", "Europe/Berlin")).await;
    assert!(set.text().contains("Europe/Berlin"), "{}", set.text());
    made(&stage, "here").await;
    let there = schedule(&stage, stage.owner(), "create").option("name", "there").option("every", "daily");
    stage.answer(there.option("zone", "Asia/Tokyo")).await;
    let schedules = stage.bot.get("/api/v1/schedules").json();
    let zones = ["/items/0/timing/zone", "/items/1/timing/zone"].map(|place| schedules.pointer(place));
    assert_eq!(zones, [Some(&"Europe/Berlin".into()), Some(&"Asia/Tokyo".into())], "{schedules}");
    stage.bot.land().await;
}

/// The owner makes one for the hall, where enough was said for a summary.
async fn daily(stage: &Stage) {
    let said = [
        "The pump is broken.",
        "Who orders a new pump?",
        "I will order a pump by Friday.",
        "We decided to close the valve until then.",
        "The valve is closed since noon.",
    ];
    for (n, text) in said.into_iter().enumerate() {
        let ago = std::time::Duration::from_secs(60 * (6 - n as u64));
        stage.discord.message(stage.hall, stage.ada, text).ago(ago).send();
    }
    let fire = schedule(stage, stage.owner(), "create")
        .option("name", "the day")
        .option("every", "daily")
        .option("at", "09:00")
        .option("zone", "Europe/Berlin")
        .option("period", "24h");
    let answer = stage.answer(fire).await;
    assert!(answer.text().contains("Made: "), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn run_now_posts_a_summary_of_what_whoever_made_it_can_read() {
    let stage = Stage::set().await;
    daily(&stage).await;
    let before = stage.discord.messages(stage.hall).len();
    assert!(told(&stage, stage.ben, "run-now", "the day").await.contains("is run now"));
    let posted =
        stage.discord.until("posted", PATIENCE, |discord| discord.messages(stage.hall).len() > before);
    posted.await.expect("a message");
    let message = stage.discord.messages(stage.hall).pop().map(|message| message.to_string()).expect("it");
    assert!(message.contains("the day") && message.contains("pump"), "{message}");
    stage.bot.land().await;
}

/// More often than one attempt at an answer puts up with.
fn lost_answers() -> Fault {
    Fault::on("PATCH", "/webhooks/*/*/messages/@original").times(5).effect(Effect::status(502))
}

#[tokio::test(flavor = "multi_thread")]
async fn run_now_runs_once_however_often_it_takes_to_say_so() {
    let stage = Stage::set().await;
    daily(&stage).await;
    stage.discord.add_fault(lost_answers());
    assert!(told(&stage, stage.ben, "run-now", "the day").await.contains("is run now"));
    stage.runs_over().await;
    assert_eq!(stage.discord.sent(stage.hall).len(), 1);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_said_to_be_however_often_it_takes_to_say_so() {
    let stage = Stage::set().await;
    made(&stage, "the week").await;
    stage.discord.add_fault(lost_answers());
    let gone = told(&stage, stage.owner(), "delete", "the week").await;
    assert!(gone.contains("“the week” is gone"), "{gone}");
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_schedules_too_often_is_told_when_to_come_back() {
    let stage = Stage::set_with(|config| config.discord_limits.per_user = 1).await;
    daily(&stage).await;
    assert!(told(&stage, stage.ben, "run-now", "the day").await.contains("is run now"));
    let refused = told(&stage, stage.ben, "run-now", "the day").await;
    assert!(refused.contains("RATE_LIMITED"), "{refused}");
    stage.runs_over().await;
    assert_eq!(stage.discord.sent(stage.hall).len(), 1);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_would_not_send_is_not_sent() {
    let stage = Stage::set().await;
    let create = || schedule(&stage, stage.owner(), "create");
    for (what, fire) in [
        ("no name", create().option("every", "weekly")),
        ("no kind", create().option("name", "x")),
        ("no such kind", create().option("name", "x").option("every", "yearly")),
        ("no such length", create().option("name", "x").option("every", "daily").option("length", "epic")),
        ("too long a name", create().option("name", "x".repeat(101)).option("every", "daily")),
        ("no such option", create().option("name", "x").option("every", "daily").option("colour", "red")),
        ("nothing to delete", schedule(&stage, stage.owner(), "delete")),
        ("no such verb", schedule(&stage, stage.owner(), "postpone")),
    ] {
        assert!(fire.fire().is_err(), "{what}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_makes_no_sense_is_refused_with_what_would() {
    let stage = Stage::set().await;
    let create =
        |every: &str| schedule(&stage, stage.owner(), "create").option("name", "x").option("every", every);
    for (fire, words) in [
        (create("daily").option("at", "noon"), "timing.at"),
        (create("daily").option("zone", "Mars/Olympus"), "timing.zone"),
        (create("weekly").option("days", "someday"), "`someday` is no day of the week"),
        (create("cron").option("cron", "* * * * *"), "more often"),
        (create("once").option("at", "2020-01-01T09:00"), "does not come any more"),
        (create("daily").option("period", "1 minute"), "from 5 minutes to 31 days"),
        (create("daily").option("email", "ann@example.com"), "SMTP_URL"),
    ] {
        let answer = stage.answer(fire).await;
        assert!(answer.text().contains(words) && is_private(&answer), "{words}: {}", answer.text());
    }
    assert!(list(&stage).await.contains("no schedules"));
    made(&stage, "x").await;
    let again = stage.answer(create("daily")).await;
    assert!(again.text().contains("already"), "{}", again.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_and_names_are_completed_while_they_are_typed() {
    let stage = Stage::set().await;
    made(&stage, "the week").await;
    made(&stage, "the month").await;
    let create = schedule(&stage, stage.owner(), "create").option("name", "x").option("every", "daily");
    for (fire, expected) in [
        (create.completing("zone", "berl"), vec!["Europe/Berlin"]),
        (schedule(&stage, stage.owner(), "pause").completing("name", "WEEK"), vec!["the week"]),
        (schedule(&stage, stage.owner(), "run-now").completing("name", "the"), vec!["the week", "the month"]),
        (schedule(&stage, stage.owner(), "delete").completing("name", "year"), vec![]),
    ] {
        let typing = fire.fire().expect("typing");
        typing.acknowledged().await.expect("completed");
        let names: Vec<String> = typing.choices().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_changed_by_admins_alone() {
    let stage = Stage::set().await;
    let fire = schedule(&stage, stage.ben, "create").option("name", "mine").option("every", "daily");
    assert!(stage.answer(fire).await.text().contains("“admin”"));
    made(&stage, "the week").await;
    for verb in ["pause", "resume", "delete"] {
        assert!(told(&stage, stage.ben, verb, "the week").await.contains("“admin”"), "{verb}");
    }
    assert!(list(&stage).await.contains("weekly, next"));
    stage.bot.land().await;
}
