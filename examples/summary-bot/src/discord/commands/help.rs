//! `/help`: what there is.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::reply::{Embed, Field};

/// `/help`.
pub(super) struct Help;

/// What people want to know, and where it is.
const TOPICS: [(&str, &str); 7] = [
    (
        "/summarize",
        "What was said here, or in another channel or category: the last so many messages, hours or minutes, since \
         a link to a message, or since your own last one. `private` shows it to you alone.",
    ),
    ("Summarise from here", "In the menu of a message, under “Apps”: from that message to now."),
    (
        "/summary history, show, delete",
        "Summaries that were made before, as far as you may read their channels.",
    ),
    (
        "/schedule",
        "Summaries that come by themselves: hourly, daily, weekly, monthly or by a cron expression.",
    ),
    ("/forget-me", "Erases what I keep of you, in all servers."),
    ("/config", "For admins: settings of this server, and who may do what."),
    (
        "/usage, /status, /about, /ping",
        "What was made and what it cost; how the bot is; what it is; whether it is there.",
    ),
];

// === impl Help ===

impl Command for Help {
    fn name(&self) -> &'static str {
        "help"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::slash("help", "What this bot can do").also_in_private())
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::None
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, _front: &'a Front, _task: &'a Task) -> Answering<'a> {
        let field =
            |(name, value): (&str, &str)| Field { name: name.into(), value: value.into(), inline: false };
        let buttons = "Below each summary there are buttons for a shorter or a longer one, for one in your \
                       language, for the messages that it came from, and for what you think of it.";
        let reply = Reply::embed(Embed {
            title: Some("What I can do".to_owned()),
            description: Some(buttons.to_owned()),
            fields: TOPICS.into_iter().map(field).collect(),
            ..Embed::default()
        });
        Box::pin(std::future::ready(Ok(reply.private().into())))
    }
}
