//! What happens without the lease, where replicas know nothing of each other; and where what arrives twice is done twice.

use groundcrew_testkit::postgres::Postgres;
use groundcrew_testkit_discord::{Action, InteractionRecord};

use crate::balancer::{Times, balance};
use crate::fleet::{Fleet, PATIENCE};

/// How often the original response was written.
fn answers(record: &InteractionRecord) -> usize {
    record.steps.iter().filter(|step| step.action == Action::Edit).count()
}

/// Everything that Discord sends arrives at two replicas; `more` is how they are configured.
async fn delivered_twice(more: &[(&str, &str)]) -> Fleet {
    let settings = [&[("discord.mode", "endpoint")], more].concat();
    let mut fleet = Fleet::grounded(&settings).await;
    fleet.take_off().await;
    fleet.registered().await;
    let url = balance(fleet.replicas.iter().map(|replica| replica.address).collect(), Times::Twice).await;
    fleet.discord.set_interactions_endpoint(Some(&url)).await.expect("the examination");
    fleet
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_twice_is_done_once() {
    let fleet = delivered_twice(&[]).await;
    for _ in 0..5 {
        let question = fleet.answered("a ping that arrives twice", fleet.asks("ping")).await;
        // Whoever has done it does other things by the time that the next one is answered.
        fleet.answered("the next one", fleet.asks("ping")).await;
        assert_eq!(answers(&question.record()), 1, "{:?}", question.record());
    }
    fleet.land().await;
}

/// The control of the test above: without the deduplication the ledger has two answers.
#[tokio::test(flavor = "multi_thread")]
async fn without_deduplication_what_arrives_twice_is_answered_twice() {
    let fleet = delivered_twice(&[("discord.answer_once", "false")]).await;
    let ping = fleet.asks("ping").fire().expect("asked");
    let twice = ping.until("answered twice", PATIENCE, |record| answers(record) == 2).await;
    let record = twice.unwrap_or_else(|error| panic!("{error}\n{}", fleet.logs()));
    assert!(record.answered, "{record:?}");
    fleet.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_without_a_common_lease_all_answer_and_discord_refuses_all_but_one() {
    let fleet = Fleet::grounded(&[]).await;
    let postgres = Postgres::start().await.expect("a Postgres");
    let mut alone = Vec::new();
    for _ in 0..2 {
        let database = postgres.database().await.expect("a database");
        alone.push((fleet.replica(database.url()), database));
    }
    fleet.discord.connected(2, PATIENCE).await.expect("a session each");
    fleet.registered().await;
    let ping = fleet.asks("ping").fire().expect("asked");
    let refused = ping.until("one is refused", PATIENCE, |record| !record.refused.is_empty()).await;
    let record = refused.expect("two answers");
    assert_eq!((record.received.len(), record.refused[0].code), (2, 40060));
    assert!(!record.answered_once());
}
