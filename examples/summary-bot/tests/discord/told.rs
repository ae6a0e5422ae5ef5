//! What webhooks are told of channels: each thing once, by schedules too.

use std::time::{Duration, Instant};

use groundcrew_testkit_discord::{Effect, Fault, Permissions, Snowflake};
use serde_json::{Value, json};
use sqlx::SqlitePool;

use crate::service::http::Answer;
use crate::service::jobs::ASYNC;
use crate::service::receiver::{Message, Receiver};
use crate::service::{Bot, file, wait_for};
use crate::town::{PATIENCE, Town};

const WEBHOOKS: &str = "/api/v1/webhooks";
const SCHEDULES: &str = "/api/v1/schedules";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Webhooks may lead to this machine, and nobody waits for long.
async fn start(town: &Town) -> Bot {
    let mut config = town.config();
    config.webhooks.allow_private = true;
    config.webhooks.retry = Duration::from_millis(5);
    config.webhooks.attempts = 3;
    config.client.breaker_failures = 0;
    config.jobs.poll_period = Duration::from_millis(20);
    let bot = Bot::start(config).await;
    town.settled().await;
    bot
}

/// Makes a webhook of the server that wants this event; its id.
fn subscribe(bot: &Bot, town: &Town, receiver: &Receiver, event: &str) -> String {
    let new = json!({"url": receiver.url("/"), "guild_id": town.guild.to_string(), "events": [event]});
    let made = bot.call("POST", WEBHOOKS, &[JSON], new.to_string().as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().expect("an id").to_owned()
}

fn log(bot: &Bot, webhook: &str) -> Vec<Value> {
    let page = bot.get(&format!("{WEBHOOKS}/{webhook}/deliveries")).json();
    page["items"].as_array().expect("a list").clone()
}

/// Has somebody own a webhook who is told only of what they may read.
async fn hand_over(file: &SqlitePool, webhook: &str, owner: Snowflake) {
    let update = sqlx::query("UPDATE webhooks SET owner = ? WHERE id = ?");
    let update = update.bind(owner.to_string()).bind(webhook).execute(file).await.expect("an update");
    assert_eq!(update.rows_affected(), 1);
}

/// Asks for a summary of a channel.
fn summarize(bot: &Bot, town: &Town, channel: Snowflake, headers: &[(&str, &str)]) -> Answer {
    let asked = json!({"guild_id": town.guild.to_string(), "channel_id": channel.to_string()});
    let headers = [&[JSON][..], headers].concat();
    bot.call("POST", "/api/v1/summarize", &headers, asked.to_string().as_bytes())
}

/// Waits until a delivery has been put off for longer than a receiver is.
async fn put_off(file: &SqlitePool) {
    let deadline = Instant::now() + PATIENCE;
    let select = "SELECT count(*) FROM groundcrew_jobs WHERE name = 'deliver' AND state = 0 AND due_at > ?";
    loop {
        let soon = jiff::Timestamp::now().as_microsecond() + 5_000_000;
        let waiting: i64 = sqlx::query_scalar(select).bind(soon).fetch_one(file).await.expect("a count");
        if waiting > 0 {
            return;
        }
        assert!(Instant::now() < deadline, "it is not put off");
        tokio::time::sleep(Duration::from_millis(20)).await; // a pause between two looks
    }
}

/// Lets deliveries wait no longer.
async fn hurry(file: &SqlitePool) {
    let update = sqlx::query("UPDATE groundcrew_jobs SET due_at = ? WHERE name = 'deliver' AND state = 0");
    let now = jiff::Timestamp::now().as_microsecond();
    update.bind(now).execute(file).await.expect("an update");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_tells_each_webhook_once_and_the_log_has_it() {
    let town = Town::new().await;
    let bot = start(&town).await;
    town.talk(town.apron);
    let (wanting, other) = (Receiver::start(), Receiver::start());
    // The one is told of each summary anyway, the other by the schedule alone.
    let told = [(&wanting, "summary.created"), (&other, "summary.failed")]
        .map(|(receiver, event)| (receiver, subscribe(&bot, &town, receiver, event)));
    let destinations: Vec<Value> = told.iter().map(|(_, id)| json!({"webhook": id})).collect();
    let new = json!({
        "name": "the day", "guild_id": town.guild.to_string(), "channels": [town.apron.to_string()],
        "timing": {"kind": "daily"}, "period": "24h", "destinations": destinations,
    });
    let made = bot.call("POST", SCHEDULES, &[JSON], new.to_string().as_bytes());
    assert_eq!(made.status, 201, "{}", made.body);
    let run = format!("{}/run", made.header("location").expect("its path"));
    assert_eq!(bot.call("POST", &run, &[], b"").status, 202);
    for (job, count) in [("announce", 1.0), ("post_summary", 2.0), ("deliver", 2.0)] {
        let series = format!("job_outcomes_total{{job=\"{job}\",outcome=\"done\",service=\"summary-bot\"}}");
        wait_for(job, || bot.metric(&series).filter(|done| *done >= count));
    }
    for (receiver, id) in told {
        let log = log(&bot, &id);
        assert_eq!(log.len(), 1, "{log:?}");
        let messages = receiver.messages();
        assert_eq!((messages.len(), log[0]["id"].as_str()), (1, messages.first().map(Message::id)));
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_waits_for_discord_costs_the_receiver_no_attempt() {
    let (town, receiver) = (Town::new().await, Receiver::start());
    let bot = start(&town).await;
    town.talk(town.apron);
    let webhook = subscribe(&bot, &town, &receiver, "summary.created");
    let file = file(&town.folder).await;
    hand_over(&file, &webhook, town.ada).await;
    receiver.answers(["500 Oops", "500 Oops"]);
    // A refusal, since what fails is asked for again for seconds.
    let fault = Fault::on("GET", &format!("/guilds/*/members/{}", town.ada));
    town.discord.add_fault(fault.effect(Effect::status(400)));
    let made = summarize(&bot, &town, town.apron, &[]);
    assert_eq!(made.status, 201, "{}", made.body);
    put_off(&file).await;
    hurry(&file).await;
    put_off(&file).await;
    assert_eq!(log(&bot, &webhook)[0]["attempts"], json!([]), "nothing was sent");
    town.discord.clear_faults();
    hurry(&file).await;
    // It is tried three times, and the two times before do not count.
    let over = wait_for("its end", || log(&bot, &webhook).pop().filter(|it| it["state"] != "pending"));
    let statuses = over["attempts"].as_array().expect("attempts").iter().map(|it| it["status"].clone());
    assert_eq!(statuses.collect::<Value>(), json!([500, 500, 204]));
    assert_eq!(over["state"], "succeeded");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_to_those_alone_who_may_read_the_channel() {
    let town = Town::new().await;
    let vault = town.discord.channel(town.guild, "vault");
    let vault = vault.for_member(town.ben, Permissions::NONE, Permissions::VIEW_CHANNEL).create();
    town.discord.message(vault, town.ada, "That is too little to be summarised.").send();
    let bot = start(&town).await;
    let file = file(&town.folder).await;
    let [of_ada, of_ben] = [(); 2].map(|()| Receiver::start());
    let [adas, bens] = [&of_ada, &of_ben].map(|receiver| subscribe(&bot, &town, receiver, "summary.failed"));
    hand_over(&file, &adas, town.ada).await;
    hand_over(&file, &bens, town.ben).await;
    let accepted = summarize(&bot, &town, vault, &[ASYNC]);
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    assert_eq!(of_ada.wait_for(1)[0].json()["data"]["job"], accepted.json()["id"]);
    wait_for("its end", || log(&bot, &bens).pop().filter(|it| it["state"] == "cancelled"));
    assert!(of_ben.messages().is_empty());
    bot.land().await;
}
