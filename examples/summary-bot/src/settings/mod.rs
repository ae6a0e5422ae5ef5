//! The settings of each server: defaults, configuration and what people set, with who said so.

mod change;
mod checks;
mod config;
mod effective;
mod key;
mod layer;
mod level;
mod rules;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use groundcrew::cache::Cache;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

pub(crate) use config::LANGUAGES;
pub use config::{DefaultLength, DefaultPerspective, GuildConfig, Language, Snowflake, ZoneName};
pub(crate) use effective::{Effective, Given, Source};
pub(crate) use key::Key;
pub(crate) use rules::{Member, Rule, Rules, Subject, SubjectKind};
pub(crate) use stored::{Change, Stored, StoredValue};

use crate::store::{Refusal, Store};
use crate::workshop::storage_problem;

/// The settings of all servers. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    store: Store,
    /// What is stored. Other replicas notice a change after `cache.local_ttl` at most.
    cache: Cache<Stored>,
    all: Arc<GuildConfig>,
    guilds: Arc<BTreeMap<String, GuildConfig>>,
    guild_daily: Option<f64>,
}

// === impl Settings ===

impl Settings {
    pub(crate) fn new(
        store: Store,
        cache: Cache<Stored>,
        all: GuildConfig,
        guilds: BTreeMap<String, GuildConfig>,
    ) -> Self {
        Self { store, cache, all: Arc::new(all), guilds: Arc::new(guilds), guild_daily: None }
    }

    /// What a day may cost in a server whose own configuration says nothing of it.
    pub(crate) fn with_guild_daily(self, guild_daily: Option<f64>) -> Self {
        Self { guild_daily, ..self }
    }

    /// What holds for a server.
    pub(crate) async fn effective(&self, guild: &str) -> Result<Effective, Problem> {
        let (store, id) = (self.store.clone(), guild.to_owned());
        let loaded = self.cache.get_or_load(&guild, move || async move { store.guild(&id).await }).await;
        let stored = loaded.map_err(|error| {
            tracing::error!(guild.id = guild, %error, "the settings of a server cannot be read");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE")
                .detail("the database does not answer at the moment; try again")
                .retry_after(5)
        })?;
        Ok(Effective::of(&self.all, self.guilds.get(guild), self.most_daily(guild), stored))
    }

    /// What whoever runs the bot lets a day in this server cost: it is their money.
    fn most_daily(&self, guild: &str) -> Option<f64> {
        let own = self.guilds.get(guild).and_then(|own| own.daily_budget.as_ref());
        own.or(self.all.daily_budget.as_ref()).map(|said| **said).or(self.guild_daily)
    }

    /// Changes a server's settings, all of it or nothing. `expected` is the version that whoever changes it has seen;
    /// `None` overwrites whatever there is.
    pub(crate) async fn change(
        &self,
        guild: &str,
        by: &str,
        expected: Option<i64>,
        change: Change,
    ) -> Result<Effective, Problem> {
        change.check()?;
        change.within(self.most_daily(guild))?;
        let changed = self.store.change_guild(guild, by, expected, change).await;
        self.forget(guild).await;
        changed.map_err(|refusal| match refusal {
            Refusal::Version => Problem::new(StatusCode::CONFLICT, "VERSION_CONFLICT")
                .detail("somebody else has changed these settings meanwhile; look at them and try again"),
            Refusal::Storage(error) => storage_problem(&error),
        })?;
        self.effective(guild).await
    }

    /// Takes back all that was set for a server, its rules included.
    pub(crate) async fn reset(&self, guild: &str) -> Result<Effective, Problem> {
        let reset = self.store.reset_guild(guild).await;
        self.forget(guild).await;
        reset.map_err(|error| storage_problem(&error))?;
        self.effective(guild).await
    }

    async fn forget(&self, guild: &str) {
        if let Err(error) = self.cache.remove(&guild).await {
            tracing::warn!(guild.id = guild, %error, "other replicas may go by the old settings for a while");
        }
    }
}
