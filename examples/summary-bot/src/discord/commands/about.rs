//! `/about`: what the bot is, and what it does with what it reads.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::reply::Embed;

/// `/about`.
pub(super) struct About;

// === impl About ===

impl Command for About {
    fn name(&self) -> &'static str {
        "about"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::slash("about", "What this bot is, and what it keeps").also_in_private())
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::None
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            let general = front.caretaker.retention.days;
            let days = match task.interaction.guild_id.as_deref() {
                Some(guild) => front.settings.effective(guild).await?.retention_days().unwrap_or(general),
                None => general,
            };
            let kept = match days {
                0 => "Summaries are kept until somebody deletes them.".to_owned(),
                1 => "Summaries are deleted after a day.".to_owned(),
                days => format!("Summaries are deleted after {days} days."),
            };
            let words = format!(
                "I read channels when somebody asks me to, and keep the summary with the messages that it cites, \
                 never the whole conversation. {kept} Whoever asked, and admins, can delete one at any time with \
                 `/summary delete`, and everybody can have themselves erased from all with `/forget-me`."
            );
            let embed = Embed {
                title: Some(format!("Summary Bot {}", env!("CARGO_PKG_VERSION"))),
                description: Some(words),
                ..Embed::default()
            };
            Ok(Reply::embed(embed).private().into())
        })
    }
}
