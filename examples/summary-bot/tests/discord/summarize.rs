//! `/summarize`: what was said is read, summarised and shown.

use std::time::{Duration, SystemTime};

use groundcrew_testkit_discord::{ChannelKind, Interaction};

use crate::service::Bot;
use crate::town::{PATIENCE, Town};

/// The answer, when it is no progress any more.
pub(crate) async fn answer(interaction: &Interaction) -> String {
    let done = interaction.until("the answer", PATIENCE, |record| {
        let last = record.originals().last();
        last.is_some_and(|message| {
            let content = message["content"].as_str().unwrap_or_default();
            !content.ends_with('…')
                && (!content.is_empty() || !message["embeds"].as_array().is_none_or(Vec::is_empty))
        })
    });
    let record = done.await.expect("an answer");
    assert!(record.refused.is_empty(), "{:?}", record.refused);
    interaction.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_summarised_with_links_to_what_was_said() {
    let town = Town::new().await;
    let messages = town.talk(town.apron);
    let bot = town.bot().await;
    let text = answer(&town.ada_asks("summarize")).await;
    assert!(text.contains("pin the old compiler"), "{text}");
    let link = format!("https://discord.com/channels/{}/{}/", town.guild, town.apron);
    assert!(messages.iter().any(|message| text.contains(&format!("{link}{message}"))), "{text}");
    assert_eq!(bot.get("/api/v1/summaries").json()["items"].as_array().map(Vec::len), Some(1));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_is_read_and_only_as_far_back_as_is_asked() {
    let town = Town::new().await;
    for minute in (0..250).rev() {
        let text = format!("The pump number {minute} was inspected by the crew and works.");
        town.discord.message(town.apron, town.ada, &text).ago(Duration::from_secs(60 * minute + 30)).send();
    }
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    answer(&fire.option("minutes", 210).fire().expect("a command")).await;
    let document = town.newest().await;
    assert_eq!(document["metadata"]["messages_counted"], 210, "{}", document["metadata"]);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_skips_what_is_quiet_and_names_what_is_closed() {
    let town = Town::new().await;
    let hangar = town.discord.channel(town.guild, "hangar").kind(ChannelKind::Category).create();
    let north = town.discord.channel(town.guild, "north").category(hangar).create();
    town.discord.channel(town.guild, "south").category(hangar).create();
    let west = town.discord.channel(town.guild, "west").category(hangar).hidden_from_bot().create();
    town.talk(north);
    town.talk(west);
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text = answer(&fire.option("channel", hangar.to_string()).fire().expect("a command")).await;
    let shown = town.discord.sent(town.apron);
    let all = format!("{text} {}", serde_json::to_string(&shown).expect("JSON"));
    assert!(all.contains("pin the old compiler"), "{all}");
    assert!(!all.contains("south"), "a quiet channel is no news: {all}");
    assert!(all.contains("#west is closed to me"), "{all}");
    // The same where it is asked for by name.
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text = answer(&fire.option("channel", west.to_string()).fire().expect("a command")).await;
    assert!(text.contains("#west is closed to me") && !text.contains("compiler"), "{text}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_channel_is_an_answer_and_no_failure() {
    let town = Town::new().await;
    let bot = town.bot().await;
    let text = answer(&town.ada_asks("summarize")).await;
    assert!(text.contains("nothing to summarise"), "{text}");
    let counted = r#"discord_commands_total{command="summarize",status="success",service="summary-bot"}"#;
    crate::service::wait_for("the count", || (bot.metric(counted) == Some(1.0)).then_some(()));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_message_on_and_a_time_in_plain_words() {
    let town = Town::new().await;
    let messages = town.talk(town.apron);
    let bot = town.bot().await;
    let from = town.discord.message_command("Summarise from here", messages[1]);
    let text = answer(&from.by(town.ada).in_channel(town.apron).fire().expect("an entry")).await;
    assert!(text.contains("compiler"), "{text}");
    assert_eq!(town.newest().await["metadata"]["messages_counted"], 5);
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let text = answer(&fire.option("since", "next tuesday-ish").fire().expect("a command")).await;
    assert!(text.contains("no time that I understand"), "{text}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forums_and_threads_are_read_too() {
    let town = Town::new().await;
    let forum = town.discord.channel(town.guild, "ideas").kind(ChannelKind::Forum).create();
    let post = town.discord.thread(forum, "compilers").create();
    town.talk(post);
    let old = town.discord.thread(forum, "old pumps").archived().create();
    town.discord.message(old, town.ben, "The old pumps were sold to the harbour last week.").send();
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    answer(&fire.option("channel", forum.to_string()).option("private", true).fire().expect("a command"))
        .await;
    let document = town.newest().await;
    assert_eq!(document["metadata"]["messages_counted"], 7, "{document}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_for_want_of_room_is_said() {
    let town = Town::new().await;
    for minute in (0..30).rev() {
        let text = format!("The pump number {minute} was inspected by the crew and works.");
        town.discord.message(town.apron, town.ada, &text).ago(Duration::from_secs(60 * minute + 30)).send();
    }
    let mut config = town.config();
    config.discord.max_messages = 20;
    let bot = Bot::start(config).await;
    town.settled().await;
    let ask = || town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    answer(&ask().option("hours", 2).fire().expect("asked")).await;
    let document = town.newest().await;
    let warnings = document["metadata"]["warnings"].to_string();
    assert!(warnings.contains("HISTORY_CUT"), "{warnings}");
    assert!(warnings.contains("of #apron the newest 20 messages, from 20"), "since when: {warnings}");
    // The controls: all of it was read, or only so much was asked for.
    for (option, value) in [("minutes", 10), ("messages", 10)] {
        answer(&ask().option(option, value).fire().expect("asked")).await;
        let document = town.newest().await;
        assert_eq!(document["metadata"]["messages_counted"], 10, "{option}");
        assert_eq!(document["metadata"]["warnings"], serde_json::json!([]), "{option}");
    }
    bot.land().await;
}

/// Discord hands out fifty archived threads at once.
#[tokio::test(flavor = "multi_thread")]
async fn archived_threads_are_looked_through_page_by_page() {
    let town = Town::new().await;
    let forum = town.discord.channel(town.guild, "ideas").kind(ChannelKind::Forum).create();
    let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    let oldest = town.discord.thread(forum, "compilers").archived_at(ago(3600)).create();
    town.talk(oldest);
    for number in 0..60 {
        town.discord.thread(forum, &format!("quiet {number}")).archived_at(ago(60 + number)).create();
    }
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let fire = fire.option("channel", forum.to_string()).option("private", true);
    let text = answer(&fire.fire().expect("a command")).await;
    assert_eq!(town.newest().await["metadata"]["messages_counted"], 6);
    assert!(!text.contains("archived threads"), "all were looked through: {text}");
    bot.land().await;
}

/// Pages are told apart by the moment of archiving, so that one moment may fill more than a page.
#[tokio::test(flavor = "multi_thread")]
async fn threads_archived_together_do_not_hide_older_ones() {
    let town = Town::new().await;
    let forum = town.discord.channel(town.guild, "ideas").kind(ChannelKind::Forum).create();
    let now = SystemTime::now();
    let oldest =
        town.discord.thread(forum, "compilers").archived_at(now - Duration::from_secs(3600)).create();
    town.talk(oldest);
    for number in 0..60 {
        town.discord.thread(forum, &format!("quiet {number}")).archived_at(now).create();
    }
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let fire = fire.option("channel", forum.to_string()).option("private", true);
    let text = answer(&fire.fire().expect("a command")).await;
    assert_eq!(town.newest().await["metadata"]["messages_counted"], 6);
    assert!(text.contains("#ideas has more archived threads"), "some were passed over: {text}");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_channels_those_without_a_summary_of_their_own_are_named() {
    let town = Town::new().await;
    let hangar = town.discord.channel(town.guild, "hangar").kind(ChannelKind::Category).create();
    for name in ["one", "two", "short", "three", "four", "five", "seventh"] {
        let gate = town.discord.channel(town.guild, name).category(hangar).create();
        if name == "short" {
            town.discord.message(gate, town.ada, "The gate is closed today.").send();
        } else {
            town.talk(gate);
        }
    }
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let fire = fire.option("channel", hangar.to_string()).option("mode", "individual");
    let text = answer(&fire.option("private", true).fire().expect("a command")).await;
    assert!(text.contains("#short has too little in it"), "{text}");
    assert!(text.contains("#seventh is one too many"), "{text}");
    let made = town.documents().await;
    let titles: Vec<&str> = made.iter().filter_map(|document| document["title"].as_str()).collect();
    assert_eq!(titles, ["#one", "#two", "#three", "#four", "#five"], "as many as may be");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_last_message_is_looked_for_where_one_is_if_that_is_part_of_what_is_asked_for() {
    let town = Town::new().await;
    let hangar = town.discord.channel(town.guild, "hangar").kind(ChannelKind::Category).create();
    let north = town.discord.channel(town.guild, "north").category(hangar).create();
    let forum = town.discord.channel(town.guild, "ideas").kind(ChannelKind::Forum).create();
    let post = town.discord.thread(forum, "compilers").create();
    for place in [north, post] {
        town.talk(place);
        for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] {
            let text = format!("The pump is repaired on {day} by the crew.");
            town.discord.message(place, town.ben, &text).ago(Duration::from_secs(20)).send();
        }
    }
    let bot = town.bot().await;
    let ask = |channel: groundcrew_testkit_discord::Snowflake, here| {
        let fire = town.discord.command("summarize").by(town.ada).in_channel(here);
        let fire = fire.option("channel", channel.to_string()).option("private", true);
        fire.option("since", "my last message").fire().expect("a command")
    };
    // Her last message is the fifth of six; Ben says five things more.
    for (asked, here) in [(hangar, north), (forum, post), (north, town.apron)] {
        answer(&ask(asked, here)).await;
        let counted = town.newest().await["metadata"]["messages_counted"].clone();
        assert_eq!(counted, 7, "her message and six of Ben's");
    }
    for asked in [hangar, forum] {
        let text = answer(&ask(asked, town.apron)).await;
        assert!(text.contains("INVALID_TIME_RANGE") && text.contains("ask again in the channel"), "{text}");
    }
    bot.land().await;
}
