//! What commands work with.

use std::fmt;
use std::sync::Arc;

use groundcrew::Crew;
use groundcrew::cache::Cache;
use groundcrew::http::Problem;
use groundcrew::jobs::Publisher;
use uuid::Uuid;

use super::DiscordConfig;
use super::access::Viewer;
use super::commands::Commands;
use super::costs::Costs;
use super::history::ChannelHistory;
use super::metrics::DiscordMetrics;
use super::quotas::Quotas;
use crate::retention::RetentionConfig;
use crate::settings::Settings;
use crate::store::Store;
use crate::workshop::{Workshop, storage_problem};

/// Everything that a command may need. Clones share it.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) crew: Crew,
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) publisher: Publisher,
    pub(crate) commands: Commands,
    pub(crate) metrics: DiscordMetrics,
    pub(crate) config: Arc<DiscordConfig>,
    /// What holds for each server.
    pub(crate) settings: Settings,
    /// Who may read what.
    pub(crate) viewer: Arc<dyn Viewer>,
    /// What was said.
    pub(crate) history: Arc<dyn ChannelHistory>,
    /// How often somebody may ask.
    pub(crate) quotas: Quotas,
    /// What models have cost.
    pub(crate) costs: Arc<dyn Costs>,
    /// The summaries that the API keeps at hand.
    pub(crate) documents: Cache<Option<String>>,
    pub(crate) retention: RetentionConfig,
}

// === impl Front ===

impl Front {
    /// Deletes a summary, from the cache of the API too.
    pub(crate) async fn forget(&self, id: Uuid) -> Result<(), Problem> {
        self.store.delete(id).await.map_err(|error| storage_problem(&error))?;
        if let Err(error) = self.documents.remove(&id).await {
            // Its lifetime in the cache ends it, at the latest.
            tracing::warn!(%error, summary.id = %id, "a deleted summary is still in the shared cache");
        }
        Ok(())
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("commands", &self.commands).finish_non_exhaustive()
    }
}
