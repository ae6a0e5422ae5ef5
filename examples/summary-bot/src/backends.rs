//! What the configured URLs lead to, and what is shared over it.

use std::time::Duration;

use groundcrew::Crew;
use groundcrew::amqp::Amqp;
use groundcrew::cache::{Cache, CacheConfig};
use groundcrew::limit::Limiter;
use groundcrew::redis::Redis;
use groundcrew::sql::Database;

use crate::config::Config;
use crate::models::{self, Answer};
use crate::settings::Stored;
use crate::store::MIGRATIONS;

/// The servers behind the bot: the database, and those that it can do without.
pub(crate) struct Backends {
    pub(crate) database: Database,
    pub(crate) redis: Option<Redis>,
    pub(crate) rabbitmq: Option<Amqp>,
}

/// What is kept at hand, shared by replicas where there is a Redis.
pub(crate) struct Caches {
    /// Summaries as they are answered, by id.
    pub(crate) documents: Cache<Option<String>>,
    /// The settings of servers.
    pub(crate) guilds: Cache<Stored>,
    /// What models have written.
    pub(crate) answers: Cache<Answer>,
}

// === impl Backends ===

impl Backends {
    pub(crate) async fn connect(config: &Config, crew: &Crew) -> anyhow::Result<Self> {
        let database = config.database.connect(crew).await?; // now in /ready, /metrics and the shutdown
        database.migrate(crew, MIGRATIONS).await?;
        let redis = config.redis.connect_if_configured(crew).await?;
        let rabbitmq = config.rabbitmq.connect_if_configured(crew).await?;
        Ok(Self { database, redis, rabbitmq })
    }

    /// How often one client may ask the API.
    pub(crate) fn limiter(&self, config: &Config, crew: &Crew) -> anyhow::Result<Limiter> {
        let limits = &config.rate_limiting;
        Ok(match &self.redis {
            Some(redis) => limits.limiter_over("api", crew, redis.limits(crew.service()))?,
            None => limits.limiter("api", crew)?,
        })
    }

    pub(crate) fn caches(&self, config: &Config, crew: &Crew) -> anyhow::Result<Caches> {
        let shared = || self.redis.as_ref().map(Redis::cache_store);
        let documents = config.cache.named("documents").absent(Option::is_none).over(shared()).build(crew)?;
        // Without Redis, other replicas go by what they know of a server for this long.
        let briefly =
            CacheConfig { ttl: Duration::from_secs(10), stale: Duration::ZERO, ..config.cache.clone() };
        let guilds = briefly.named("guilds").over(shared()).build(crew)?;
        let answers = models::cache(config).over(shared()).build(crew)?;
        Ok(Caches { documents, guilds, answers })
    }
}
