//! Summaries that are made later, as jobs: durable before the client hears of them, made once whatever dies.

use std::time::Duration;

use groundcrew::http::Problem;
use groundcrew::jobs::{Attempt, Job, JobError, Policy, Publisher};
use groundcrew::sql::SqlProblem;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use crate::Origin;
use crate::api::{self, Channels};
use crate::auth::Readers;
use crate::caretaker::Caretaker;
use crate::discord::Front;
use crate::headway::{self, Step};
use crate::models::ModelNames;
use crate::plans::Plans;
use crate::request::Asking;
use crate::store::Store;
use crate::webhooks::{Event, Webhooks};
use crate::workshop::{self, Workshop, storage_problem};

/// What has failed so often for a reason of ours will go on failing: whoever asked is told.
pub(crate) const ENOUGH: u32 = 3;
/// How long to wait for a database that is away.
const AWAY: Duration = Duration::from_secs(2);
/// How often a job says how far it is, and looks whether anybody still wants it.
const LOOK: Duration = Duration::from_millis(500);
/// How long such a look may take.
const GLANCE: Duration = Duration::from_secs(2);

/// Takes requests.
#[derive(Debug, Clone)]
pub(crate) struct Clerk {
    store: Store,
    publisher: Publisher,
}

/// What the jobs are handed.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) plans: Plans,
    pub(crate) channels: Channels,
    pub(crate) webhooks: Webhooks,
    /// Who may read what.
    pub(crate) readers: Readers,
    /// The models that one may wish for.
    pub(crate) models: ModelNames,
    pub(crate) max_messages: u64,
    /// Where Discord is configured.
    pub(crate) discord: Option<Front>,
    pub(crate) caretaker: Caretaker,
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

    /// Keeps the conversation under this id and enqueues the job, both or neither. Kept twice it is kept once.
    pub(crate) async fn take(&self, request: Uuid, asking: Asking) -> Result<(), Problem> {
        self.store.accept(&self.publisher, request, asking).await.map_err(|error| storage_problem(&error))
    }
}

// === impl Summarize ===

impl Job for Summarize {
    const NAME: &'static str = "summarize";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().timeout(Duration::from_secs(300))
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let store = &desk.store;
        let Some(asking) = store.asking(self.request).await.map_err(not_stored)? else {
            return Ok(()); // answered by an earlier delivery
        };
        let (most, (tell, reading)) = (desk.max_messages, api::beside(&asking));
        let (channels, settings) = (desk.channels.clone(), desk.caretaker.settings.clone());
        let order = Box::pin(api::order(asking, most, desk.models.clone(), channels, settings));
        let (work, steps) = headway::followed(Box::pin(desk.workshop.draft(reading, order)));
        let Some(outcome) = wanted(store, self.request, steps, work).await else {
            return Ok(()); // called off
        };
        match outcome {
            Ok(document) => {
                if store.fulfil(&attempt, self.request, &document).await.map_err(not_stored)? {
                    workshop::report(&document);
                    desk.tell(tell, Event::Created { summary: document.id }).await;
                }
                Ok(())
            }
            Err(problem) if problem.status().is_server_error() && attempt.number() < ENOUGH => {
                Err(JobError::retry(problem.to_json().to_string()))
            }
            // Nothing that another attempt would change.
            Err(problem) => {
                let problem = problem.to_json();
                store.refuse(self.request, &problem.to_string()).await.map_err(not_stored)?;
                let failed = Event::Failed { job: self.request, problem, origin: Origin::default() };
                desk.tell(tell, failed).await;
                Ok(())
            }
        }
    }
}

// === impl Desk ===

impl Desk {
    /// Tells the one URL that a request has named, if it has. What became of it is decided by now, whatever this does.
    async fn tell(&self, url: Option<String>, event: Event) {
        let Some(url) = url else { return };
        if let Err(problem) = self.webhooks.send_once(&url, event).await {
            tracing::warn!(
                problem.code = problem.code(),
                "the URL of a request could not be told of its end"
            );
        }
    }
}

/// Does work as long as somebody wants it, and notes how far it is; `None` if it was called off.
async fn wanted<T>(
    store: &Store,
    request: Uuid,
    mut steps: watch::Receiver<Step>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut looks = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            _ = looks.tick() => {}
        }
        let step = *steps.borrow_and_update();
        // A database that does not answer keeps no work from being done.
        let look = tokio::time::timeout(GLANCE, store.note(request, step));
        if let Ok(Ok(false)) = look.await {
            return None;
        }
    }
}

/// A database that is away is no fault of the job's, which would otherwise be dead after a long outage.
pub(crate) fn not_stored(error: sqlx::Error) -> JobError {
    match SqlProblem::of(&error) {
        SqlProblem::Unavailable | SqlProblem::Conflict => JobError::snooze(AWAY),
        _ => JobError::retry(error),
    }
}
