//! The session with Discord's gateway, through serenity, in the replica that leads.
//!
//! serenity keeps a session alive: it beats, resumes and closes. To begin one is ours, since its own manager begins as
//! many as it likes, in tasks that outlive whoever started them: so each [`ShardRunner`] runs here, in the future that
//! the lease drops, for one session, and when that is over it is decided here whether there may be another.

use std::sync::Arc;
use std::time::Duration;

use groundcrew::lease::Leadership;
use serenity::async_trait;
use serenity::client::{Context, EventHandler, RawEventHandler};
use serenity::gateway::{
    ConnectionStage, GatewayError, Shard, ShardManager, ShardManagerOptions, ShardMessenger, ShardRunner,
    ShardRunnerInfo, ShardRunnerOptions, ShardStageUpdateEvent,
};
use serenity::http::HttpBuilder;
use serenity::model::event::Event;
use serenity::model::gateway::{GatewayIntents, ShardInfo};
use serenity::model::id::ShardId;
use serenity::prelude::TypeMap;
use tokio::sync::{Mutex, RwLock};
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::front::Front;
use super::identify::{self, Permit};
use super::incoming;
use super::rest::{Gateway, RestError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the end of a session may take to reach Discord: serenity looks for orders twice in a second.
const FAREWELL: Duration = Duration::from_millis(800);
/// How soon to try again what may have been mended in Discord's developer portal.
const PORTAL: Duration = Duration::from_secs(300);
/// A name that no shard has.
const NOBODY: ShardId = ShardId(u32::MAX);
const SHARD: ShardId = ShardId(0);

/// How a session ended, or why there was none.
#[derive(Debug)]
enum End {
    /// It may be begun again, when the budget allows it.
    Over,
    /// Not before this, and why.
    Later(Duration, String),
    /// Not before somebody has changed something, and what.
    Never(String),
}

/// Listens to a session.
#[derive(Clone)]
struct Ear {
    front: Front,
    connection: Connection,
}

/// Keeps a session for as long as the lease is held.
pub(super) async fn lead(front: Front, connection: Connection, leadership: Leadership) {
    let mut failures = 0;
    loop {
        let session = Box::pin(session(&front, &connection, &leadership));
        let (end, connected) = match session.await {
            Some(end) => (end, connection.was_ready()),
            None => return, // asked to end, and it did
        };
        connection.is_over();
        failures = if connected { 0 } else { failures + 1 };
        let pause = match end {
            End::Over => Duration::from_millis(500 << failures.min(6)),
            End::Later(pause, words) => {
                connection.troubled(words);
                pause
            }
            End::Never(words) => {
                connection.troubled(words);
                return leadership.ending().await; // another replica would only be told the same
            }
        };
        if leadership.unless_ending(sleep(groundcrew::runtime::jittered(pause, 20))).await.is_none() {
            return;
        }
    }
}

/// One session, from the permit to its end; `None` if it was asked to end.
async fn session(front: &Front, connection: &Connection, leadership: &Leadership) -> Option<End> {
    let (url, mut runner) =
        match leadership.unless_ending(open(front, connection, leadership.epoch())).await? {
            Ok(opened) => opened,
            Err(end) => return Some(end),
        };
    let messenger = ShardMessenger::new(&runner);
    let mut run = std::pin::pin!(runner.run());
    tokio::select! {
        ended = &mut run => Some(end_of(ended)),
        () = leadership.ending() => {
            // While this is held, serenity cannot begin anew what it is told to end.
            let _held = url.lock().await;
            messenger.shutdown_clean();
            let _closed = timeout(FAREWELL, run).await;
            None
        }
    }
}

/// Connects, if a session may be begun now.
async fn open(
    front: &Front,
    connection: &Connection,
    epoch: u64,
) -> Result<(Arc<Mutex<String>>, ShardRunner), End> {
    let gateway = permitted(connection, || ask(front)).await?;
    let url = Arc::new(Mutex::new(gateway.url));
    let token = front.rest.token().expose().trim();
    let info = ShardInfo { id: SHARD, total: 1 };
    let shard = timeout(CONNECT, Shard::new(url.clone(), token, info, intents(front), None)).await;
    let shard = match shard {
        Ok(Ok(shard)) => shard,
        Ok(Err(error)) => {
            return Err(End::Later(Duration::from_secs(2), format!("the gateway is not reached: {error}")));
        }
        Err(_) => return Err(End::Later(Duration::from_secs(2), "the gateway does not answer".to_owned())),
    };
    identify::spend(&front.store, epoch).await.map_err(|error| stored(&error))?;
    let ear = Arc::new(Ear { front: front.clone(), connection: connection.clone() });
    Ok((url.clone(), runner(shard, url, ear, intents(front)).await))
}

/// Where the gateway is, and whether a session may be begun there now.
async fn ask(front: &Front) -> Result<(Gateway, Permit), End> {
    let gateway = front.rest.gateway().await.map_err(|error| match error {
        RestError::Unauthorized => End::Never(error.to_string()),
        other => End::Later(Duration::from_secs(5), format!("the gateway's address is not known: {other}")),
    })?;
    let permit = identify::permit(&front.store, &gateway, front.config.identify_budget).await;
    Ok((gateway, permit.map_err(|error| stored(&error))?))
}

/// Without its record a session might be one too many.
fn stored(error: &sqlx::Error) -> End {
    End::Later(Duration::from_secs(2), format!("the sessions that were begun are not known: {error}"))
}

/// Waits until a session may be begun. After each wait it is asked anew: a budget that is spent stays so.
async fn permitted<A>(connection: &Connection, mut ask: impl FnMut() -> A) -> Result<Gateway, End>
where
    A: Future<Output = Result<(Gateway, Permit), End>>,
{
    loop {
        let (pause, why) = match ask().await? {
            (gateway, Permit::Granted) => return Ok(gateway),
            (_, Permit::Wait(pause, why)) => (pause, why),
        };
        let words = format!("the next session with Discord waits: {why}");
        if pause > identify::APART {
            connection.troubled(words);
        } else {
            tracing::info!(discord.wait_s = pause.as_secs_f32(), "{words}");
        }
        sleep(pause).await;
    }
}

fn intents(front: &Front) -> GatewayIntents {
    let content =
        if front.config.message_content { GatewayIntents::MESSAGE_CONTENT } else { GatewayIntents::empty() };
    GatewayIntents::GUILDS | content
}

/// A runner that is nobody's but ours: its manager knows no other, and begins none.
async fn runner(
    shard: Shard,
    ws_url: Arc<Mutex<String>>,
    ear: Arc<Ear>,
    intents: GatewayIntents,
) -> ShardRunner {
    let data = Arc::new(RwLock::new(TypeMap::new()));
    let http = Arc::new(HttpBuilder::new("").build()); // for contexts, which nobody uses
    let (manager, results) = ShardManager::new(ShardManagerOptions {
        data: data.clone(),
        event_handlers: Vec::new(),
        raw_event_handlers: Vec::new(),
        shard_index: 0,
        shard_init: 0,
        shard_total: 1,
        ws_url,
        http: http.clone(),
        intents,
        presence: None,
    });
    drop(results);
    let runner = ShardRunner::new(ShardRunnerOptions {
        data,
        event_handlers: vec![ear.clone()],
        raw_event_handlers: vec![ear],
        manager: manager.clone(),
        shard,
        http,
    });
    // It ends its own queue only when it had somebody to end, and waits for the word of each.
    let nobody = ShardRunnerInfo {
        latency: None,
        runner_tx: ShardMessenger::new(&runner),
        stage: ConnectionStage::Disconnected,
    };
    manager.runners.lock().await.insert(NOBODY, nobody);
    manager.shutdown_finished(NOBODY);
    manager.shutdown_all().await;
    // A runner that asks to be begun anew waits for this, and then returns.
    manager.shutdown_finished(SHARD);
    runner
}

fn end_of(ended: serenity::Result<()>) -> End {
    let Err(error) = ended else { return End::Over };
    match error {
        serenity::Error::Gateway(GatewayError::InvalidAuthentication) => End::Never(
            "Discord refuses the bot's token (4004): set DISCORD_TOKEN to the one that “Bot → Reset Token” shows in \
             the developer portal, and start again"
                .to_owned(),
        ),
        serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents) => End::Later(
            PORTAL,
            "Discord does not hand out the contents of messages (4014): switch on “Message Content Intent” under \
             “Bot → Privileged Gateway Intents” in the developer portal; it is tried again every five minutes"
                .to_owned(),
        ),
        serenity::Error::Gateway(GatewayError::InvalidGatewayIntents) => {
            End::Never("Discord does not know the intents that were asked for (4013)".to_owned())
        }
        other => End::Later(Duration::from_secs(2), format!("the session broke off: {other}")),
    }
}

// === impl Ear ===

#[async_trait]
impl RawEventHandler for Ear {
    async fn raw_event(&self, _: Context, event: Event) {
        match event {
            Event::Ready(_) | Event::Resumed(_) => self.connection.is_ready(),
            Event::InteractionCreate(event) => {
                if let Some(interaction) = incoming::interaction(event.interaction) {
                    let front = self.front.clone();
                    // The drain waits for it, even if this session is over.
                    let begun = self
                        .front
                        .crew
                        .detach("interaction", async move { front.receive(interaction).await });
                    let _ended = begun.await;
                }
            }
            _ => {}
        }
    }
}

#[async_trait]
impl EventHandler for Ear {
    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        if event.old == ConnectionStage::Connected {
            self.connection.is_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use groundcrew::telemetry::prometheus::IntGauge;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_budget_that_is_spent_lets_no_session_through_however_often_it_was_waited_for() {
        let connection = Connection::new(IntGauge::new("sessions", "Sessions.").expect("a gauge"));
        let gateway: Gateway = serde_json::from_value(serde_json::json!({
            "url": "wss://gateway.example", "session_start_limit": {"remaining": 1, "reset_after": 0},
        }))
        .expect("a gateway");
        let spent =
            || Permit::Wait(Duration::from_secs(600), "1 sessions were begun within a day".to_owned());
        let permits = RefCell::new(vec![Permit::Granted, spent(), spent(), spent()]);
        let begun = Instant::now();
        let asked = || {
            let permit = permits.borrow_mut().pop().expect("no more than that is asked");
            let troubled = connection.trouble();
            assert_eq!(troubled.is_some(), begun.elapsed() > Duration::ZERO, "{troubled:?}");
            std::future::ready(Ok((gateway.clone(), permit)))
        };
        permitted(&connection, asked).await.expect("granted in the end");
        assert_eq!(begun.elapsed(), Duration::from_secs(1800));
    }
}
