//! The models in their order: the first that can, writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use groundcrew::Crew;
use groundcrew::cache::Cache;
use groundcrew::telemetry;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::answers::{Answers, Asking};
use super::catalogue::{self, Known};
use super::claims::Claims;
use super::config::{Fallback, ModelsConfig};
use super::metrics::ModelMetrics;
use super::model::{Model, Spent, Tally};
use super::names::ModelNames;
use super::prompts::Prompts;
use super::purse::{Bill, Purse};
use super::say::Failure;
use super::study::{Study, Task};
use super::writer::{self, Draft, Shares, Writer};
use crate::config::Config;

/// Every model that may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    models: Vec<Arc<Model>>,
    purse: Purse,
    answers: Answers,
    prompts: Prompts,
    config: ModelsConfig,
    metrics: ModelMetrics,
    places: Semaphore,
}

/// What a model wrote, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) claims: Claims,
    /// As the configuration calls the model, and as a stored summary does.
    pub(crate) model: String,
    pub(crate) engine: String,
    pub(crate) prompts: String,
    pub(crate) requests: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Some of the tokens are our estimate.
    pub(crate) estimated: bool,
    pub(crate) cost_microdollars: u64,
    pub(crate) dropped_citations: u64,
    pub(crate) dropped_claims: u64,
    pub(crate) unstructured: bool,
    pub(crate) parts: usize,
    pub(crate) lost: usize,
    /// No model put the parts together. No such answer is kept.
    #[serde(skip)]
    pub(crate) woven: bool,
}

/// An answer, and whether it was there already.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) answer: Answer,
    pub(crate) kept: bool,
}

/// A model that could not.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) model: Arc<str>,
    pub(crate) failure: Failure,
}

/// What remains of a request's time when models have to stop: enough for the offline engine and the database.
const RESERVE: Duration = Duration::from_secs(3);

// === impl Chain ===

impl Chain {
    /// The models that are configured; there may be none.
    pub(crate) fn build(
        config: &Config,
        purse: Purse,
        cache: Cache<Answer>,
        crew: &Crew,
    ) -> anyhow::Result<Self> {
        let known = catalogue::models(config)?;
        catalogue::check_prices(&known, config)?;
        let names = known.iter().map(|known| known.name.as_ref());
        let (metrics, each) = ModelMetrics::register(crew.metrics(), names)?;
        let models = build(known, each, config, crew)?;
        let prompts = Prompts::new(config.models.prompts.clone());
        let places = Semaphore::new(config.models.concurrency);
        let config = config.models.clone();
        let answers = Answers::new(cache, purse.store().clone(), config.keep);
        Ok(Self { inner: Arc::new(Inner { models, purse, answers, prompts, config, metrics, places }) })
    }

    /// Whether there is no model.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.models.is_empty()
    }

    /// Those that one may wish for.
    pub(crate) fn names(&self) -> ModelNames {
        ModelNames::of(self.inner.models.iter().map(|model| &model.known))
    }

    pub(crate) fn prompts(&self) -> &Prompts {
        &self.inner.prompts
    }

    /// What happens after these failures: with money there might have been a summary, so a spent budget decides.
    pub(crate) fn fallback(&self, failed: &[Failed]) -> Fallback {
        let of_budget = failed.iter().any(Failed::for_want_of_money);
        if of_budget { self.inner.purse.when_spent() } else { self.inner.config.fallback }
    }

    pub(crate) fn metrics(&self) -> &ModelMetrics {
        &self.inner.metrics
    }

    /// Has the first model write that can; else why none could. Whoever waits for it does so until `by`.
    pub(crate) async fn write(&self, study: &Arc<Study>, by: Option<Instant>) -> Result<Given, Vec<Failed>> {
        let Some(task) = &study.task else { return Err(Vec::new()) };
        let inner = &self.inner;
        let until = Instant::now() + self.time(by);
        let mut failed = Vec::new();
        let Ok(Ok(_place)) = tokio::time::timeout_at(until.into(), inner.places.acquire()).await else {
            let models = self.ordered(study);
            return Err(models.iter().map(|model| Failed::of(model, Failure::Timeout)).collect());
        };
        let models = self.ordered(study);
        for (asked, model) in models.iter().enumerate() {
            let until = share(until, models.len() - asked);
            let tokens = model.correction.apply(task.material.tokens());
            let limit = inner.config.max_input_tokens;
            let answer = if tokens > limit {
                Err(Failure::TooMuch { tokens, limit })
            } else {
                self.given(model, study, task, until).await
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    model.metrics.failed_over.inc();
                    tracing::warn!(
                        model.name = %model.known.name, error.code = failure.code(), error = %failure,
                        "a model could not summarise"
                    );
                    failed.push(Failed::of(model, failure));
                }
            }
        }
        Err(failed)
    }

    /// The answer that is there already, or one that is paid for.
    async fn given(
        &self,
        model: &Arc<Model>,
        study: &Arc<Study>,
        task: &Task,
        until: Instant,
    ) -> Result<Given, Failure> {
        let paid = Arc::new(AtomicBool::new(false));
        let pay = {
            let (this, model, study, paid) = (self.clone(), model.clone(), study.clone(), paid.clone());
            async move {
                paid.store(true, Ordering::Relaxed);
                this.paid(&model, &study, until).await
            }
        };
        let (inner, guild) = (&self.inner, study.origin.guild_id.as_deref());
        let asking = Asking::of(model, study, task);
        // Whoever asks may not wait as long as somebody else's same question takes.
        let given = tokio::time::timeout_at(until.into(), inner.answers.given(&asking, guild, pay));
        let answer = given.await.unwrap_or(Err(Failure::Timeout))?;
        let kept = !paid.load(Ordering::Relaxed);
        if kept {
            inner.metrics.hits.inc();
            let reserved = inner.purse.reserve(guild, &model.known.name, 0, Duration::ZERO).await?;
            inner.purse.book(reserved, Bill::KEPT).await;
        }
        Ok(Given { answer, kept })
    }

    /// Has a model write within the budget, and books what that took, whatever came of it.
    async fn paid(&self, model: &Model, study: &Study, until: Instant) -> Result<Answer, Failure> {
        let Some(task) = &study.task else { return Err(Failure::Useless("there is nothing to summarise")) };
        let inner = &self.inner;
        inner.metrics.misses.inc();
        let amount = expected(model, task).ok_or(Failure::TooLong)?;
        let within = until.saturating_duration_since(Instant::now());
        let guild = study.origin.guild_id.as_deref();
        let reserved = inner.purse.reserve(guild, &model.known.name, amount, within).await;
        let reserved = reserved.inspect_err(|_| inner.metrics.budget_refusals.inc())?;
        let tally = Tally::default();
        let writer = Writer { model, study, task, until, parallel: inner.config.parallel, tally: &tally };
        let draft = writer.write().await;
        let spent = tally.spent();
        let outcome = if draft.is_ok() { "written" } else { "failed" };
        inner.purse.book(reserved, Bill::of(outcome, spent, model.price())).await;
        let answer = Answer::of(model, task, draft?, spent);
        model.metrics.dropped_citations.inc_by(answer.dropped_citations);
        model.metrics.dropped_claims.inc_by(answer.dropped_claims);
        Ok(answer)
    }

    /// The one that was wished for, then the others in their order.
    fn ordered(&self, study: &Study) -> Vec<Arc<Model>> {
        let mut models = self.inner.models.clone();
        if let Some(wish) = study.wish.model.as_deref() {
            models.sort_by_key(|model| *model.known.name != *wish && model.known.model != wish);
        }
        models
    }

    /// How long models may take, as far as whoever waits still waits for it.
    fn time(&self, by: Option<Instant>) -> Duration {
        let of_request = telemetry::current().and_then(|context| context.remaining());
        let of_asker = by.map(|by| by.saturating_duration_since(Instant::now()));
        let remaining = of_request.into_iter().chain(of_asker).min();
        let usable = |remaining: Duration| remaining.saturating_sub(RESERVE.min(remaining / 2));
        remaining.map_or(Duration::MAX, usable).min(self.inner.config.total)
    }
}

/// Until when the first of so many models may take: one that says nothing leaves the others their share of the time.
fn share(until: Instant, models: usize) -> Instant {
    let now = Instant::now();
    let left = until.saturating_duration_since(now);
    now + left / u32::try_from(models).unwrap_or(u32::MAX).max(1)
}

/// What a summary may cost, in millionths of a dollar; `None` if a prompt does not even hold the instructions.
fn expected(model: &Model, task: &Task) -> Option<u64> {
    let Shares { input, output, around } = writer::shares(model, task)?;
    let tokens = task.material.tokens();
    let parts = tokens.div_ceil(input).max(1);
    // Those that put parts together read about as much as was written.
    let prompts = if parts > 1 { parts + parts.div_ceil(4) + 1 } else { 1 };
    let merged = if parts > 1 { parts * output } else { 0 };
    let sent = model.correction.apply(tokens + prompts * around) + merged;
    Some(model.price().cost(sent, prompts * output))
}

fn build(
    known: Vec<Known>,
    metrics: Vec<super::metrics::OneMetrics>,
    config: &Config,
    crew: &Crew,
) -> anyhow::Result<Vec<Arc<Model>>> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let mut client = config.client.clone();
    client.chunk_timeout = config.models.stall;
    // What the breaker remembers is the health check: nobody pays for one.
    let client = client.named("models").check("openai_api").build(crew)?;
    let models = known.into_iter().zip(metrics);
    let models = models.map(|(known, metrics)| Model::new(known, client.clone(), &config.models, metrics));
    Ok(models.map(Arc::new).collect())
}

// === impl Answer ===

impl Answer {
    /// Whether nothing went wrong in it that may go right the next time.
    pub(crate) fn is_whole(&self) -> bool {
        self.lost == 0 && !self.woven
    }

    fn of(model: &Model, task: &Task, draft: Draft, spent: Spent) -> Self {
        Self {
            claims: draft.claims,
            model: model.known.name.to_string(),
            engine: model.known.engine(),
            prompts: task.prompts.version.clone(),
            requests: spent.requests,
            input_tokens: spent.input,
            output_tokens: spent.output,
            estimated: spent.estimated,
            cost_microdollars: model.price().cost(spent.input, spent.output),
            dropped_citations: draft.dropped.citations,
            dropped_claims: draft.dropped.claims,
            unstructured: draft.unstructured,
            parts: draft.parts,
            lost: draft.lost,
            woven: draft.woven,
        }
    }
}

// === impl Failed ===

impl Failed {
    /// Our own budget did not cover it.
    pub(crate) fn for_want_of_money(&self) -> bool {
        matches!(self.failure, Failure::BudgetSpent(_))
    }

    fn of(model: &Model, failure: Failure) -> Self {
        Self { model: model.known.name.clone(), failure }
    }
}
