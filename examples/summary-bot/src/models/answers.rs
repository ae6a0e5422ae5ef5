//! Answers that are kept: the same question is not paid twice.

use std::time::Duration;

use groundcrew::cache::{Builder, Cache, CacheConfig, LoadError};
use groundcrew::telemetry;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::chain::Answer;
use super::material::hex;
use super::model::Model;
use super::say::Failure;
use super::study::{Study, Task};
use crate::config::Config;
use crate::store::Store;

/// Kept answers: at hand in a cache, and for longer in the database.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    cache: Cache<Answer>,
    store: Store,
    keep: Duration,
}

/// Why there is nothing to keep.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error(transparent)]
    Failed(Failure),
    /// Whoever waits for it gets it. Who asks again later may get a whole one.
    #[error("parts of the answer are missing")]
    Incomplete(Box<Answer>),
}

/// Everything that an answer depends on.
#[derive(Debug, Serialize)]
pub(crate) struct Asking<'a> {
    /// Raised when answers are understood otherwise than before.
    version: u32,
    server: &'a str,
    model: &'a str,
    prompts: &'a str,
    said: &'a str,
    words: usize,
    entries: usize,
    perspective: &'a str,
    language: Option<&'a str>,
    wish: Option<&'a str>,
    temperature: Option<String>,
}

/// The cache for a chain of models. What is stale is not served: it would be asked for again with nobody waiting.
pub(crate) fn cache(config: &Config) -> Builder<Answer> {
    let models = &config.models;
    let config = CacheConfig {
        ttl: config.cache.ttl.min(models.keep).max(Duration::from_secs(1)),
        ttl_seconds: None,
        stale: Duration::ZERO,
        load_timeout: models.total + Duration::from_secs(30),
        ..config.cache.clone()
    };
    config.named("answers").version(1)
}

// === impl Answers ===

impl Answers {
    pub(crate) fn new(cache: Cache<Answer>, store: Store, keep: Duration) -> Self {
        Self { cache, store, keep }
    }

    /// The answer that is kept, or what `pay` brings: that is kept if it is whole. Who asks the same meanwhile waits
    /// for it, too; once begun it goes on though everybody has gone, since it is paid for.
    pub(crate) async fn given<F>(
        &self,
        asking: &Asking<'_>,
        guild: Option<&str>,
        pay: F,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        if self.keep.is_zero() {
            return alone(pay).await;
        }
        let key = asking.key();
        let (this, name, guild) = (self.clone(), key.clone(), guild.map(str::to_owned));
        let load = move || async move {
            if let Some(answer) = this.find(&name).await {
                return Ok(answer);
            }
            let answer = pay.await.map_err(NotKept::Failed)?;
            if !answer.is_whole() {
                return Err(NotKept::Incomplete(Box::new(answer)));
            }
            this.put(&name, guild.as_deref(), &answer).await;
            Ok::<Answer, NotKept>(answer)
        };
        self.cache.get_or_load(&key, load).await.or_else(|error| not_kept(&error))
    }

    /// A database that does not answer has no answer.
    async fn find(&self, key: &str) -> Option<Answer> {
        let keep = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::now().as_millisecond().saturating_sub(keep);
        match self.store.written(key, since).await {
            // The version before kept those as well of which parts are missing.
            Ok(found) => serde_json::from_str(&found?).ok().filter(Answer::is_whole),
            Err(error) => {
                tracing::warn!(%error, "kept answers of models cannot be looked up");
                None
            }
        }
    }

    async fn put(&self, key: &str, guild: Option<&str>, answer: &Answer) {
        let Ok(json) = serde_json::to_string(answer) else { return };
        if let Err(error) = self.store.keep_written(key, guild, &json).await {
            tracing::warn!(%error, "an answer of a model is not kept");
        }
    }
}

/// To the end, whether anybody waits for it or not: what it costs is booked there.
async fn alone<F>(pay: F) -> Result<Answer, Failure>
where
    F: Future<Output = Result<Answer, Failure>> + Send + 'static,
{
    let context = telemetry::current();
    let paid = tokio::spawn(async move {
        match context {
            Some(context) => context.detached().into_arc().scope(pay).await,
            None => pay.await,
        }
    });
    paid.await.unwrap_or(Err(Failure::Useless("asking it failed on our side")))
}

fn not_kept(error: &LoadError) -> Result<Answer, Failure> {
    match error.downcast_ref::<NotKept>() {
        Some(NotKept::Incomplete(answer)) => Ok(answer.as_ref().clone()),
        Some(NotKept::Failed(failure)) => Err(failure.clone()),
        None => {
            tracing::warn!(%error, "a question to a model came to nothing");
            Err(Failure::Timeout)
        }
    }
}

// === impl Asking ===

impl<'a> Asking<'a> {
    pub(crate) fn of(model: &'a Model, study: &'a Study, task: &'a Task) -> Self {
        let temperature = study.wish.temperature.or(model.known.temperature);
        Self {
            version: 1,
            server: &model.known.base_url,
            model: &model.known.model,
            prompts: &task.prompts.version,
            said: &task.hash,
            words: task.brief.words,
            entries: task.brief.entries,
            perspective: &task.brief.perspective,
            language: task.brief.language.as_deref(),
            wish: task.brief.wish.as_deref(),
            temperature: temperature.map(|it| it.to_string()),
        }
    }

    /// The same in every process.
    fn key(&self) -> String {
        // Of plain fields, so that there is nothing to fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(json))
    }
}
