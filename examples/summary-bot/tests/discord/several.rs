//! Summaries of several channels at once: for everybody who reads each of them, and for nobody else.

use std::time::Duration;

use groundcrew_testkit_discord::{ChannelKind, Discord, Snowflake};
use serde_json::{Value, json};

use crate::buttons::press;
use crate::servers::{Person, SCHEDULES, allow, path_of, stage, vault};
use crate::stage::{PATIENCE, Stage, buttons_of, is_private};
use crate::summarize::answer;

/// Something to summarise, in this channel.
fn talk(stage: &Stage, channel: Snowflake, thing: &str) {
    let lines = [
        (stage.ada, format!("The {thing} is broken again and nobody has looked at it since Monday.")),
        (stage.owner(), format!("I will order a new {thing} by Friday, the old one cannot be repaired.")),
        (stage.ada, format!("We decided that the {thing} is paid from the repair budget of this year.")),
    ];
    for ((author, text), minute) in lines.into_iter().zip(0_u64..) {
        stage.discord.message(channel, author, &text).ago(Duration::from_secs(60 * (30 - minute))).send();
    }
}

/// What was posted with buttons below: the summary, the message, and all that stands in it.
async fn posted(stage: &Stage, channel: Snowflake) -> (String, Snowflake, String) {
    let mut found: Option<Value> = None;
    let look = |discord: &Discord| {
        found = discord.sent(channel).into_iter().find(|message| !buttons_of(message).is_empty());
        found.is_some()
    };
    stage.discord.until("a summary", PATIENCE, look).await.expect("a summary");
    let message = found.expect("just seen");
    let id = buttons_of(&message)[0].split_once(':').expect("an id").1.to_owned();
    let posted = message["id"].as_str().expect("an id").parse().expect("a snowflake");
    (id, posted, message.to_string())
}

fn link(stage: &Stage, channel: Snowflake) -> String {
    format!("https://discord.com/channels/{}/{channel}/", stage.guild)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_below_a_summary_of_a_category_are_for_all_who_read_its_channels() {
    let stage = stage().await;
    let hangar = stage.discord.channel(stage.guild, "hangar").kind(ChannelKind::Category).create();
    let north = stage.discord.channel(stage.guild, "north").category(hangar).create();
    let south = stage.discord.channel(stage.guild, "south").category(hangar).create();
    talk(&stage, north, "pump");
    talk(&stage, south, "crane");
    let asked = stage.command("summarize", stage.ada).option("channel", hangar.to_string());
    let text = answer(&asked.fire().expect("a command")).await;
    assert!(text.contains("It is in"), "{text}");
    let (id, message, shown) = posted(&stage, stage.hall).await;
    assert!(shown.contains(&link(&stage, north)) && shown.contains(&link(&stage, south)), "{shown}");

    let why = press(&stage, message, "why", &id, stage.ben).await;
    assert!(why.text().contains(&link(&stage, south)), "{}", why.text());
    let shorter = press(&stage, message, "shorter", &id, stage.ben).await;
    let text = answer(&shorter).await;
    assert!(is_private(&shorter) && text.contains("pump") && text.contains("crane"), "{text}");
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let document = ben.get(&format!("/api/v1/summaries/{id}"));
    assert_eq!(document.status, 200, "{}", document.body);
    let origin = &document.json()["origin"];
    assert_eq!(origin["channels"], json!([north.to_string(), south.to_string()]));
    assert_eq!((&origin["channel_id"], &origin["private"]), (&Value::Null, &json!(false)));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_schedule_makes_of_two_channels_is_for_its_maker_and_others_who_read_both() {
    let stage = stage().await;
    allow(&stage, stage.ada, "admin").await;
    allow(&stage, stage.ben, "admin").await;
    let vault = vault(&stage);
    let cleo = stage.discord.member(stage.guild, "cleo").create();
    talk(&stage, stage.hall, "pump");
    talk(&stage, vault, "crane");
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let made = ada.ask(
        "POST",
        SCHEDULES,
        &json!({
            "name": "the week", "guild_id": stage.guild.to_string(),
            "channels": [stage.hall.to_string(), vault.to_string()],
            "timing": {"kind": "weekly"}, "destinations": [{"channel": vault.to_string()}],
        }),
    );
    let path = path_of(&made);
    assert_eq!(ada.ask("POST", &format!("{path}/run"), &Value::Null).status, 202);
    let (id, message, shown) = posted(&stage, vault).await;
    assert!(shown.contains(&link(&stage, stage.hall)) && shown.contains(&link(&stage, vault)), "{shown}");

    for by in [stage.ada, cleo] {
        let shorter = press(&stage, message, "shorter", &id, by).await;
        let text = answer(&shorter).await;
        assert!(text.contains("pump") && text.contains("crane"), "{text}");
    }
    let summary = format!("/api/v1/summaries/{id}");
    assert_eq!(ada.get(&summary).status, 200);
    assert_eq!(ada.get(&path).json()["last_summary"], json!(summary));

    // Ben reads the hall and not the vault; that he manages the bot opens him nothing.
    let show = stage.command("summary", stage.ben).sub("show").option("summary", id.as_str());
    let refused = stage.answer(show).await.text();
    assert!(refused.contains("no such summary"), "{refused}");
    assert_eq!(ben.get(&summary).status, 404);
    let list = |who: &Person<'_>| who.get("/api/v1/summaries").json()["items"].as_array().map(Vec::len);
    // Ada's second one is the one that she had shortened.
    assert_eq!((list(&ada), list(&ben)), (Some(2), Some(0)));
    let history = |by| stage.command("summary", by).sub("history");
    let (of_ada, of_ben) = (stage.answer(history(stage.ada)).await, stage.answer(history(stage.ben)).await);
    let both = format!("in <#{}>, <#{vault}>", stage.hall);
    assert!(of_ada.text().contains(&both), "{}", of_ada.text());
    assert!(of_ben.text().contains("no summary that you could read"), "{}", of_ben.text());
    stage.bot.land().await;
}
