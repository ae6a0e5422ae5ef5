//! Interactions over HTTP, at every replica: none is lost, whoever is killed.

use std::time::Duration;

use groundcrew_testkit_discord::{InteractionRecord, Via};

use crate::balancer::{Times, balance};
use crate::fleet::{Fleet, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn over_the_endpoint_nothing_is_lost_when_replicas_are_killed() {
    let mut fleet = Fleet::grounded(&[("discord.mode", "endpoint")]).await;
    fleet.take_off().await;
    fleet.registered().await;
    let url = balance(fleet.replicas.iter().map(|replica| replica.address).collect(), Times::Once).await;
    fleet.discord.set_interactions_endpoint(Some(&url)).await.expect("the examination");
    let mut asked = Vec::new();
    for round in 0..60 {
        let command = if round % 6 == 0 { "summarize" } else { "ping" };
        asked.push(fleet.asks(command).fire().expect("asked"));
        if round == 20 || round == 40 {
            fleet.kill(0).await;
        }
        tokio::time::sleep(Duration::from_millis(15)).await; // so that the kills come in their midst
    }
    for question in &asked {
        let answered = |record: &InteractionRecord| record.answered;
        let record = question.until("answered", PATIENCE, answered).await;
        let record = record.unwrap_or_else(|error| panic!("{error}\n{}", fleet.logs()));
        assert_eq!(record.via, Via::Http);
        assert!(record.answered_once(), "{record:?}");
        assert!(record.acknowledged_after().expect("acknowledged") < Duration::from_secs(3));
    }
    let report = fleet.discord.report();
    assert_eq!((report.interactions, report.answered_once, report.identifies), (60, 60, 0), "{report:?}");
    fleet.land().await;
}
