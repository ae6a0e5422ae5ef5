//! The buttons "Good" and "Bad": what readers think of a summary.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::render::Press;
use crate::workshop::storage_problem;

/// "Good" or "Bad".
pub(super) struct Rate {
    pub(super) good: bool,
}

// === impl Rate ===

impl Command for Rate {
    fn name(&self) -> &'static str {
        if self.good { Press::Good.name() } else { Press::Bad.name() }
    }

    fn definition(&self) -> Option<Definition> {
        None
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Read
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            let interaction = &task.interaction;
            let document = front.document(interaction, interaction.argument().unwrap_or_default()).await?;
            let rated = front.store.rate(document.id, &interaction.user.id, self.good).await;
            let opinions = rated.map_err(|error| storage_problem(&error))?;
            front.metrics.rated(self.good);
            let words = format!("Thank you. So far: {} 👍, {} 👎.", opinions.good, opinions.bad);
            Ok(Reply::text(words).private().into())
        })
    }
}
