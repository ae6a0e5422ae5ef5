//! Which summaries somebody in Discord may read.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use uuid::Uuid;

use super::access::Level;
use super::front::Front;
use super::interaction::Interaction;
use super::rest::RestError;
use crate::auth::{Reader, Readers};
use crate::document::Document;
use crate::settings::Member;
use crate::store::Made;
use crate::workshop::storage_problem;

/// Looked through at a time, and how often for one answer.
const PAGE: u16 = 100;
const PAGES: usize = 20;

// === impl Front ===

impl Front {
    /// The summary that is meant, if whoever asks may read it. What may not be read is not there.
    pub(crate) async fn document(&self, interaction: &Interaction, id: &str) -> Result<Document, Problem> {
        let id: Uuid = id.trim().parse().map_err(|_| gone())?;
        let stored = self.store.get(id).await.map_err(|error| storage_problem(&error))?;
        let document: Document = serde_json::from_str(&stored.ok_or_else(gone)?).map_err(|error| {
            tracing::error!(summary.id = %id, %error, "a stored summary does not read");
            gone()
        })?;
        let origin = &document.origin;
        let here = origin.guild_id.is_some() && origin.guild_id == interaction.guild_id;
        if here && self.reader(interaction).may_read(origin).await? { Ok(document) } else { Err(gone()) }
    }

    /// Up to `most` of the summaries made here, newest first, that whoever asks may read and that are wanted; and the one
    /// before which there may be more.
    pub(crate) async fn newest(
        &self,
        interaction: &Interaction,
        mut before: Option<Uuid>,
        most: usize,
        wanted: impl Fn(&Made) -> bool,
    ) -> Result<(Vec<Made>, Option<Uuid>), Problem> {
        let Some(guild) = interaction.guild_id.as_deref() else { return Ok((Vec::new(), None)) };
        let (reader, channel) = (self.reader(interaction), interaction.id("channel"));
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let page = self.store.made_in(guild, channel, before, PAGE).await;
            let page = page.map_err(|error| storage_problem(&error))?;
            let last = page.last().map(|made| made.id).filter(|_| page.len() == usize::from(PAGE));
            let page: Vec<Made> = page.into_iter().filter(&wanted).collect();
            found.extend(reader.readable(page, |made| made.origin(guild)).await?);
            if found.len() > most {
                found.truncate(most);
                let next = found.last().map(|made| made.id);
                return Ok((found, next));
            }
            let Some(last) = last else { return Ok((found, None)) };
            before = Some(last);
        }
        Ok((found, before))
    }

    /// Whoever asks, as a reader.
    pub(crate) fn reader(&self, interaction: &Interaction) -> Reader {
        Readers::new(Some(self.viewer.clone())).named(&interaction.user.id)
    }

    /// What whoever asks may do with the bot in this channel.
    pub(crate) async fn standing(&self, interaction: &Interaction) -> Result<Level, Problem> {
        let Some(guild) = interaction.guild_id.as_deref() else { return Ok(Level::None) };
        let rules = self.settings.effective(guild).await?.rules;
        let user = &interaction.user;
        let member =
            Member { user: &user.id, roles: &user.roles, permissions: user.permissions, owner: false };
        // Discord is only asked in what the channel is where that matters.
        if !rules.know_channels() || rules.level(member, &[]) >= Level::Admin {
            return Ok(rules.level(member, &[]));
        }
        let here = async {
            let map = self.atlas.map(guild).await?;
            let channel = self.atlas.channel(guild, &interaction.channel_id).await?;
            let places = channel.as_ref().map(|channel| map.places(channel));
            Ok(rules.level(member, &places.unwrap_or_else(|| vec![interaction.channel_id.as_str()])))
        };
        here.await.map_err(|error: RestError| error.problem())
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no such summary, or it is not yours to read")
}
