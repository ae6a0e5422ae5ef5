//! The service: what `summary-bot` without a command starts.

use std::net::SocketAddr;

use groundcrew::Crew;

use crate::api::{self, App, Followers};
use crate::bot_metrics::BotMetrics;
use crate::clerk::{Clerk, Desk, Summarize};
use crate::config::Config;
use crate::janitor::Janitor;
use crate::plans::{self, Mailer, Plans, Post, SummarizeChannels};
use crate::replay::Replays;
use crate::scribe::Scribe;
use crate::store::{MIGRATIONS, Store};
use crate::workshop::Workshop;
use crate::{page, welcome};

/// Builds the service, says where to go and what is off; [`groundcrew::Service::run`] supervises.
pub async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let address = launch(config.clone(), crew).await?;
    welcome::greet(&config, address);
    Ok(())
}

/// Builds the service without a word. Tests bind port 0 and learn here where it listens; `None` is a Unix
/// socket.
pub async fn launch(config: Config, crew: Crew) -> anyhow::Result<Option<SocketAddr>> {
    let http = config.http.bind(&crew).await?; // probes answer from here on, unready
    let database = config.database.connect(&crew).await?; // now in /ready, /metrics and the shutdown
    database.migrate(&crew, MIGRATIONS).await?;
    let redis = config.redis.connect_if_configured(&crew).await?;
    let rabbitmq = config.rabbitmq.connect_if_configured(&crew).await?;

    let limits = &config.rate_limiting;
    let limiter = match &redis {
        Some(redis) => limits.limiter_over("api", &crew, redis.limits(crew.service()))?,
        None => limits.limiter("api", &crew)?,
    };
    let shared = redis.map(|redis| redis.cache_store());
    let documents = config.cache.named("documents").absent(Option::is_none).over(shared).build(&crew)?;
    let jobs = config.jobs.connect_through(&crew, rabbitmq.as_ref(), &database).await?;
    let jobs = jobs.register::<Summarize>().register::<SummarizeChannels>().register::<Post>();

    let metrics = BotMetrics::register(crew.metrics())?;
    let store = Store::new(database);
    let workshop = Workshop::new(&crew, store.clone(), Scribe, metrics.clone(), &config.summaries);
    let clerk = Clerk::new(store.clone(), jobs.publisher());
    let replays = Replays::new(&crew, store.clone(), &config.summaries);
    let followers = Followers::new(config.api.followers, config.api.follow_period, crew.stop());
    Janitor::new(store.clone(), jobs.dead_set(), &config.api).start(&crew);
    let publisher = jobs.publisher();
    let plans = Plans::new(plans::Parts {
        store: store.clone(),
        timetable: Plans::timetable(&config.schedules, &crew, &publisher)?,
        publisher,
        config: config.schedules,
        history: None,
        poster: None,
        mailer: Mailer::build(&config.mail)?,
    });
    plans.keep(&config.lease)?;
    let max_messages = config.summaries.max_messages;
    jobs.run(Desk { store: store.clone(), workshop: workshop.clone(), plans: plans.clone(), max_messages });
    let app = App { store, documents, clerk, workshop, replays, plans, followers, config: config.summaries };
    let address = http.local_addr();
    http.serve(api::routes(app, &metrics, limiter).merge(page::routes()));
    Ok(address)
}
