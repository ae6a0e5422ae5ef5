//! What happens without the lease: replicas that know nothing of each other.

use crate::fleet::{Fleet, PATIENCE};
use groundcrew_testkit::postgres::Postgres;

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
