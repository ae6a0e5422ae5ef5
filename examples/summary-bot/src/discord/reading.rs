//! Which summaries somebody in Discord may read.

use std::collections::HashSet;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use uuid::Uuid;

use super::access::Level;
use super::front::Front;
use super::interaction::Interaction;
use crate::document::Document;
use crate::settings::{Effective, Member};
use crate::store::Made;
use crate::workshop::storage_problem;

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
        let owner = origin.requested_by.as_deref() == Some(interaction.user.id.as_str());
        if !here || origin.private && !owner {
            return Err(gone());
        }
        match (&origin.guild_id, &origin.channel_id) {
            (Some(guild), Some(channel)) if !owner => {
                let may = self.viewer.may_read(&interaction.user.id, guild, channel).await?;
                if may { Ok(document) } else { Err(gone()) }
            }
            // Of several channels at once: for whoever asked, and for those who manage the bot.
            (_, None) if !owner && self.standing(interaction).await? < Level::Admin => Err(gone()),
            _ => Ok(document),
        }
    }

    /// Of these summaries, those that whoever asks may read.
    pub(crate) async fn readable(
        &self,
        interaction: &Interaction,
        made: Vec<Made>,
    ) -> Result<Vec<Made>, Problem> {
        let Some(guild) = interaction.guild_id.as_deref() else { return Ok(Vec::new()) };
        let user = interaction.user.id.as_str();
        let mut channels: Vec<String> = made.iter().filter_map(|made| made.channel_id.clone()).collect();
        channels.sort_unstable();
        channels.dedup();
        let open: HashSet<String> = self.viewer.readable(user, guild, &channels).await?.into_iter().collect();
        let admin = self.standing(interaction).await? >= Level::Admin;
        let may = |made: &Made| {
            let owner = made.requested_by.as_deref() == Some(user);
            owner || !made.private && made.channel_id.as_ref().map_or(admin, |channel| open.contains(channel))
        };
        Ok(made.into_iter().filter(may).collect())
    }

    /// What whoever asks may do with the bot in this channel.
    pub(crate) async fn standing(&self, interaction: &Interaction) -> Result<Level, Problem> {
        let Some(guild) = interaction.guild_id.as_deref() else { return Ok(Level::None) };
        Ok(standing_by(&self.settings.effective(guild).await?, interaction))
    }
}

/// The same by settings that are at hand.
pub(crate) fn standing_by(settings: &Effective, interaction: &Interaction) -> Level {
    let user = &interaction.user;
    let member = Member { user: &user.id, roles: &user.roles, permissions: user.permissions, owner: false };
    settings.rules.level(member, Some(&interaction.channel_id))
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no such summary, or it is not yours to read")
}
