//! `/status`: how the bot is.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::render::cut;
use crate::discord::reply::{Embed, Field};

/// `/status`.
pub(super) struct Status;

// === impl Status ===

impl Command for Status {
    fn name(&self) -> &'static str {
        "status"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::slash("status", "How this bot is").also_in_private())
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::None
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        let readiness = front.crew.readiness();
        // Names and states only: an error's text is for whoever runs the bot.
        let fields = readiness.checks.iter().take(20).map(|check| Field {
            name: cut(&check.name, 256),
            value: check.status.name().to_owned(),
            inline: true,
        });
        let waiting = front.workshop.waiting();
        let words = format!(
            "{} Your command took {} ms to reach me; {waiting} {} for their turn.",
            if readiness.ready { "All is well." } else { "Not all is well." },
            task.age().as_millis(),
            if waiting == 1 { "summary waits" } else { "summaries wait" },
        );
        let embed = Embed {
            title: Some(format!("Summary Bot {}", env!("CARGO_PKG_VERSION"))),
            description: Some(words),
            fields: fields.collect(),
            ..Embed::default()
        };
        Box::pin(std::future::ready(Ok(Reply::embed(embed).private().into())))
    }
}
