//! One interaction that is being worked on.

use std::time::Duration;

use groundcrew::http::Problem;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::interaction::Interaction;
use super::reply::Reply;
use super::rest::Rest;
use super::snowflake;
use crate::document::Document;
use crate::store::Store;
use crate::workshop::storage_problem;

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
    /// The summary that an earlier attempt has stored for it.
    pub(crate) summary: Option<Uuid>,
    store: Store,
    rest: Rest,
    shown: Mutex<Instant>,
}

// === impl Task ===

impl Task {
    pub(super) fn new(
        interaction: Interaction,
        received: Timestamp,
        summary: Option<Uuid>,
        store: Store,
        rest: Rest,
    ) -> Self {
        Self { interaction, received, summary, store, rest, shown: Mutex::new(Instant::now()) }
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

    /// Stores a summary that was made for this interaction, once: if another attempt was quicker, its summary counts,
    /// and is the answer.
    pub(crate) async fn keep(&self, document: Document) -> Result<Document, Problem> {
        let id = &self.interaction.id;
        let kept = self.store.keep_for_interaction(id, &document).await;
        if kept.map_err(|error| storage_problem(&error))? {
            return Ok(document);
        }
        Ok(self.kept().await?.unwrap_or(document))
    }

    /// The summary that was made for this interaction already.
    pub(crate) async fn kept(&self) -> Result<Option<Document>, Problem> {
        let problem = |error: sqlx::Error| storage_problem(&error);
        let open = self.store.open_interaction(&self.interaction.id).await.map_err(problem)?;
        let Some(id) = open.and_then(|open| open.summary) else { return Ok(None) };
        let json = self.store.get(id).await.map_err(problem)?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }
}
