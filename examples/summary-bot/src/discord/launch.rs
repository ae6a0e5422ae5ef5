//! Builds the front and sets it to work.

use std::sync::Arc;
use std::time::Duration;

use groundcrew::Crew;
use groundcrew::axum::Router;
use groundcrew::client::BuildError;
use groundcrew::lease::{Lease, LeaseError};
use groundcrew::runtime::{Backoff, CheckPolicy, Restart, Stop};
use groundcrew::telemetry::MetricsError;
use jiff::Timestamp;
use tokio::time::sleep;

use super::access::Access;
use super::archive::Archive;
use super::atlas::Atlas;
use super::commands::Commands;
use super::connection::Connection;
use super::costs::Costs;
use super::first_words::FirstWords;
use super::front::Front;
use super::metrics::DiscordMetrics;
use super::quotas::Quotas;
use super::rest::{Rest, RestError};
use super::{DiscordConfig, DiscordMode, endpoint, register, session};
use crate::caretaker::Caretaker;
use crate::plans::Plans;
use crate::settings::Settings;
use crate::store::Store;
use crate::workshop::Workshop;

/// Interactions that came so long ago cannot come again.
const REMEMBERED: Duration = Duration::from_secs(86_400);
/// How often old ones are let go.
const TIDYING: Duration = Duration::from_secs(3600);

/// What the front is built of.
pub(crate) struct Parts {
    pub(crate) crew: Crew,
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) settings: Settings,
    pub(crate) quotas: Quotas,
    pub(crate) costs: Arc<dyn Costs>,
    pub(crate) caretaker: Caretaker,
    pub(crate) plans: Plans,
}

/// Why there is no front.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("Discord's metrics")]
    Metrics(#[from] MetricsError),
    #[error("Discord's client")]
    Client(#[from] BuildError),
    #[error("Discord's lease")]
    Lease(#[from] LeaseError),
    #[error(
        "discord.answer_once is false, and ENVIRONMENT is production: what arrives twice would be done twice; leave it \
         out"
    )]
    Twice,
}

/// The front; `None` without a token, or where Discord is switched off. Nothing is sent yet.
pub(crate) fn front(parts: Parts, config: &DiscordConfig) -> Result<Option<Front>, LaunchError> {
    if !config.answer_once && parts.crew.environment().is_production() {
        return Err(LaunchError::Twice);
    }
    let commands = Commands::all();
    let metrics = DiscordMetrics::register(parts.crew.metrics(), commands.names())?;
    let Some(token) = config.token.clone().filter(|_| config.mode != DiscordMode::Off) else {
        return Ok(None);
    };
    let rest = Rest::new(&parts.crew, &config.api_url, token)?;
    let Parts { crew, store, workshop, settings, quotas, costs, caretaker, plans } = parts;
    let atlas = Arc::new(Atlas::new(rest.clone()));
    let access = Access::new(atlas.clone(), settings.clone());
    let history =
        Arc::new(Archive::new(rest.clone(), atlas.clone(), access.clone(), config.max_messages as usize));
    let config = Arc::new(config.clone());
    let viewer = Arc::new(access);
    Ok(Some(Front {
        crew,
        store,
        workshop,
        commands,
        metrics,
        config,
        rest,
        first_words: FirstWords::new(),
        atlas,
        settings,
        viewer,
        history,
        quotas,
        costs,
        caretaker,
        plans,
    }))
}

/// Sets it to work. `lease` makes the lease under which one replica has the session with the gateway.
pub(crate) fn run(
    front: &Front,
    lease: impl FnOnce(&str) -> Result<Lease, LeaseError>,
) -> Result<Router, LaunchError> {
    let connection = Connection::new(front.metrics.connections.clone());
    watch(front, &connection);
    tend(front);
    if front.config.mode == DiscordMode::Endpoint {
        return Ok(endpoint::routes(front.clone()));
    }
    let (front, connection) = (front.clone(), connection);
    let lease = lease("discord gateway")?;
    lease.run(move |leadership| session::lead(front.clone(), connection.clone(), leadership));
    Ok(Router::new())
}

/// The check `discord_api`: what is wrong degrades, since the other half of the bot goes on.
fn watch(front: &Front, connection: &Connection) {
    let (rest, connection) = (front.rest.clone(), connection.clone());
    let policy = CheckPolicy::degraded().period(Duration::from_secs(2));
    let probe = move || {
        let refused = rest.is_refused().then(|| RestError::Unauthorized.to_string());
        std::future::ready(refused.or_else(|| connection.trouble()).map_or(Ok(()), Err))
    };
    front.crew.check("discord_api", policy, probe).keep();
}

/// Registers the commands, and lets go of what is old.
fn tend(front: &Front) {
    let told = front.clone();
    if told.config.register {
        let patience = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));
        front.crew.task("discord commands", Restart::OnFailure(patience), move |stop: Stop| {
            let front = told.clone();
            async move { stop.unless(register::register(&front)).await.unwrap_or(Ok(())) }
        });
    }
    let store = front.store.clone();
    front.crew.task("discord tidying", Restart::default(), move |stop: Stop| {
        let store = store.clone();
        async move {
            while stop.unless(sleep(TIDYING)).await.is_some() {
                let before = Timestamp::now() - REMEMBERED;
                store.forget_interactions(before.as_millisecond()).await?;
            }
            Ok::<(), sqlx::Error>(())
        }
    });
}
