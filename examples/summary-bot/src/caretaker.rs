//! What is to go: what is too old, and what is stored of somebody who wants to be erased.

use groundcrew::Crew;
use groundcrew::cache::Cache;
use groundcrew::jobs::{Attempt, Job, JobError, Policy};
use groundcrew::runtime::OperationError;
use groundcrew::sql::SqlProblem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::Accounts;
use crate::clerk::Desk;
use crate::document::Document;
use crate::erasure::without;
use crate::plans::Plans;
use crate::retention::RetentionConfig;
use crate::settings::Settings;
use crate::store::Store;

/// Deletes what is to go. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Caretaker {
    pub(crate) store: Store,
    /// The summaries that the API keeps at hand.
    pub(crate) documents: Cache<Option<String>>,
    pub(crate) settings: Settings,
    pub(crate) retention: RetentionConfig,
    pub(crate) plans: Plans,
    /// Keys and sessions.
    pub(crate) accounts: Option<Accounts>,
}

/// What was too old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Swept {
    pub(crate) summaries: u64,
    pub(crate) sessions: u64,
}

/// What was stored of somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Erased {
    /// Deleted: nobody else could read them.
    pub(crate) private_summaries_deleted: u64,
    /// Kept, without what they wrote and without their name.
    pub(crate) summaries_changed: u64,
    pub(crate) opinions_deleted: u64,
    /// Places in settings and rules of servers.
    pub(crate) settings_changed: u64,
    /// Requests that are not known to be theirs any more, without what they sent, and answers that were kept for them.
    pub(crate) requests_changed: u64,
    /// Keys and sessions, which end with it.
    pub(crate) accounts_deleted: u64,
    /// Webhooks that they made, with the logs of their deliveries.
    pub(crate) webhooks_deleted: u64,
    /// Schedules that read channels as they could: nobody else's sight takes the place of theirs.
    pub(crate) schedules_deleted: u64,
    /// Other schedules, which are not known to be made or paused by them any more.
    pub(crate) schedules_changed: u64,
}

/// Delete what is too old.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sweep {}

const HELP: &str =
    "erase-user ID: takes somebody out of all that is stored, by Discord's id or the subject of a key";

// === impl Caretaker ===

impl Caretaker {
    /// Deletes what is too old by the rules of its server, or of all.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        for guild in self.store.guilds().await? {
            // Without its settings nothing of a server is deleted: they may say "never".
            let own =
                self.settings.effective(&guild).await.map_err(|_| SweepError::Settings)?.retention_days();
            if let Some(before) = cutoff(now, own.unwrap_or(self.retention.days)) {
                swept.summaries += self.store.delete_older(Some(&guild), before).await?;
            }
        }
        if let Some(before) = cutoff(now, self.retention.days) {
            swept.summaries += self.store.delete_older(None, before).await?;
        }
        if let Some(accounts) = &self.accounts {
            swept.sessions = accounts.sweep().await?;
        }
        Ok(swept)
    }

    /// Takes somebody out of all that is stored. Done twice it changes nothing more; broken off, it is begun again.
    pub(crate) async fn erase(&self, user: &str) -> sqlx::Result<Erased> {
        // First of all nobody can come as them any more, and leave something new behind.
        let accounts_deleted = match &self.accounts {
            Some(accounts) => accounts.erase(user).await?,
            None => 0,
        };
        // Before the summaries: whatever is made of requests in this moment is stored before, or not at all.
        let requests_changed = self.store.unask(user).await?;
        let (schedules_deleted, schedules_changed) = self.plans.erase(user).await?;
        let webhooks_deleted = self.store.delete_webhooks_of(user).await?;
        let private_summaries_deleted = self.delete_private(user).await?;
        let summaries_changed = self.rewrite(user, false).await? + self.rewrite(user, true).await?;
        self.store.unname(user).await?;
        // What models wrote is kept by what they read, not by who said it; all of it can be asked for again.
        self.store.forget_written(i64::MAX).await?;
        Ok(Erased {
            private_summaries_deleted,
            summaries_changed,
            opinions_deleted: self.store.delete_feedback(user).await?,
            settings_changed: self.store.unsign(user).await?,
            requests_changed,
            accounts_deleted,
            webhooks_deleted,
            schedules_deleted,
            schedules_changed,
        })
    }

    /// One by one, so that none is answered from a cache any more.
    async fn delete_private(&self, user: &str) -> sqlx::Result<u64> {
        let mut deleted = 0;
        loop {
            let portion = self.store.private_of(user).await?;
            if portion.is_empty() {
                return Ok(deleted);
            }
            for id in portion {
                let id = id.parse().map_err(|error: uuid::Error| {
                    sqlx::Error::Decode(format!("summaries.id: {error}").into())
                })?;
                self.delete(id).await?;
                deleted += 1;
            }
        }
    }

    async fn rewrite(&self, user: &str, asked: bool) -> sqlx::Result<u64> {
        let (mut changed, mut after) = (0, String::new());
        loop {
            let portion = self.store.naming(user, asked, &after).await?;
            let Some((last, ..)) = portion.last() else { return Ok(changed) };
            after.clone_from(last);
            for (id, json, name) in portion {
                let document: Document = serde_json::from_str(&json).map_err(|error| {
                    sqlx::Error::Decode(format!("summaries.document of {id}: {error}").into())
                })?;
                let document = without(document, user, &[name]);
                self.store.replace(&document).await?;
                self.forget(document.id).await;
                changed += 1;
            }
        }
    }

    /// Deletes a summary.
    pub(crate) async fn delete(&self, id: Uuid) -> sqlx::Result<()> {
        self.store.delete(id).await?;
        self.forget(id).await;
        Ok(())
    }

    async fn forget(&self, id: Uuid) {
        if let Err(error) = self.documents.remove(&id).await {
            tracing::warn!(%error, summary.id = %id, "a summary is still in the shared cache as it was");
        }
    }

    /// Offers the operation `erase-user`.
    pub(crate) fn offer(&self, crew: &Crew) {
        let this = self.clone();
        crew.operation("erase-user", HELP, move |words| {
            let this = this.clone();
            async move {
                let [user] = &words[..] else { return Err(OperationError::Usage(HELP.to_owned())) };
                match this.erase(user).await {
                    Ok(erased) => {
                        tracing::info!(?erased, "somebody was erased");
                        Ok(serde_json::json!(erased).to_string())
                    }
                    Err(error) => {
                        Err(OperationError::Failed(format!("{error}; begin again, nothing is done twice")))
                    }
                }
            }
        });
    }
}

/// What was made before then is too old; `None` when nothing ever is.
fn cutoff(now: Timestamp, days: u32) -> Option<i64> {
    let kept = SignedDuration::from_hours(24 * i64::from(days));
    (days > 0).then(|| now.checked_sub(kept).map_or(i64::MIN, Timestamp::as_millisecond))
}

/// Why a sweep was not finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error("the settings of a server cannot be read")]
    Settings,
    #[error(transparent)]
    Storage(#[from] sqlx::Error),
}

// === impl Sweep ===

impl Job for Sweep {
    const NAME: &'static str = "sweep";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().timeout(std::time::Duration::from_secs(900))
    }

    async fn run(self, desk: Desk, _attempt: Attempt) -> Result<(), JobError> {
        match desk.caretaker.sweep(Timestamp::now()).await {
            Ok(swept) => {
                tracing::info!(swept.summaries, swept.sessions, "what was too old is deleted");
                Ok(())
            }
            Err(SweepError::Storage(error)) if SqlProblem::of(&error) == SqlProblem::Unavailable => {
                Err(JobError::snooze(std::time::Duration::from_secs(60)))
            }
            Err(error) => Err(JobError::retry(error)),
        }
    }
}

#[cfg(test)]
#[path = "caretaker_tests.rs"]
mod tests;
