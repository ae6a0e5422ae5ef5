//! A summary shows nobody what they may not read.

use groundcrew_testkit_discord::{ChannelKind, Discord, Fire, Permissions, Snowflake};
use serde_json::{Value, json};

use crate::servers::path_of;
use crate::service::{Bot, wait_for};
use crate::stage::{Of, Stage};
use crate::summarize::answer;
use crate::town::{PATIENCE, Town};

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
async fn who_follows_a_link_into_a_channel_that_they_cannot_see_does_not_learn_its_name() {
    let (town, cockpit, eve) = with_pilots().await;
    let bot = town.bot().await;
    let link = format!("https://discord.com/channels/{}/{cockpit}/1", town.guild);
    let fire = |who| town.discord.command("summarize").by(who).in_channel(town.apron).option("since", &*link);
    let text = answer(&fire(town.ada).fire().expect("a command")).await;
    assert!(text.contains("closed to you") && !text.contains("#cockpit"), "{text}");
    // The control: whoever sees it is told.
    let text = answer(&fire(eve).fire().expect("a command")).await;
    assert!(text.contains("cockpit"), "{text}");
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
    let sent = sent(&town, town.apron);
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

/// A category with a channel for all, and one that nobody sees but Ada, not even the bot.
fn wing(town: &Town) -> Snowflake {
    let wing = town.discord.channel(town.guild, "wing").kind(ChannelKind::Category).create();
    let lounge = town.discord.channel(town.guild, "lounge").category(wing).create();
    let mutiny = town.discord.channel(town.guild, "mutiny").category(wing);
    let mutiny = mutiny.for_role(town.guild, Permissions::NONE, Permissions::VIEW_CHANNEL);
    mutiny.for_member(town.ada, Permissions::everyday(), Permissions::NONE).create();
    town.talk(lounge);
    wing
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_named_to_whoever_asked_alone() {
    let town = Town::new().await;
    let wing = wing(&town);
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(town.apron);
    let fire = fire.option("channel", wing.to_string()).option("post_to", town.apron.to_string());
    let text = answer(&fire.fire().expect("a command")).await;
    assert!(text.contains("It is in") && text.contains("#mutiny is closed to me"), "{text}");
    let sent = sent(&town, town.apron);
    assert!(sent.contains("compiler") && !sent.contains("mutiny"), "{sent}");
    bot.land().await;
}

/// All that the bot wrote there.
fn sent(town: &Town, channel: Snowflake) -> String {
    serde_json::to_string(&town.discord.sent(channel)).expect("JSON")
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

/// A private thread below the apron, with Ada and the bot in it.
fn private_thread(town: &Town) -> Snowflake {
    let thread = town.discord.thread(town.apron, "mutiny").private().member(town.ada);
    let thread = thread.member(town.discord.bot()).create();
    for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] {
        town.discord.message(thread, town.ada, &format!("The canary sings on {day} at noon.")).send();
    }
    thread
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_thread_is_read_where_it_is_named_by_somebody_in_it_and_never_with_its_channel() {
    let town = Town::new().await;
    town.talk(town.apron);
    let open = town.discord.thread(town.apron, "pumps").create();
    town.discord.message(open, town.ben, "The old pumps were sold to the harbour.").send();
    let thread = private_thread(&town);
    let bot = town.bot().await;
    let ask = |by: Snowflake| town.discord.command("summarize").by(by).in_channel(town.apron);
    for reader in [town.ada, town.ben] {
        answer(&ask(reader).option("thread", true).option("private", true).fire().expect("asked")).await;
        let document = town.newest().await;
        assert_eq!(
            document["metadata"]["messages_counted"], 7,
            "the channel and its open thread: {document}"
        );
    }
    let named = |by| ask(by).option("channel", thread.to_string()).fire().expect("asked");
    let told = answer(&named(town.ada)).await;
    assert!(told.contains("canary"), "{told}");
    let refused = answer(&named(town.ben)).await;
    assert!(refused.contains("closed to you") && !refused.contains("canary"), "{refused}");

    // The API's summary of the channel is read by whoever reads the channel.
    let asked = json!({"guild_id": town.guild.to_string(), "channel_id": town.apron.to_string()}).to_string();
    let made = bot.call("POST", "/summarize", &[("content-type", "application/json")], asked.as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.json()["metadata"]["messages_counted"], 7, "{}", made.body);
    // Programs of the operator's name a channel alone.
    let asked = json!({"channel_id": town.apron.to_string()}).to_string();
    let made = bot.call("POST", "/summarize", &[("content-type", "application/json")], asked.as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.json()["origin"]["guild_id"], town.guild.to_string(), "{}", made.body);
    bot.land().await;
}

fn schedule(town: &Town, verb: &str, name: &str) -> Fire {
    let fire = town.discord.command("schedule").by(town.discord.owner()).in_channel(town.apron);
    fire.sub(verb).option("name", name)
}

/// The owner has the cockpit summarised into a channel, now.
async fn run(town: &Town, name: &str, cockpit: Snowflake, post_to: Snowflake) {
    let create = schedule(town, "create", name).option("every", "daily").option("period", "24h");
    let create = create.option("channel", cockpit.to_string()).option("post_to", post_to.to_string());
    for fire in [create, schedule(town, "run-now", name)] {
        fire.fire().expect("a command").answered().await.expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_posts_nothing_among_people_who_cannot_read_what_it_is_about() {
    let (town, cockpit, _) = with_pilots().await;
    let bot = town.bot().await;
    run(&town, "for all", cockpit, town.apron).await;
    let error = last_error(&bot);
    assert!(error.ends_with(&format!("can read the channel {cockpit}")), "{error}");
    assert!(town.discord.sent(town.apron).is_empty(), "nothing was posted");

    // The control: among those who can read it, it is posted.
    run(&town, "for pilots", cockpit, cockpit).await;
    posted(&town, cockpit).await;
    bot.land().await;
}

/// Why the first schedule has come to nothing, when it has.
fn last_error(bot: &Bot) -> String {
    wait_for("the end", || {
        let schedules = bot.get("/api/v1/schedules").json();
        schedules["items"][0]["last_error"].as_str().map(str::to_owned)
    })
}

/// Waits until the bot has written something there.
async fn posted(town: &Town, channel: Snowflake) {
    let posted = |discord: &Discord| !discord.sent(channel).is_empty();
    town.discord.until("posted", PATIENCE, posted).await.expect("a message");
}

/// A program of the operator's has a channel summarised into these, now.
fn run_by_program(town: &Town, bot: &Bot, channel: Snowflake, post_to: &[Snowflake]) {
    let destinations: Vec<Value> = post_to.iter().map(|id| json!({"channel": id.to_string()})).collect();
    let new = json!({
        "name": "the day", "guild_id": town.guild.to_string(), "channels": [channel.to_string()],
        "timing": {"kind": "daily"}, "period": "24h", "destinations": destinations,
    });
    let headers = [("content-type", "application/json")];
    let made = bot.call("POST", "/api/v1/schedules", &headers, new.to_string().as_bytes());
    let run = format!("{}/run", path_of(&made));
    assert_eq!(bot.call("POST", &run, &[], b"").status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_posts_nothing_into_a_channel_of_another_server() {
    let town = Town::new().await;
    town.talk(town.apron);
    let elsewhere = town.discord.guild("Elsewhere").create();
    let theirs = town.discord.channel(elsewhere, "theirs").create();
    let bot = town.bot().await;
    run_by_program(&town, &bot, town.apron, &[theirs, town.apron]);
    let error = last_error(&bot);
    assert!(error.ends_with("it is no channel of this server that I see"), "{error}");
    // The control: in its own server it is posted.
    posted(&town, town.apron).await;
    assert!(town.discord.sent(theirs).is_empty(), "nothing was posted");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_counts_what_was_left_out_and_names_only_what_it_names_itself() {
    let town = Town::new().await;
    let wing = wing(&town);
    let bot = town.bot().await;
    run_by_program(&town, &bot, wing, &[town.apron]);
    posted(&town, town.apron).await;
    let sent = sent(&town, town.apron);
    assert!(sent.contains("1 that the schedule does not name") && !sent.contains("mutiny"), "{sent}");
    bot.land().await;
}

/// Discord shows a locked voice channel to all, and its text to those who may enter.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_enter_a_voice_channel_gets_no_summary_of_it() {
    let town = Town::new().await;
    let bridge = town.discord.channel(town.guild, "bridge").kind(ChannelKind::Voice);
    let bridge = bridge.for_member(town.ben, Permissions::NONE, Permissions::CONNECT).create();
    town.talk(bridge);
    let bot = town.bot().await;
    let ask = |by| {
        let fire = town.discord.command("summarize").by(by).in_channel(town.apron);
        fire.option("channel", bridge.to_string()).fire().expect("a command")
    };
    let refused = answer(&ask(town.ben)).await;
    assert!(refused.contains("closed to you") && !refused.contains("compiler"), "{refused}");
    let told = answer(&ask(town.ada)).await;
    assert!(
        told.contains("compiler") && told.contains("Only you see it"),
        "not for all on the apron: {told}"
    );
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_may_not_post_is_shown_to_whoever_asked() {
    let town = Town::new().await;
    let runway = town.discord.channel(town.guild, "runway");
    let runway =
        runway.for_member(town.discord.bot(), Permissions::NONE, Permissions::SEND_MESSAGES).create();
    town.talk(town.apron);
    let bot = town.bot().await;
    let fire = town.discord.command("summarize").by(town.ada).in_channel(runway);
    let asked = fire.option("channel", town.apron.to_string()).fire().expect("a command");
    let text = answer(&asked).await;
    assert!(text.contains("compiler") && text.contains("I may not post in"), "{text}");
    assert_eq!(asked.original().expect("an answer")["flags"], 64, "it is ephemeral");
    bot.land().await;
}
