//! `/config`, and what it changes.

use crate::stage::{Of, Stage, is_private};

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_shown_changed_and_taken_back() {
    let stage = Stage::set().await;
    let config = |verb: &str| stage.command("config", stage.owner()).sub(verb);
    let view = stage.answer(config("view")).await;
    assert!(view.text().contains("detailed") && is_private(&view), "{}", view.text());
    let set = stage.answer(config("set").option("setting", "length").option("value", "Brief")).await;
    assert!(set.text().contains("brief"), "{}", set.text());
    let view = stage.answer(config("view")).await;
    assert!(view.text().contains("brief") && view.text().contains("version 1"), "{}", view.text());
    let back = stage.answer(config("reset").option("setting", "length")).await;
    assert!(back.text().contains("detailed"), "{}", back.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_setting_does_not_take_is_refused_with_what_it_takes() {
    let stage = Stage::set().await;
    let set = stage.command("config", stage.owner()).sub("set");
    let answer = stage.answer(set.option("setting", "retention_days").option("value", "soon")).await;
    assert!(answer.text().contains("whole number of days"), "{}", answer.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_completed_by_the_setting() {
    let stage = Stage::set().await;
    let set = stage.command("config", stage.owner()).sub("set").option("setting", "perspective");
    let typing = set.completing("value", "de").fire().expect("typing");
    typing.acknowledged().await.expect("completed");
    let names: Vec<String> = typing.choices().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["developer"]);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_for_all_servers_holds_for_this_one() {
    let stage = Stage::set_with(|config| config.guild_defaults.model = Some("small".to_owned().into())).await;
    let view = stage.answer(stage.command("config", stage.owner()).sub("view")).await;
    assert!(view.text().contains("small"), "{}", view.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_given_nothing_can_do_nothing_until_the_rule_is_gone() {
    let stage = Stage::set().await;
    let id = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let rule = |level: &str| {
        let fire = stage.command("config", stage.owner()).sub("permissions");
        fire.option("user", stage.ben.to_string()).option("level", level)
    };
    let show = || stage.command("summary", stage.ben).sub("show").option("summary", id.as_str());
    assert!(stage.answer(show()).await.text().contains("Key points"));
    let rules = stage.answer(rule("none")).await;
    assert!(
        rules.text().contains("none") && rules.text().contains(&stage.ben.to_string()),
        "{}",
        rules.text()
    );
    let refused = stage.answer(show()).await;
    assert!(!refused.text().contains("Key points"), "{}", refused.text());
    stage.answer(rule("by default")).await;
    assert!(stage.answer(show()).await.text().contains("Key points"));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_admin_changes_nothing() {
    let stage = Stage::set().await;
    let fire =
        stage.command("config", stage.ben).sub("set").option("setting", "length").option("value", "brief");
    // Discord hides the command from those who may not manage the server; the bot does not count on it.
    if let Ok(interaction) = fire.fire() {
        interaction.answered().await.expect("an answer");
        assert!(!interaction.text().contains("is now"), "{}", interaction.text());
    }
    let view = stage.answer(stage.command("config", stage.owner()).sub("view")).await;
    assert!(view.text().contains("version 0"), "{}", view.text());
    stage.bot.land().await;
}
