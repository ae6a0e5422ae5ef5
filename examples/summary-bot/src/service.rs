//! The service: what `summary-bot` without a command starts.

use std::net::SocketAddr;
use std::sync::Arc;

use groundcrew::Crew;
use groundcrew::axum::Router;
use groundcrew::jobs::{Publisher, Schedules};
use groundcrew::lease::{Lease, LeaseError};
use groundcrew::sql::Database;

use crate::api::{self, App, Channels, Followers};
use crate::auth::{self, Access, Readers};
use crate::backends::{Backends, Caches};
use crate::benches::Benches;
use crate::bot_metrics::BotMetrics;
use crate::caretaker::{Caretaker, Sweep};
use crate::clerk::{Clerk, Desk, Summarize};
use crate::config::Config;
use crate::discord::quotas::Quotas;
use crate::discord::{self, Answer, Board, DiscordLease};
use crate::janitor::Janitor;
use crate::models::{Chain, Purse};
use crate::plans::{self, Mailer, Plans, Post, SummarizeChannels};
use crate::replay::Replays;
use crate::scribe::Scribe;
use crate::settings::Settings;
use crate::store::Store;
use crate::webhooks::{Announce, Deliver, Webhooks};
use crate::workshop::Workshop;
use crate::{page, welcome};

/// In the night of most people, and not with those who come at the full hour.
const NIGHTLY: &str = "17 3 * * *";

/// Builds the service, says where to go and what is off; [`groundcrew::Service::run`] supervises.
pub async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let address = Box::pin(launch(config.clone(), crew.clone())).await?;
    let access = auth::words(&config, &crew, address);
    welcome::greet(&config, address, access);
    Ok(())
}

/// Builds the service without a word. Tests bind port 0 and learn here where it listens; `None` is a Unix
/// socket.
pub async fn launch(config: Config, crew: Crew) -> anyhow::Result<Option<SocketAddr>> {
    let http = config.http.clone().bind(&crew).await?; // probes answer from here on, unready
    let address = http.local_addr();
    let backends = Backends::connect(&config, &crew).await?;
    let (limiter, caches) = (backends.limiter(&config, &crew)?, backends.caches(&config, &crew)?);
    let Backends { database, redis, rabbitmq } = backends;
    let Caches { documents, guilds, answers } = caches;
    let access = Access::connect(&config, &crew, &database, address).await?;
    auth::offer(&crew, &access.keys);
    let quotas = Quotas::new(&config.discord_limits, &crew, redis.as_ref())?;

    let jobs = config.jobs.connect_through(&crew, rabbitmq.as_ref(), &database).await?;
    let jobs = jobs.register::<Summarize>().register::<Sweep>().register::<Announce>().register::<Deliver>();
    let jobs = jobs.register::<SummarizeChannels>().register::<Post>();
    let schedules = Schedules::new(&jobs.publisher()).add("sweep", NIGHTLY.parse()?, |_| Sweep {});
    schedules.run(&crew, &config.lease, &database).await?;

    let metrics = BotMetrics::register(crew.metrics())?;
    let store = Store::new(database.clone(), jobs.publisher());
    let settings = Settings::new(store.clone(), guilds, config.guild_defaults.clone(), config.guilds.clone());
    let settings = settings.with_guild_daily(config.budget.guild_daily);
    let webhooks = Webhooks::build(&config.webhooks, &config.client, &crew, store.clone())?;
    let benches = Benches::new(config.summaries.concurrency);
    let purse = Purse::new(store.clone(), settings.clone(), config.budget.clone());
    let chain = Chain::build(&config, purse.clone(), answers, &crew)?;
    let models = chain.names();
    let scribe = Scribe::new(benches.clone(), chain);
    let workshop = Workshop::new(&crew, store.clone(), benches, scribe, metrics.clone(), &config);
    let clerk = Clerk::new(store.clone(), jobs.publisher());
    let plans = plans(&config, &crew, &store, jobs.publisher())?;
    let caretaker = Caretaker {
        store: store.clone(),
        documents: documents.clone(),
        settings: settings.clone(),
        retention: config.retention.clone(),
        plans: plans.clone(),
        accounts: Some(access.accounts(&config)),
    };
    caretaker.offer(&crew);
    let parts = discord::Parts {
        crew: crew.clone(),
        store: store.clone(),
        workshop: workshop.clone(),
        settings: settings.clone(),
        quotas: quotas.clone(),
        costs: Arc::new(purse),
        caretaker: caretaker.clone(),
        plans: plans.clone(),
    };
    let front = discord::front(parts, &config.discord)?;
    if let Some(front) = &front {
        plans.reach(front.history.clone(), Arc::new(Board::of(front)));
    }
    let lease = |name: &str| discord_lease(&config, name, &crew, &database);
    let (jobs, interactions) = match &front {
        Some(front) => (jobs.register::<Answer>(), discord::run(front, lease)?),
        None => (jobs, Router::new()),
    };
    let replays = Replays::new(&crew, store.clone(), &config.summaries);
    let followers = Followers::new(config.api.followers, config.api.follow_period, crew.stop());
    Janitor::new(store.clone(), jobs.dead_set(), &config).start(&crew);
    plans.keep(&config.lease)?;
    let max_messages = config.summaries.max_messages;
    let readers = Readers::new(front.as_ref().map(|front| front.viewer.clone()));
    let channels: Channels = front.as_ref().map(|front| front.history.clone());
    jobs.run(Desk {
        store: store.clone(),
        workshop: workshop.clone(),
        plans: plans.clone(),
        webhooks: webhooks.clone(),
        readers: readers.clone(),
        models: models.clone(),
        channels: channels.clone(),
        max_messages,
        caretaker,
        discord: front,
    });
    let app = App {
        store,
        documents,
        clerk,
        workshop,
        webhooks,
        replays,
        plans,
        followers,
        channels,
        settings,
        quotas,
        config: config.summaries,
        readers,
        models,
    };
    let routes = api::routes(&app, access, &metrics, limiter);
    http.serve(routes.merge(page::routes()).merge(interactions));
    Ok(address)
}

fn discord_lease(config: &Config, name: &str, crew: &Crew, database: &Database) -> Result<Lease, LeaseError> {
    match config.discord.lease {
        DiscordLease::Database => config.lease.database(name, crew, database),
        DiscordLease::Kubernetes => config.kubernetes_lease.lease(name, crew),
    }
}

fn plans(config: &Config, crew: &Crew, store: &Store, publisher: Publisher) -> anyhow::Result<Plans> {
    Ok(Plans::new(plans::Parts {
        store: store.clone(),
        timetable: Plans::timetable(&config.schedules, crew, &publisher)?,
        publisher,
        config: config.schedules.clone(),
        mailer: Mailer::build(&config.mail)?,
    }))
}
