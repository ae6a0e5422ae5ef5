//! The buttons "Shorter", "Longer" and "In my language": the same conversation, summarised anew for whoever pressed.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use jiff::Timestamp;

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task};
use crate::discord::access::Level;
use crate::discord::history::{History, Wanted};
use crate::discord::render::{Press, messages};
use crate::document::Document;
use crate::order::Wish;
use crate::preferences::Preferences;
use crate::scribe::{internal_error, off_the_workers};
use crate::workshop::Reading;
use crate::{Length, Perspective};

/// One of the buttons that make another summary of the same conversation.
pub(super) struct Rework(pub(super) Press);

// === impl Rework ===

impl Command for Rework {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn definition(&self) -> Option<Definition> {
        None
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Level::Summarize
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            let interaction = &task.interaction;
            let document = front.document(interaction, interaction.argument().unwrap_or_default()).await?;
            let made = again(front, task, &document, self.0).await?;
            Ok(messages(&made).into_iter().map(Reply::private).collect())
        })
    }
}

async fn again(front: &Front, task: &Task, document: &Document, press: Press) -> Result<Document, Problem> {
    // An earlier attempt, whose process died, may have made it.
    if let Some(made) = task.kept().await?.pop() {
        return Ok(made);
    }
    let interaction = &task.interaction;
    let guild = super::guild_of(interaction)?;
    let settings = front.settings.effective(guild).await?;
    front.quotas.take(&interaction.user.id, Some(guild)).await?;
    task.progress("Reading what was said …").await;
    let wanted = wanted(document, guild, interaction, front.config.max_messages as usize);
    let mut resolved = preferences(document, press, interaction).over(&settings, wanted);
    let History { parts, .. } = front.history.read(resolved.wanted.clone()).await?;
    if parts.is_empty() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INSUFFICIENT_CONTENT")
            .detail("what was said then is not there any more, or is closed to you or me"));
    }
    task.progress("Writing …").await;
    // It is shown with the times that were asked for, not with those of its messages.
    (resolved.asked.since, resolved.asked.until) =
        (document.options.since.clone(), document.options.until.clone());
    let (title, user) = (document.title.clone(), interaction.user.id.clone());
    let order = off_the_workers(move || {
        // Of what is read this time: some of it may be closed or gone meanwhile.
        let mut order = resolved.order(title, parts);
        (order.origin.requested_by, order.origin.private) = (Some(user), true);
        Ok(order)
    });
    let made = front.workshop.draft(Reading::AtBench, order).await?;
    let kept = task.keep(vec![made]).await?.pop();
    kept.ok_or_else(internal_error)
}

/// The messages that the summary was made of, as far as they can be told.
fn wanted(document: &Document, guild: &str, interaction: &Interaction, most: usize) -> Wanted {
    // Before origins named all their channels, only the ids of messages said which they were.
    let cited = document.citations.iter().filter_map(|citation| citation.id.split_once('/'));
    let mut channels: Vec<String> = Vec::new();
    let origin = &document.origin;
    let named = origin.channel_id.iter().chain(&origin.channels).map(String::as_str);
    for channel in named.chain(cited.map(|(channel, _)| channel)) {
        if !channels.iter().any(|known| known == channel) {
            channels.push(channel.to_owned());
        }
    }
    let first = document.options.since.as_deref().or(document.summary.metadata.first_message.as_deref());
    Wanted {
        guild_id: guild.to_owned(),
        channels,
        since: first.and_then(moment),
        until: Some(document.created_at),
        most,
        exclude_users: document.options.exclude_users.clone(),
        reader: Some(interaction.user.id.clone()),
        ..Wanted::default()
    }
}

/// As options and summaries write it; without a zone it is UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let civil = |text: &str| text.parse::<jiff::civil::DateTime>().ok()?.in_tz("UTC").ok();
    text.parse().ok().or_else(|| civil(text).map(|zoned| zoned.timestamp()))
}

/// How it is to be summarised this time.
fn preferences(document: &Document, press: Press, interaction: &Interaction) -> Preferences {
    let before = &document.options;
    let length = match (press, before.words) {
        (Press::Shorter, 181..) | (Press::Longer, 0..180) => Length::Detailed,
        (Press::Shorter, _) => Length::Brief,
        (Press::Longer, _) => Length::Comprehensive,
        (_, words) => Length::of_name(&before.length).unwrap_or(Length::Words(words.max(1))),
    };
    let language = (press == Press::Mine).then(|| interaction.locale.clone());
    let language = language.or_else(|| before.language.clone());
    Preferences {
        length: Some(length),
        perspective: Some(Perspective::of_name(&before.perspective).unwrap_or_default()),
        min_messages: Some(1),
        include_bots: Some(before.include_bots),
        wish: Wish { language, ..Wish::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_summaries_write_them() {
        let right = Some("2026-03-01T14:03:00Z".parse().expect("a moment"));
        assert_eq!(moment("2026-03-01 14:03"), right);
        assert_eq!(moment("2026-03-01T14:03:00Z"), right);
        assert_eq!(moment("14:03"), None);
    }
}
