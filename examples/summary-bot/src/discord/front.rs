//! What commands work with.

use std::fmt;
use std::sync::Arc;

use groundcrew::Crew;

use super::DiscordConfig;
use super::access::Viewer;
use super::atlas::Atlas;
use super::commands::Commands;
use super::costs::Costs;
use super::first_words::FirstWords;
use super::history::ChannelHistory;
use super::metrics::DiscordMetrics;
use super::quotas::Quotas;
use super::rest::Rest;
use crate::caretaker::Caretaker;
use crate::plans::Plans;
use crate::settings::Settings;
use crate::store::Store;
use crate::workshop::Workshop;

/// Everything that a command may need. Clones share it.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) crew: Crew,
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) commands: Commands,
    pub(crate) metrics: DiscordMetrics,
    pub(crate) config: Arc<DiscordConfig>,
    pub(crate) rest: Rest,
    pub(super) first_words: FirstWords,
    /// The servers, their channels and members.
    pub(crate) atlas: Arc<Atlas>,
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
    /// Deletes what is to go.
    pub(crate) caretaker: Caretaker,
    /// What comes again and again.
    pub(crate) plans: Plans,
}

// === impl Front ===

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("commands", &self.commands).finish_non_exhaustive()
    }
}
