//! `/ping`: whether the bot is there, and how long a way it is.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;

/// `/ping`.
pub(super) struct Ping;

// === impl Ping ===

impl Command for Ping {
    fn name(&self) -> &'static str {
        "ping"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::slash("ping", "Is the bot there?").also_in_private())
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::None
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, _front: &'a Front, task: &'a Task) -> Answering<'a> {
        let milliseconds = task.age().as_millis();
        let reply = Reply::text(format!("Here. Your command took {milliseconds} ms to reach me."));
        Box::pin(std::future::ready(Ok(reply.private().into())))
    }
}
