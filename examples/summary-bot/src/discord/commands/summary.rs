//! `/summary`: what was summarised before.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use super::{
    Acknowledgement, Answering, Command, Completing, Definition, Front, Interaction, Reply, Task, guild_of,
};
use crate::discord::access::Level;
use crate::discord::definition::{Choice, Opt, READABLE};
use crate::discord::interaction::Kind;
use crate::discord::render::{CONTENT, DESCRIPTION, cut, escaped, messages};
use crate::discord::reply::Embed;
use crate::store::Made;
use crate::workshop::storage_problem;

/// `/summary`.
pub(super) struct Summary;

/// How many the history shows.
const SHOWN: usize = 10;
/// How many Discord lets somebody choose from.
const CHOICES: usize = 25;

// === impl Summary ===

impl Command for Summary {
    fn name(&self) -> &'static str {
        "summary"
    }

    fn definition(&self) -> Option<Definition> {
        let id = || {
            Opt::text("summary", "Which one: type a part of its title").at_most(100).required().completed()
        };
        let history = Opt::subcommand("history", "The newest summaries that you may read")
            .option(Opt::channel("channel", "Of this channel only", READABLE))
            .option(Opt::text("before", "Go on after this one").at_most(100));
        let show = Opt::subcommand("show", "Show a summary again")
            .option(id())
            .option(Opt::flag("public", "For all in this channel; otherwise for you alone"));
        let delete =
            Opt::subcommand("delete", "Delete a summary that you asked for; admins any").option(id());
        let definition = Definition::slash("summary", "Summaries that were made before");
        Some(definition.option(history).option(show).option(delete))
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Read
    }

    fn acknowledge(&self, interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: !is_public(interaction) }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            let interaction = &task.interaction;
            match interaction.subcommand() {
                Some("show") => show(front, interaction).await,
                Some("delete") => Ok(delete(front, interaction).await?.private().into()),
                _ => Ok(history(front, interaction).await?.private().into()),
            }
        })
    }

    fn complete<'a>(&'a self, front: &'a Front, interaction: &'a Interaction) -> Completing<'a> {
        Box::pin(async move { possible(front, interaction).await.unwrap_or_default() })
    }
}

fn is_public(interaction: &Interaction) -> bool {
    interaction.subcommand() == Some("show") && interaction.flag("public") == Some(true)
}

async fn show(front: &Front, interaction: &Interaction) -> Result<Vec<Reply>, Problem> {
    let public = is_public(interaction);
    let document = front.document(interaction, interaction.text("summary").unwrap_or_default()).await?;
    // Whoever is in this channel may not be in that one.
    let elsewhere = document.origin.channel_id.as_deref() != Some(interaction.channel_id.as_str());
    if public && (document.origin.private || elsewhere) {
        let words =
            "this summary is not for all who read this channel; leave `public` out and see it yourself";
        return Err(Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED").detail(words));
    }
    let replies = messages(&document);
    Ok(if public { replies } else { replies.into_iter().map(Reply::private).collect() })
}

async fn delete(front: &Front, interaction: &Interaction) -> Result<Reply, Problem> {
    let document = front.document(interaction, interaction.text("summary").unwrap_or_default()).await?;
    let owner = document.origin.requested_by.as_deref() == Some(interaction.user.id.as_str());
    if !owner && front.standing(interaction).await? < Level::Admin {
        let words = "only whoever asked for a summary can delete it, and admins of the bot";
        return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN").detail(words));
    }
    front.caretaker.delete(document.id).await.map_err(|error| storage_problem(&error))?;
    tracing::info!(summary.id = %document.id, user.id = %interaction.user.id, "summary deleted from Discord");
    Ok(Reply::text(cut(&format!("“{}” is deleted.", escaped(&document.title)), CONTENT)))
}

async fn history(front: &Front, interaction: &Interaction) -> Result<Reply, Problem> {
    guild_of(interaction)?;
    let before = interaction.text("before").and_then(|text| text.trim().parse().ok());
    let (made, next) = front.newest(interaction, before, SHOWN, |_| true).await?;
    let description = if made.is_empty() {
        let words = if next.is_some() { "Among the newest there is none" } else { "There is no summary" };
        format!("{words} that you could read.")
    } else {
        cut(&made.iter().map(entry).collect::<Vec<_>>().join("\n"), DESCRIPTION)
    };
    let footer = next.map(|next| format!("/summary history before:{next} goes on"));
    Ok(Reply::embed(Embed {
        title: Some("Summaries".to_owned()),
        description: Some(description),
        footer,
        ..Embed::default()
    }))
}

fn entry(made: &Made) -> String {
    let channel = places(made);
    let lock = if made.private { " · only you" } else { "" };
    let title = escaped(&cut(&made.title, 80));
    let excerpt = escaped(&cut(&made.excerpt, 100));
    let (at, messages) = (made.at.as_second(), made.messages);
    format!("**{title}**{channel} · <t:{at}:f> · {messages} messages{lock}\n{excerpt}\n-# {}", made.id)
}

/// Where it was said: at most three channels by name.
fn places(made: &Made) -> String {
    let all: Vec<&String> = made.channel_id.as_ref().map_or(made.channels.iter().collect(), |one| vec![one]);
    let named: Vec<String> = all.iter().take(3).map(|id| format!("<#{id}>")).collect();
    match (named.as_slice(), all.len() - named.len()) {
        ([], _) => String::new(),
        (named, 0) => format!(" in {}", named.join(", ")),
        (named, more) => format!(" in {} and {more} more", named.join(", ")),
    }
}

async fn possible(front: &Front, interaction: &Interaction) -> Result<Vec<Choice>, Problem> {
    guild_of(interaction)?;
    let Kind::Completion { typed, .. } = &interaction.kind else { return Ok(Vec::new()) };
    let typed = typed.to_lowercase();
    let fits =
        |made: &Made| made.title.to_lowercase().contains(&typed) || made.id.to_string().starts_with(&typed);
    let (made, _) = front.newest(interaction, None, CHOICES, fits).await?;
    let choice = |made: &Made| {
        let day = made.at.strftime("%Y-%m-%d %H:%M");
        Choice { name: cut(&format!("{day} {}", made.title), 100), value: made.id.to_string() }
    };
    Ok(made.iter().map(choice).collect())
}
