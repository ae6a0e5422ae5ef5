//! What webhooks are told of channels: each thing once, by schedules too.

use std::time::Duration;

use serde_json::{Value, json};

use crate::service::receiver::Receiver;
use crate::service::{Bot, wait_for};
use crate::town::Town;

const WEBHOOKS: &str = "/api/v1/webhooks";
const SCHEDULES: &str = "/api/v1/schedules";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Webhooks may lead to this machine, and nobody waits for long.
async fn start(town: &Town) -> Bot {
    let mut config = town.config();
    config.webhooks.allow_private = true;
    config.webhooks.retry = Duration::from_millis(5);
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
    for (job, count) in [("announce", 1.0), ("post_summary", 2.0)] {
        let series = format!("job_outcomes_total{{job=\"{job}\",outcome=\"done\",service=\"summary-bot\"}}");
        wait_for(job, || bot.metric(&series).filter(|done| *done >= count));
    }
    for (receiver, id) in told {
        let log = log(&bot, &id);
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(log[0]["id"], receiver.wait_for(1)[0].id());
    }
    bot.land().await;
}
