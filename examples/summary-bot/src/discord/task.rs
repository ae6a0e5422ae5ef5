//! One interaction that is being worked on.

use std::time::Duration;

use groundcrew::http::Problem;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::interaction::Interaction;
use super::reply::Reply;
use super::rest::Rest;
use super::snowflake;
use crate::document::Document;
use crate::store::Store;
use crate::workshop::{report, storage_problem};

/// Not more often than this does an answer change.
const PACE: Duration = Duration::from_secs(2);
/// Discord takes answers for 15 minutes; the last word needs some of it.
const LIFE: Duration = Duration::from_secs(14 * 60 + 30);

/// An interaction, for the command that works on it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) interaction: Interaction,
    /// When it arrived here.
    pub(crate) received: Timestamp,
    store: Store,
    rest: Rest,
    shown: Mutex<Instant>,
}

// === impl Task ===

impl Task {
    pub(super) fn new(interaction: Interaction, received: Timestamp, store: Store, rest: Rest) -> Self {
        Self { interaction, received, store, rest, shown: Mutex::new(Instant::now()) }
    }

    /// How long it took from Discord to us.
    pub(crate) fn age(&self) -> Duration {
        let made = snowflake::made_at(&self.interaction.id).unwrap_or(self.received);
        Duration::try_from(self.received.duration_since(made)).unwrap_or_default()
    }

    /// How long ago it arrived.
    pub(super) fn since(&self) -> Duration {
        Duration::try_from(Timestamp::now().duration_since(self.received)).unwrap_or_default()
    }

    /// For how long it can still be answered.
    pub(crate) fn remaining(&self) -> Duration {
        LIFE.saturating_sub(self.since())
    }

    /// Shows how far the work is, in place of “thinking …”; not more often than every two seconds, and if it does not
    /// get through, never mind.
    pub(crate) async fn progress(&self, words: &str) {
        {
            let mut shown = self.shown.lock();
            if shown.elapsed() < PACE {
                return;
            }
            *shown = Instant::now();
        }
        if let Err(error) = self.rest.edit_answer(&self.interaction, &Reply::text(words)).await {
            tracing::debug!(%error, interaction.id = self.interaction.id, "progress was not shown");
        }
    }

    /// Stores the summaries that were made for this interaction, once: if another attempt was quicker, its summaries
    /// count, and are the answer.
    pub(crate) async fn keep(&self, documents: Vec<Document>) -> Result<Vec<Document>, Problem> {
        let kept = self.store.keep_for_interaction(&self.interaction.id, &documents).await;
        if kept.map_err(|error| storage_problem(&error))? {
            documents.iter().for_each(report);
            return Ok(documents);
        }
        let kept = self.kept().await?;
        Ok(if kept.is_empty() { documents } else { kept })
    }

    /// Whether an earlier attempt has done already what was asked for.
    pub(crate) async fn is_done(&self) -> Result<bool, Problem> {
        let open = self.store.open_interaction(&self.interaction.id).await;
        let open = open.map_err(|error| storage_problem(&error))?;
        Ok(open.is_some_and(|open| open.summaries.is_some()))
    }

    /// The summaries that were made for this interaction already.
    pub(crate) async fn kept(&self) -> Result<Vec<Document>, Problem> {
        let problem = |error: sqlx::Error| storage_problem(&error);
        let open = self.store.open_interaction(&self.interaction.id).await.map_err(problem)?;
        let mut documents = Vec::new();
        for id in open.and_then(|open| open.summaries).unwrap_or_default() {
            let json = self.store.get(id).await.map_err(problem)?;
            documents.extend(json.and_then(|json| serde_json::from_str(&json).ok()));
        }
        Ok(documents)
    }
}
