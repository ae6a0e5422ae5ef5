//! Reads what was said and has it summarised, once.

use groundcrew::http::Problem;

use super::request::Request;
use super::{Front, Task};
use crate::discord::history::{Channel, History, Part, Skipped, Why};
use crate::document::Document;
use crate::order::Order;
use crate::scribe::off_the_workers;
use crate::workshop::Reading;

/// One summary of each: of so many channels at most.
const MOST_SUMMARIES: usize = 5;

/// What came of it.
pub(super) enum Written {
    /// Nobody said anything.
    Nothing(Vec<Skipped>),
    /// What was left out is not known where an earlier attempt has made them.
    Summaries { documents: Vec<Document>, skipped: Vec<Skipped> },
}

pub(super) async fn write(front: &Front, task: &Task, request: &Request) -> Result<Written, Problem> {
    let documents = task.kept().await?;
    if !documents.is_empty() {
        return Ok(Written::Summaries { documents, skipped: Vec::new() });
    }
    let user = &task.interaction.user.id;
    front.quotas.take(user, task.interaction.guild_id.as_deref()).await?;
    task.progress("Reading what was said …").await;
    let History { parts, mut skipped } = front.history.read(request.resolved.wanted.clone()).await?;
    if parts.is_empty() {
        return Ok(Written::Nothing(skipped));
    }
    let messages: usize = parts.iter().map(|part| part.messages.len()).sum();
    task.progress(&format!("Summarising {messages} messages …")).await;
    let groups: Vec<Vec<Part>> =
        if request.individual { parts.into_iter().map(|part| vec![part]).collect() } else { vec![parts] };
    let (mut documents, mut refused) = (Vec::new(), None);
    for group in groups {
        let channels: Vec<Channel> = group.iter().map(|part| part.channel.clone()).collect();
        let left_out = |why| channels.into_iter().map(move |channel| Skipped { channel, why });
        if documents.len() >= MOST_SUMMARIES {
            skipped.extend(left_out(Why::TooMany));
            continue;
        }
        let (request, user) = (request.clone(), user.clone());
        let order = off_the_workers(move || Ok(order(request, group, user)));
        let drafted = Box::pin(front.workshop.draft(Reading::AtBench, order)).await;
        match drafted {
            Ok(document) => documents.push(document),
            // One of several channels with too little in it keeps the others from nothing.
            Err(problem) if !problem.status().is_server_error() => {
                let little = problem.code() == "INSUFFICIENT_CONTENT";
                skipped.extend(left_out(if little { Why::TooLittle } else { Why::Refused }));
                refused = Some(problem);
            }
            Err(problem) => return Err(problem),
        }
    }
    match refused {
        Some(problem) if documents.is_empty() => Err(problem),
        _ => Ok(Written::Summaries { documents: task.keep(documents).await?, skipped }),
    }
}

fn order(request: Request, parts: Vec<Part>, user: String) -> Order {
    let mut order = request.resolved.order(title(&parts), parts);
    order.origin.private = request.private;
    order.origin.requested_by = Some(user);
    if request.counted {
        order.warnings.clear(); // that there was more is no news
    }
    order
}

fn title(parts: &[Part]) -> String {
    let names: Vec<String> = parts.iter().take(3).map(|part| format!("#{}", part.channel.name)).collect();
    match parts.len().saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
