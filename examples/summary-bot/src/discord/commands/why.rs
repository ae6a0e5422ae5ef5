//! The button "Tell me why": the messages that a summary came from.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::render::{Press, sources};

/// "Tell me why".
pub(super) struct Why;

// === impl Why ===

impl Command for Why {
    fn name(&self) -> &'static str {
        Press::Why.name()
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
            let id = task.interaction.argument().unwrap_or_default();
            let document = front.document(&task.interaction, id).await?;
            Ok(sources(&document).into_iter().map(Reply::private).collect())
        })
    }
}
