//! Three replicas, one session: it goes on in another when its process is killed.

use std::time::{Duration, Instant};

use groundcrew_testkit::postgres::Postgres;
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};

use crate::town::{PATIENCE, Town};

fn replica(town: &Town, url: &str) -> ServiceProcess {
    let service = Service::new(env!("CARGO_BIN_EXE_summary-bot"))
        .args(["--set", "http.port=0", "--set", "admin.port=0"])
        .env("DATABASE_URL", url)
        .env("DISCORD_TOKEN", town.discord.token())
        .env("DISCORD_API_URL", town.discord.api())
        .current_dir(town.folder.path());
    service.start().expect("a replica")
}

/// Which of them has the session, by its log.
fn leader(replicas: &[ServiceProcess]) -> Option<usize> {
    let leads = |replica: &ServiceProcess| {
        replica.lines().iter().any(|line| line.text.contains("the session with Discord is ready"))
    };
    replicas.iter().position(leads)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_followed_by_another_within_fifteen_seconds() {
    let town = Town::new().await;
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let mut replicas: Vec<_> = (0..3).map(|_| replica(&town, database.url())).collect();
    town.settled().await;
    assert!(town.ada_asks("ping").answered().await.expect("an answer").answered_once());
    let leads = crate::service::wait_for("a leader", || leader(&replicas));
    let mut killed = replicas.remove(leads);
    killed.signal(Signal::Kill).expect("killed");
    let begun = Instant::now();
    killed.wait_exit(PATIENCE).await.expect("it is gone");
    let anew = |discord: &groundcrew_testkit_discord::Discord| discord.report().identifies == 2;
    town.discord.until("another session", PATIENCE, anew).await.expect("another session");
    town.discord.connected(1, PATIENCE).await.expect("one session");
    assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
    let record = town.ada_asks("ping").answered().await.expect("an answer");
    assert!(record.answered_once(), "{record:?}");
    assert_eq!(town.discord.report().identifies, 2, "one session at a time");
    for mut replica in replicas {
        replica.signal(Signal::Term).expect("told");
        assert!(replica.wait_exit(PATIENCE).await.expect("it ends").success());
    }
}
