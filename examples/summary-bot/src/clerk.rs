//! Summaries that are made later, as jobs: durable before the client hears of them, made once whatever dies.

use bytes::Bytes;
use groundcrew::http::Problem;
use groundcrew::jobs::{Attempt, Job, JobError, Policy, Publisher};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

use crate::api;
use crate::request::Asking;
use crate::store::Store;
use crate::workshop::{Workshop, storage_problem};

/// Takes requests.
#[derive(Debug, Clone)]
pub(crate) struct Clerk {
    store: Store,
    publisher: Publisher,
}

/// What the jobs are handed.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) max_messages: u64,
}

/// Summarise the conversation of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Summarize {
    pub(crate) request: Uuid,
}

// === impl Clerk ===

impl Clerk {
    pub(crate) fn new(store: Store, publisher: Publisher) -> Self {
        Self { store, publisher }
    }

    /// Keeps the conversation and enqueues the job, both or neither.
    pub(crate) async fn take(&self, asking: Asking) -> Result<Uuid, Problem> {
        let request = Uuid::now_v7();
        self.store.accept(&self.publisher, request, asking).await.map_err(|error| storage_problem(&error))?;
        Ok(request)
    }
}

// === impl Summarize ===

impl Job for Summarize {
    const NAME: &'static str = "summarize";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().max_attempts(8).timeout(Duration::from_secs(300))
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let Some(asking) = desk.store.asking(self.request).await? else {
            return Ok(()); // answered by an earlier delivery
        };
        let most = desk.max_messages;
        let work = move || api::summarize(Bytes::from(asking.body), asking.media, asking.query, most);
        match desk.workshop.draft(work).await {
            Ok(document) => Ok(desk.store.fulfil(&attempt, self.request, &document).await?),
            Err(problem) if problem.status().is_server_error() && !attempt.is_last() => {
                Err(JobError::retry(problem.to_json().to_string()))
            }
            // Nothing that another attempt would change: whoever asked is told.
            Err(problem) => Ok(desk.store.refuse(self.request, &problem.to_json().to_string()).await?),
        }
    }
}
