//! `/summarize`, and the entries of the context menu of messages that do the same.

mod publish;
mod request;
mod write;

use groundcrew::http::Problem;

use self::request::Request;
use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::Perspective;
use crate::discord::access::Level;
use crate::discord::definition::{Choice, Opt, POSTABLE, READABLE_OR_CATEGORY};
use crate::discord::interaction::Kind;
use crate::settings::LANGUAGES;

/// `/summarize`.
pub(super) struct Summarize;
/// "Summarise from here": a message and all that was said after it.
pub(super) struct FromHere;
/// "Summarise this thread": the thread that was begun on a message, or the one that the message is in.
pub(super) struct ThisThread;

const MOST_MESSAGES: i64 = 10_000;
const MOST_HOURS: i64 = 24 * 31;

// === impl Summarize ===

impl Command for Summarize {
    fn name(&self) -> &'static str {
        "summarize"
    }

    fn definition(&self) -> Option<Definition> {
        let perspectives = Perspective::ALL.map(|(name, _)| name);
        let command = Definition::slash("summarize", "What was said here, or elsewhere?")
            .option(Opt::integer("messages", "At most so many, the newest", 1, MOST_MESSAGES))
            .option(Opt::integer("hours", "Of the last hours", 1, MOST_HOURS))
            .option(Opt::integer("minutes", "Of the last minutes", 1, 60 * 24))
            .option(
                Opt::text("since", "A link to a message, “my last message”, or a time: “yesterday 14:00”")
                    .at_most(200)
                    .completed(),
            )
            .option(Opt::text("length", "How long").one_of(&["brief", "detailed", "comprehensive"]))
            .option(Opt::text("perspective", "Whose interests weigh more").one_of(&perspectives))
            .option(Opt::channel(
                "channel",
                "A channel, a thread, a forum, or all of a category",
                READABLE_OR_CATEGORY,
            ))
            .option(
                Opt::text("mode", "Several channels: one summary, or one of each")
                    .one_of(&["combined", "individual"]),
            )
            .option(Opt::text("exclude_channels", "Not these: #one #another").at_most(1000))
            .option(Opt::flag("thread", "The threads of the channel, too"))
            .option(Opt::text("language", "The language to write in, such as “de”").at_most(20).completed())
            .option(Opt::flag("private", "Only you see it"))
            .option(Opt::channel("post_to", "Post it there", POSTABLE));
        Some(command)
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Summarize
    }

    fn acknowledge(&self, interaction: &Interaction) -> Acknowledgement {
        let private = interaction.flag("private") == Some(true) || publish::is_elsewhere(interaction);
        Acknowledgement::Think { private }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(
            async move { answer(front, task, Request::of_options(front, &task.interaction).await).await },
        )
    }

    fn complete<'a>(&'a self, front: &'a Front, interaction: &'a Interaction) -> super::Completing<'a> {
        Box::pin(async move {
            match interaction.kind {
                Kind::Completion { ref focused, ref typed, .. } if focused == "language" => languages(typed),
                _ => request::times(front, interaction).await,
            }
        })
    }
}

// === impl FromHere ===

impl Command for FromHere {
    fn name(&self) -> &'static str {
        "Summarise from here"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::on_message(self.name()))
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Summarize
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            Box::pin(answer(front, task, Request::from_here(front, &task.interaction).await)).await
        })
    }
}

/// The languages that are asked for most, as far as they fit what is typed.
fn languages(typed: &str) -> Vec<Choice> {
    let typed = typed.trim().to_lowercase();
    let fitting = LANGUAGES.iter().filter(|code| code.to_lowercase().starts_with(&typed));
    fitting.map(|code| Choice::of(code)).collect()
}

// === impl ThisThread ===

impl Command for ThisThread {
    fn name(&self) -> &'static str {
        "Summarise this thread"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::on_message(self.name()))
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Summarize
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(
            async move { answer(front, task, Request::this_thread(front, &task.interaction).await).await },
        )
    }
}

async fn answer(
    front: &Front,
    task: &Task,
    request: Result<Request, Problem>,
) -> Result<Vec<Reply>, Problem> {
    let request = request?;
    match write::write(front, task, &request).await? {
        write::Written::Nothing(skipped) => Ok(publish::nothing(&skipped).into()),
        write::Written::Summaries { documents, skipped } => {
            publish::publish(front, task, &request, &documents, &skipped).await
        }
    }
}
