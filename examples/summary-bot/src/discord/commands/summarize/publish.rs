//! Where a summary is shown: never to somebody who may not read what it is about.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use super::request::Request;
use super::{Front, Interaction, Reply, Task};
use crate::discord::history::{Skipped, Why};
use crate::discord::permissions::to_post;
use crate::discord::render;
use crate::discord::rest::RestError;
use crate::document::Document;

/// So many skipped channels are named.
const NAMED: usize = 10;

/// Whether more is asked for than what everybody here sees anyway: then whoever asked sees it first.
pub(super) fn is_elsewhere(interaction: &Interaction) -> bool {
    let here = interaction.channel_id.as_str();
    interaction.id("channel").is_some_and(|channel| channel != here)
        || interaction.id("post_to").is_some()
        || interaction.flag("thread") == Some(true)
        || interaction.text("since").is_some_and(|since| since.contains("/channels/"))
}

/// Nothing was said; which is no failure.
pub(super) fn nothing(skipped: &[Skipped]) -> Reply {
    let words = match skipped {
        [] => "There is nothing to summarise.".to_owned(),
        skipped => format!("There is nothing to summarise: {}", names(skipped)),
    };
    Reply::text(words)
}

/// Shows the summaries where they were asked for, if that may be.
pub(super) async fn publish(
    front: &Front,
    task: &Task,
    request: &Request,
    documents: &[Document],
    skipped: &[Skipped],
) -> Result<Vec<Reply>, Problem> {
    let interaction = &task.interaction;
    let shown: Vec<Reply> = documents.iter().flat_map(render::messages).collect();
    if request.private {
        return Ok(privately(shown, skipped));
    }
    if !is_elsewhere(interaction) {
        return Ok(shown);
    }
    let there = request.post_to.as_deref().unwrap_or(&interaction.channel_id);
    if let Some(words) = why_not(front, request, there, documents).await? {
        let mut shown = privately(shown, skipped);
        add(&mut shown, words);
        return Ok(shown);
    }
    for (index, reply) in shown.iter().enumerate() {
        // The same interaction posts the same message once.
        let nonce = format!("{}.{index}", interaction.id);
        match front.rest.post(there, reply, &nonce).await {
            Ok(_) => {}
            // It is made and paid for: whoever asked has it all the same.
            Err(error) if index == 0 && error.is_closed() => {
                let words = format!(
                    "Only you see it: I may not post in <#{there}>; somebody who manages it can allow it."
                );
                let mut shown = privately(shown, skipped);
                add(&mut shown, words);
                return Ok(shown);
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    Ok(privately(Reply::text(format!("It is in <#{there}>.")).into(), skipped))
}

/// Why it must not be posted there, if it must not.
async fn why_not(
    front: &Front,
    request: &Request,
    there: &str,
    documents: &[Document],
) -> Result<Option<String>, Problem> {
    let wanted = &request.resolved.wanted;
    let (guild, asker) = (&wanted.guild_id, wanted.reader.as_deref().unwrap_or_default());
    let sources = documents.iter().flat_map(|document| document.origin.sources());
    let looked_up = async {
        let Some(place) = front.atlas.channel(guild, there).await? else {
            return Ok(Some(
                "Only you see it: I do not see the channel where it was to be posted.".to_owned(),
            ));
        };
        let needed = to_post(place.is_thread());
        if front.atlas.permissions(guild, &place, asker).await? & needed != needed {
            return Ok(Some(format!("Only you see it: you cannot post in <#{there}> yourself.")));
        }
        if documents.iter().any(|document| document.origin.sources().is_empty()) {
            return Ok(Some("Only you see it.".to_owned())); // made before origins named all their channels
        }
        let closed = front.atlas.less_open(guild, &place, sources).await?;
        Ok(closed.map(|source| {
            format!("Only you see it: not everybody who reads <#{there}> can read <#{source}>.")
        }))
    };
    looked_up.await.map_err(|error: RestError| error.problem())
}

fn refused(error: &RestError) -> Problem {
    if error.is_closed() {
        return Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
            .detail("I may not post there; somebody who manages the channel can allow it");
    }
    error.problem()
}

/// For whoever asked alone, who is told what was left out. Nobody else is: they might not know that it is there.
fn privately(shown: Vec<Reply>, skipped: &[Skipped]) -> Vec<Reply> {
    let mut shown: Vec<Reply> = shown.into_iter().map(Reply::private).collect();
    let told: Vec<Skipped> = skipped.iter().filter(|skipped| skipped.why != Why::Quiet).cloned().collect();
    if !told.is_empty() {
        add(&mut shown, format!("Left out: {}", names(&told)));
    }
    shown
}

fn add(shown: &mut [Reply], words: String) {
    if let Some(first) = shown.first_mut() {
        let words = match first.content.take() {
            Some(before) => format!("{before}\n{words}"),
            None => words,
        };
        first.content = Some(render::cut(&words, 2000));
    }
}

fn names(skipped: &[Skipped]) -> String {
    let name = |it: &Skipped| format!("#{} {}", render::escaped(&it.channel.name), it.why.words());
    let names: Vec<String> = skipped.iter().take(NAMED).map(name).collect();
    match skipped.len().saturating_sub(NAMED) {
        0 => format!("{}.", names.join(", ")),
        more => format!("{}, and {more} more.", names.join(", ")),
    }
}
