//! What commands work with.

use std::sync::Arc;

use groundcrew::Crew;
use groundcrew::jobs::Publisher;

use super::DiscordConfig;
use super::commands::Commands;
use super::metrics::DiscordMetrics;
use super::rest::Rest;
use crate::store::Store;
use crate::workshop::Workshop;

/// Everything that a command may need. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) crew: Crew,
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) publisher: Publisher,
    pub(crate) commands: Commands,
    pub(crate) metrics: DiscordMetrics,
    pub(crate) config: Arc<DiscordConfig>,
    pub(crate) rest: Rest,
}
