//! The session with the gateway: commands come in and are answered, whatever happens to the connection.

use crate::town::Town;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_acknowledged_in_time_and_answered_once() {
    let town = Town::new().await;
    let bot = town.bot().await;
    let ping = town.ada_asks("ping");
    let record = ping.answered().await.expect("an answer");
    assert!(record.answered_once(), "{record:?}");
    assert!(record.acknowledged_after().expect("in time").as_secs() < 3);
    assert!(ping.content().starts_with("Here."), "{}", ping.content());
    let counted = r#"discord_commands_total{command="ping",status="success",service="summary-bot"}"#;
    crate::service::wait_for("the count", || (bot.metric(counted) == Some(1.0)).then_some(()));
    assert_eq!(bot.metric(r#"active_discord_connections{service="summary-bot"}"#), Some(1.0));
    bot.land().await;
    assert_eq!(town.discord.sessions().iter().filter(|session| session.connected).count(), 0);
}
