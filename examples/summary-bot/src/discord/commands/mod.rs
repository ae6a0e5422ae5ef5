//! What people can ask of the bot: one file for each command.

mod about;
mod config;
mod forget;
mod help;
mod ping;
mod rate;
mod rework;
mod schedule;
mod status;
mod summarize;
mod summary;
mod usage;
mod why;

use std::pin::Pin;
use std::sync::Arc;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use super::access::Level;
use super::definition::{Choice, Definition};
use super::front::Front;
use super::interaction::{Interaction, Kind};
use super::render::Press;
use super::reply::Reply;
use super::task::Task;

/// What a command returns while it works.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Vec<Reply>, Problem>> + Send + 'a>>;
/// What a command returns while it looks for what is possible.
pub(crate) type Completing<'a> = Pin<Box<dyn Future<Output = Vec<Choice>> + Send + 'a>>;

/// A command, an entry of a context menu, or a family of buttons.
///
/// It is found by its name: the command's, or what stands before the `:` in the id of a button or a form.
pub(crate) trait Command: Send + Sync {
    /// In Discord, in ids of buttons and in metrics.
    fn name(&self) -> &'static str;

    /// What Discord is told; `None` for buttons only.
    fn definition(&self) -> Option<Definition>;

    /// What somebody has to be allowed to use it.
    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Read
    }

    /// What is said at once, before any work: it must not wait for anything.
    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: false }
    }

    /// Does the work. It is run again if its process dies, so whatever it does must be harmless twice. The first
    /// reply takes the place of “thinking …”, the others follow it.
    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a>;

    /// What is possible for an option, while somebody types it: up to 25, within two seconds.
    fn complete<'a>(&'a self, _front: &'a Front, _interaction: &'a Interaction) -> Completing<'a> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// What is said within three seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Acknowledgement {
    /// “Thinking …”, seen by everybody or only by whoever asked; the answer is seen by the same.
    Think { private: bool },
}

/// All commands.
#[derive(Clone)]
pub(crate) struct Commands(Arc<[Box<dyn Command>]>);

// === impl Commands ===

impl Commands {
    pub(crate) fn all() -> Self {
        let commands: Vec<Box<dyn Command>> = vec![
            Box::new(summarize::Summarize),
            Box::new(summarize::FromHere),
            Box::new(summarize::ThisThread),
            Box::new(summary::Summary),
            Box::new(schedule::Schedule),
            Box::new(config::Config),
            Box::new(usage::Usage),
            Box::new(help::Help),
            Box::new(about::About),
            Box::new(forget::Forget),
            Box::new(status::Status),
            Box::new(ping::Ping),
            Box::new(rework::Rework(Press::Shorter)),
            Box::new(rework::Rework(Press::Longer)),
            Box::new(rework::Rework(Press::Mine)),
            Box::new(why::Why),
            Box::new(rate::Rate { good: true }),
            Box::new(rate::Rate { good: false }),
        ];
        Self(commands.into())
    }

    /// The command that is meant.
    pub(crate) fn find(&self, interaction: &Interaction) -> Option<&dyn Command> {
        let name = interaction.name();
        let found = self.0.iter().find(|command| command.name() == name)?;
        let registered = matches!(interaction.kind, Kind::Command { .. } | Kind::Completion { .. });
        (!registered || found.definition().is_some()).then_some(&**found)
    }

    /// What Discord is told, in the order in which it is written here.
    pub(crate) fn definitions(&self) -> Vec<Definition> {
        self.0.iter().filter_map(|command| command.definition()).collect()
    }

    /// For metrics: a fixed set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|command| command.name())
    }
}

/// What somebody typed is not what the command takes.
fn invalid(words: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words)
}

/// The server that a command was used in.
fn guild_of(interaction: &Interaction) -> Result<&str, Problem> {
    let outside = || invalid("that works in a server only");
    interaction.guild_id.as_deref().ok_or_else(outside)
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
