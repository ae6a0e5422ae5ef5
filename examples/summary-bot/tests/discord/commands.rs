//! Every slash command of this bot that is not about summarising, as people use it.

use crate::stage::{Of, Stage, is_private};

#[tokio::test(flavor = "multi_thread")]
async fn a_language_is_completed_while_it_is_typed_and_refused_if_it_is_none() {
    let stage = Stage::set().await;
    let ask = || stage.command("summarize", stage.ada);
    let typing = ask().completing("language", "P").fire().expect("typing");
    typing.acknowledged().await.expect("completed");
    let names: Vec<String> = typing.choices().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["pl", "pt-BR"]);
    let refused = stage.answer(ask().option("language", "d€")).await;
    assert!(refused.text().contains("no language's code"), "{}", refused.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_small_commands_answers_whoever_asked_and_nobody_else() {
    let stage = Stage::set().await;
    let expected = [
        ("ping", "Here."),
        ("help", "/summary history"),
        ("about", "deleted after 90 days"),
        ("status", "discord_api"),
        ("usage", "0 summaries"),
    ];
    for (name, words) in expected {
        let answer = stage.answer(stage.command(name, stage.ben)).await;
        assert!(answer.text().contains(words), "/{name}: {}", answer.text());
        assert!(is_private(&answer), "/{name}");
    }
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_shows_what_somebody_may_read_and_nothing_else() {
    let stage = Stage::set().await;
    let open = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let closed = stage.summary(Of { channel: stage.cellar, by: stage.ada, private: false }).await;
    let private = stage.summary(Of { channel: stage.hall, by: stage.ada, private: true }).await;
    let of_ada = stage.answer(stage.command("summary", stage.ada).sub("history")).await;
    for id in [&open, &closed, &private] {
        assert!(of_ada.text().contains(id.as_str()), "{}", of_ada.text());
    }
    let of_ben = stage.answer(stage.command("summary", stage.ben).sub("history")).await;
    assert!(of_ben.text().contains(&open), "{}", of_ben.text());
    assert!(!of_ben.text().contains(&closed) && !of_ben.text().contains(&private), "{}", of_ben.text());
    assert!(is_private(&of_ben));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_goes_on_behind_what_is_closed() {
    let stage = Stage::set().await;
    let old = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    for _ in 0..101 {
        stage.summary(Of { channel: stage.cellar, by: stage.ada, private: false }).await;
    }
    let of_ben = stage.answer(stage.command("summary", stage.ben).sub("history")).await;
    assert!(of_ben.text().contains(&old), "{}", of_ben.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_not_read_is_not_there_for_them() {
    let stage = Stage::set().await;
    let closed = stage.summary(Of { channel: stage.cellar, by: stage.ada, private: false }).await;
    let private = stage.summary(Of { channel: stage.hall, by: stage.ada, private: true }).await;
    for id in [&closed, &private, &"nonsense".to_owned()] {
        for verb in ["show", "delete"] {
            let fire = stage.command("summary", stage.ben).sub(verb).option("summary", id.as_str());
            let answer = stage.answer(fire).await;
            assert!(answer.text().contains("no such summary"), "{verb} {id}: {}", answer.text());
        }
    }
    assert!(stage.has(&closed).await && stage.has(&private).await);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_shown_to_one_or_to_all_but_never_to_those_of_another_channel() {
    let stage = Stage::set().await;
    let open = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let closed = stage.summary(Of { channel: stage.cellar, by: stage.ada, private: false }).await;
    let show = |id: &str| stage.command("summary", stage.ada).sub("show").option("summary", id);

    let alone = stage.answer(show(&open)).await;
    assert!(is_private(&alone) && alone.text().contains("Key points"), "{}", alone.text());
    let public = stage.answer(show(&open).option("public", true)).await;
    assert!(!is_private(&public));
    let refused = stage.answer(show(&closed).option("public", true)).await;
    assert!(refused.text().contains("CHANNEL_ACCESS_DENIED"), "{}", refused.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_link_to_the_messages_that_they_cite() {
    let stage = Stage::set().await;
    let id = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let shown = stage.answer(stage.command("summary", stage.ben).sub("show").option("summary", id)).await;
    let link = format!("https://discord.com/channels/{}/{}/1240", stage.guild, stage.hall);
    assert!(shown.text().contains(&link), "{}", shown.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_deleted_by_whoever_asked_for_it_or_an_admin() {
    let stage = Stage::set().await;
    let first = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let second = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    let delete = |by, id: &str| stage.command("summary", by).sub("delete").option("summary", id);
    let refused = stage.answer(delete(stage.ben, &first)).await;
    assert!(refused.text().contains("only whoever asked") || refused.text().contains("Only whoever asked"));
    assert!(stage.has(&first).await);
    stage.answer(delete(stage.ada, &first)).await;
    assert!(!stage.has(&first).await);
    stage.answer(delete(stage.owner(), &second)).await;
    assert!(!stage.has(&second).await);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn titles_are_completed_with_what_may_be_read() {
    let stage = Stage::set().await;
    let open = stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    stage.summary(Of { channel: stage.cellar, by: stage.ada, private: false }).await;
    let typing = stage
        .command("summary", stage.ben)
        .sub("show")
        .completing("summary", "RELEASE")
        .fire()
        .expect("typing");
    typing.acknowledged().await.expect("completed");
    let values: Vec<_> = typing.choices().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [serde_json::json!(open)]);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_counts_what_was_made_in_this_server() {
    let stage = Stage::set().await;
    stage.summary(Of { channel: stage.hall, by: stage.ada, private: false }).await;
    stage.bot.make("upload");
    let usage = stage.answer(stage.command("usage", stage.ben)).await;
    assert!(usage.text().contains("1 summaries"), "{}", usage.text());
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_to_be_forgotten_says_so_twice() {
    let stage = Stage::set().await;
    let private = stage.summary(Of { channel: stage.hall, by: stage.ben, private: true }).await;
    let forget = |sure: bool| stage.command("forget-me", stage.ben).option("sure", sure);
    let unsure = stage.answer(forget(false)).await;
    assert!(unsure.text().to_lowercase().contains("nothing was erased"), "{}", unsure.text());
    assert!(stage.has(&private).await);
    let sure = stage.answer(forget(true)).await;
    assert!(sure.text().contains("1 deleted"), "{}", sure.text());
    assert!(!stage.has(&private).await);
    stage.bot.land().await;
}
