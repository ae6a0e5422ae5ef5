//! A summary shows nobody what they may not read.

use groundcrew_testkit_discord::{ChannelKind, Permissions, Snowflake};

use crate::stage::{Of, Stage};
use crate::summarize::answer;
use crate::town::Town;

/// What only the pilots may read.
async fn with_pilots() -> (Town, Snowflake, Snowflake) {
    let town = Town::new().await;
    let pilots = town.discord.role(town.guild, "pilots").create();
    let cockpit = town.discord.channel(town.guild, "cockpit").only_for_role(pilots);
    let cockpit = cockpit.for_member(town.discord.bot(), Permissions::everyday(), Permissions::NONE).create();
    town.talk(cockpit);
    let eve = town.discord.member(town.guild, "eve").role(pilots).create();
    (town, cockpit, eve)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_read_a_channel_gets_no_summary_of_it() {
    let (town, cockpit, _) = with_pilots().await;
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text = answer(&fire.option("channel", cockpit.to_string()).fire().expect("a command")).await;
    assert!(text.contains("closed to you") && !text.contains("compiler"), "{text}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_to_others_here_is_shown_to_whoever_asked_alone() {
    let (town, cockpit, eve) = with_pilots().await;
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(eve).in_channel(town.apron);
    let asked = fire.option("channel", cockpit.to_string()).fire().expect("a command");
    let text = answer(&asked).await;
    assert!(text.contains("compiler") && text.contains("Only you see it"), "{text}");
    assert_eq!(asked.original().expect("an answer")["flags"], 64, "it is ephemeral");
    assert!(town.discord.sent(town.apron).is_empty(), "nothing was posted");
    bot.land().await;
}

/// The control: what everybody may read is posted.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_to_all_is_posted_where_it_was_asked_for() {
    let town = Town::new().await;
    let tower = town.discord.channel(town.guild, "tower").create();
    town.talk(tower);
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text = answer(&fire.option("channel", tower.to_string()).fire().expect("a command")).await;
    assert!(text.contains("It is in"), "{text}");
    let sent = serde_json::to_string(&town.discord.sent(town.apron)).expect("JSON");
    assert!(sent.contains("compiler"), "{sent}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_says_nothing_about_channels_that_the_reader_does_not_see() {
    let (town, _, _) = with_pilots().await;
    let pilots = town.discord.role(town.guild, "captains").create();
    let wing = town.discord.channel(town.guild, "wing").kind(ChannelKind::Category).create();
    let lounge = town.discord.channel(town.guild, "lounge").category(wing).create();
    let secret = town.discord.channel(town.guild, "mutiny").category(wing).only_for_role(pilots);
    let secret = secret.for_member(town.discord.bot(), Permissions::everyday(), Permissions::NONE).create();
    town.talk(lounge);
    town.talk(secret);
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text =
        answer(&fire.option("channel", wing.to_string()).option("private", true).fire().expect("a command"))
            .await;
    assert!(!text.contains("mutiny"), "{text}");
    assert_eq!(town.newest().await["metadata"]["messages_counted"], 6);
    bot.land().await;
}

/// The channel is Ada's alone by now.
#[tokio::test(flavor = "multi_thread")]
async fn who_asked_and_cannot_read_the_channel_any_more_does_not_read_the_summary_on() {
    let stage = Stage::set().await;
    let mut of_ben = Vec::new();
    for private in [false, true] {
        of_ben.push(stage.summary(Of { channel: stage.cellar, by: stage.ben, private }).await);
    }
    let of_ada = stage.summary(Of { channel: stage.cellar, by: stage.ada, private: true }).await;
    let show = |by, id: &str| stage.answer(stage.command("summary", by).sub("show").option("summary", id));
    for id in &of_ben {
        let text = show(stage.ben, id).await.text();
        assert!(text.contains("no such summary"), "{text}");
        let deleted = stage.command("summary", stage.ben).sub("delete").option("summary", id.as_str());
        assert!(stage.answer(deleted).await.text().contains("no such summary"));
    }
    let history = stage.answer(stage.command("summary", stage.ben).sub("history")).await.text();
    assert!(history.contains("no summary that you could read"), "{history}");
    // The controls: who can read it, does; what is private is not for them all the same.
    assert!(show(stage.ada, &of_ben[0]).await.text().contains("Key points"));
    assert!(show(stage.ada, &of_ada).await.text().contains("Key points"));
    assert!(show(stage.ada, &of_ben[1]).await.text().contains("no such summary"));
    stage.bot.land().await;
}
