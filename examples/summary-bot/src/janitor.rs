//! Forgets what is too old, and tells those who wait for dead jobs.

use std::time::Duration;

use groundcrew::Crew;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::jobs::{DeadQuery, DeadSet, Job};
use groundcrew::runtime::{Backoff, Restart, Stop};
use jiff::Timestamp;
use uuid::Uuid;

use crate::api::ApiConfig;
use crate::clerk::Summarize;
use crate::config::Config;
use crate::store::Store;

/// How many dead jobs, or summaries without an index, are looked at together.
const TOGETHER: u16 = 100;
/// How many of them in one round, the latest first.
const MOST: usize = 1000;

/// Comes round now and then. Every replica has one: what it does may be done twice.
#[derive(Debug, Clone)]
pub(crate) struct Janitor {
    store: Store,
    dead: DeadSet,
    period: Duration,
    keep_answers: Duration,
    keep_jobs: Duration,
    keep_of_models: Duration,
}

// === impl Janitor ===

impl Janitor {
    pub(crate) fn new(store: Store, dead: DeadSet, config: &Config) -> Self {
        let ApiConfig { housekeeping: period, keep_answers, keep_jobs, .. } = config.api;
        Self { store, dead, period, keep_answers, keep_jobs, keep_of_models: config.models.keep }
    }

    pub(crate) fn start(self, crew: &Crew) {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        crew.task("janitor", Restart::Always(backoff), move |stop| self.clone().work(stop));
    }

    async fn work(self, stop: Stop) -> anyhow::Result<()> {
        // Dead jobs are told of once; those from before this start once more.
        let mut told = Timestamp::UNIX_EPOCH;
        loop {
            match self.bury(told).await {
                Ok(latest) => told = latest,
                Err(error) => tracing::warn!(error, "dead jobs could not be looked for"),
            }
            if let Err(error) = self.forget().await {
                tracing::warn!(%error, "what is too old could not be forgotten");
            }
            match self.store.index_some(TOGETHER).await {
                // There are more.
                Ok(count) if count == usize::from(TOGETHER) && !stop.is_requested() => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "summaries of an earlier version could not be indexed"),
            }
            if stop.unless(tokio::time::sleep(self.period)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn forget(&self) -> sqlx::Result<()> {
        let before = |keep: Duration| {
            let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
            Timestamp::now().as_millisecond().saturating_sub(keep)
        };
        let keys = self.store.forget_keys(before(self.keep_answers)).await?;
        let requests = self.store.forget_requests(before(self.keep_jobs)).await?;
        let of_models = self.store.forget_written(before(self.keep_of_models)).await?;
        if keys + requests + of_models > 0 {
            tracing::debug!(
                forgotten.keys = keys,
                forgotten.requests = requests,
                forgotten.models = of_models,
                "too old"
            );
        }
        Ok(())
    }

    /// Tells those who wait for jobs that died since `told`; when the latest one died.
    async fn bury(&self, told: Timestamp) -> Result<Timestamp, String> {
        let (mut latest, mut before, mut seen) = (told, None, 0);
        loop {
            let query = DeadQuery {
                name: Some(Summarize::NAME.to_owned()),
                before,
                limit: TOGETHER.into(),
                payload: true,
                ..DeadQuery::default()
            };
            let dead = self.dead.list(query).await.map_err(|error| error.to_string())?;
            for job in dead.iter().filter(|job| job.died_at >= told) {
                let payload = job.payload.as_deref().and_then(|json| serde_json::from_str(json).ok());
                if let Some(Summarize { request }) = payload {
                    let problem = abandoned(request).to_json().to_string();
                    self.store.give_up(request, &problem).await.map_err(|error| error.to_string())?;
                }
                latest = latest.max(job.died_at);
            }
            seen += dead.len();
            let oldest = dead.last().map(|job| job.died_at);
            let is_last =
                dead.len() < usize::from(TOGETHER) || seen >= MOST || oldest.is_some_and(|at| at < told);
            if is_last {
                return Ok(latest);
            }
            before = oldest;
        }
    }
}

fn abandoned(request: Uuid) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "JOB_ABANDONED")
        .detail("the summary failed too often for reasons of ours; it is not tried again unless an operator says so")
        .with("request_id", request.to_string())
}
