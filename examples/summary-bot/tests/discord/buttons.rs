//! The buttons below a summary.

use std::time::Duration;

use groundcrew_testkit_discord::{Discord, Interaction, Snowflake};

use crate::stage::{Of, PATIENCE, Stage, buttons_of, is_private};

/// A summary in the hall, and the message with its buttons: the last one, if there are several.
async fn shown(stage: &Stage) -> (String, Snowflake) {
    let id = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let show =
        stage.command("summary", stage.ada).sub("show").option("summary", id.as_str()).option("public", true);
    stage.answer(show).await;
    let message = with_buttons(stage, stage.hall, |button| button.ends_with(&id)).await;
    (id, message)
}

/// The first message in a channel that has such a button.
pub(crate) async fn with_buttons(
    stage: &Stage,
    channel: Snowflake,
    mut such: impl FnMut(&str) -> bool,
) -> Snowflake {
    let mut found = None;
    let mut look = |discord: &Discord| {
        let posted = discord.messages(channel);
        let posted = posted.iter().find(|posted| buttons_of(posted).iter().any(|button| such(button)));
        found = posted.map(|posted| posted["id"].as_str().expect("an id").parse().expect("a snowflake"));
        found.is_some()
    };
    stage.discord.until("buttons", PATIENCE, |discord| look(discord)).await.expect("a message with buttons");
    found.expect("just seen")
}

pub(crate) async fn press(
    stage: &Stage,
    message: Snowflake,
    name: &str,
    id: &str,
    by: Snowflake,
) -> Interaction {
    stage.answer(stage.discord.button(message, &format!("{name}:{id}")).by(by)).await
}

/// What was said in the hall, before the summary was made.
fn talk(stage: &Stage) {
    let lines = [
        (stage.ada, "The pump is broken again and the water is cold since Monday morning."),
        (stage.ben, "I will order a new pump by Friday, the old pump cannot be repaired any more."),
        (stage.ada, "We decided that the pump is paid from the repair budget of this year."),
        (stage.ben, "The neighbours know that the water is off on Friday from ten to twelve."),
        (stage.ada, "Who reads the meter of the pump before it is taken out on Friday?"),
    ];
    for (minute, (author, text)) in lines.into_iter().enumerate() {
        let ago = Duration::from_secs(60 * (60 - minute as u64));
        stage.discord.message(stage.hall, author, text).ago(ago).send();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_carry_the_id_of_the_summary() {
    let stage = Stage::set().await;
    let (id, message) = shown(&stage).await;
    let messages = stage.discord.messages(stage.hall);
    let posted = messages.iter().find(|posted| posted["id"] == message.to_string()).expect("posted");
    let expected: Vec<String> = ["shorter", "longer", "mine", "why", "good", "bad"]
        .iter()
        .map(|name| format!("{name}:{id}"))
        .collect();
    assert_eq!(buttons_of(posted), expected);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tell_me_why_quotes_the_messages_with_links_for_one_alone() {
    let stage = Stage::set().await;
    let (id, message) = shown(&stage).await;
    let why = press(&stage, message, "why", &id, stage.ben).await;
    assert!(is_private(&why));
    assert!(why.text().contains("https://discord.com/channels/"), "{}", why.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_of_a_reader_is_kept_and_counted() {
    let stage = Stage::set().await;
    let (id, message) = shown(&stage).await;
    let good = press(&stage, message, "good", &id, stage.ben).await;
    assert!(good.text().contains("1 👍, 0 👎"), "{}", good.text());
    let other = press(&stage, message, "good", &id, stage.ada).await;
    assert!(other.text().contains("2 👍, 0 👎"), "{}", other.text());
    let bad = press(&stage, message, "bad", &id, stage.ben).await;
    assert!(bad.text().contains("1 👍, 1 👎"), "{}", bad.text());
    assert_eq!(
        stage.bot.metric("summary_feedback_total{opinion=\"good\",service=\"summary-bot\"} "),
        Some(2.0)
    );
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shorter_and_longer_summarise_the_same_conversation_for_one_alone() {
    let stage = Stage::set().await;
    talk(&stage);
    let (id, message) = shown(&stage).await;
    for name in ["shorter", "longer", "mine"] {
        let again = press(&stage, message, name, &id, stage.ben).await;
        assert!(is_private(&again), "{name}");
        assert!(again.text().contains("pump"), "{name}: {}", again.text());
        // Each is a summary of its own, with its own buttons.
        let buttons = buttons_of(&again.original().expect("an answer"));
        assert!(buttons.len() == 6 && buttons.iter().all(|button| !button.ends_with(&id)), "{buttons:?}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shorter_stays_in_the_language_that_somebody_asked_for() {
    let stage = Stage::set().await;
    talk(&stage);
    let (id, message) = shown(&stage).await;
    let mine = press(&stage, message, "mine", &id, stage.ben).await;
    let made = |answer: &Interaction| {
        let buttons = buttons_of(&answer.original().expect("an answer"));
        buttons
            .iter()
            .find_map(|button| button.strip_prefix("shorter:").map(str::to_owned))
            .expect("a button")
    };
    let below =
        mine.original().expect("an answer")["id"].as_str().expect("an id").parse().expect("a snowflake");
    let shorter = press(&stage, below, "shorter", &made(&mine), stage.ben).await;
    let language =
        async |id: &str| stage.document(id).await["options"]["language"].as_str().map(str::to_owned);
    let asked = language(&made(&mine)).await;
    assert!(asked.is_some());
    assert_eq!(language(&made(&shorter)).await, asked);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_gone_is_said_to_be() {
    let stage = Stage::set().await;
    let (id, message) = shown(&stage).await;
    let again = press(&stage, message, "longer", &id, stage.ben).await;
    assert!(again.text().contains("INSUFFICIENT_CONTENT"), "{}", again.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_too_often_is_told_when_to_come_back() {
    let stage = Stage::set_with(|config| config.discord_limits.per_user = 1).await;
    talk(&stage);
    let (id, message) = shown(&stage).await;
    press(&stage, message, "shorter", &id, stage.ben).await;
    let refused = press(&stage, message, "shorter", &id, stage.ben).await;
    assert!(refused.text().contains("try again in 60 minutes"), "{}", refused.text());
    let other = press(&stage, message, "shorter", &id, stage.ada).await;
    assert!(other.text().contains("pump"), "{}", other.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_below_a_summary_that_was_deleted_says_so() {
    let stage = Stage::set().await;
    let (id, message) = shown(&stage).await;
    stage.answer(stage.command("summary", stage.ada).sub("delete").option("summary", id.as_str())).await;
    let why = press(&stage, message, "why", &id, stage.ben).await;
    assert!(why.text().to_lowercase().contains("no such summary"), "{}", why.text());
    stage.bot.land().await;
}
