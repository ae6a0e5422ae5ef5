//! Who may do what, and who may read what.

use std::pin::Pin;
use std::sync::Arc;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::atlas::{Atlas, Map};
use super::front::Front;
use super::interaction::Interaction;
use super::permissions::{self, READ, Who};
use super::rest::{self, RestError};
use crate::auth::too_low;
use crate::settings::{Member, Rules, Settings};

/// What somebody may do with the bot; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Ask whether it is there.
    None,
    /// See summaries of channels that they can read in Discord.
    Read,
    /// Have summaries made.
    Summarize,
    /// Change the server's settings.
    Admin,
    /// The server is theirs.
    Owner,
}

/// Looks up who may read what, for those who ask from outside of Discord.
pub(crate) trait Viewer: Send + Sync {
    /// Whether this user can read this channel of this server, and no rule there closes its summaries to them. Fails
    /// closed: an error when Discord cannot be asked.
    fn may_read<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool>;

    /// Of these channels of this server, those that this user can read.
    fn readable<'a>(
        &'a self,
        user: &'a str,
        guild: &'a str,
        channels: &'a [String],
    ) -> Looking<'a, Vec<String>> {
        Box::pin(async move {
            let mut open = Vec::new();
            for channel in channels {
                if self.may_read(user, guild, channel).await? {
                    open.push(channel.clone());
                }
            }
            Ok(open)
        })
    }

    /// Whether this user can post in this channel of this server. Fails closed, as `may_read` does.
    fn may_post<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool>;

    /// What this user may do with the bot in this server.
    fn level<'a>(&'a self, user: &'a str, guild: &'a str) -> Looking<'a, Level>;

    /// What this user may do with this channel, where the rules of the server make that less than what everybody may.
    fn lowered<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, Option<Level>>;
}

/// What a look-up returns.
pub(crate) type Looking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// Asks Discord, and the settings of the server.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(super) atlas: Arc<Atlas>,
    settings: Settings,
}

// === impl Access ===

impl Access {
    pub(super) fn new(atlas: Arc<Atlas>, settings: Settings) -> Self {
        Self { atlas, settings }
    }

    /// Whether somebody can read a channel or thread. What cannot be looked up for good is closed.
    pub(crate) async fn can_read(&self, user: &str, guild: &str, channel: &str) -> Result<bool, RestError> {
        let map = match self.atlas.map(guild).await {
            Err(error) if error.is_closed() => return Ok(false), // the bot is not in it
            map => map?,
        };
        let Some(channel) = self.atlas.channel(guild, channel).await? else { return Ok(false) };
        if map.is_orphan(&channel) {
            return Ok(false);
        }
        Ok(self.atlas.permissions(guild, &channel, user).await? & READ == READ)
    }

    /// Whether somebody can post in a channel or thread. What cannot be looked up for good is closed.
    async fn can_post(&self, user: &str, guild: &str, channel: &str) -> Result<bool, RestError> {
        if let Err(error) = self.atlas.map(guild).await {
            return if error.is_closed() { Ok(false) } else { Err(error) };
        }
        let Some(channel) = self.atlas.channel(guild, channel).await? else { return Ok(false) };
        let needed = permissions::to_post(channel.is_thread());
        Ok(self.atlas.permissions(guild, &channel, user).await? & needed == needed)
    }

    /// Somebody in a server, and the rules there; `None` if they or the bot are not in it.
    pub(super) async fn standing(&self, user: &str, guild: &str) -> Result<Option<Standing>, Problem> {
        let map = match self.atlas.map(guild).await {
            Err(error) if error.is_closed() => return Ok(None),
            map => map.map_err(|error| error.problem())?,
        };
        let member = self.atlas.member(guild, user).await.map_err(|error| error.problem())?;
        let Some(member) = member else { return Ok(None) };
        let rules = self.settings.effective(guild).await?.rules;
        Ok(Some(Standing { user: user.to_owned(), map, member, rules }))
    }
}

/// Somebody in a server, and the rules there.
#[derive(Debug)]
pub(super) struct Standing {
    user: String,
    map: Arc<Map>,
    member: Arc<rest::Member>,
    rules: Rules,
}

// === impl Standing ===

impl Standing {
    /// What they may do with the bot in the server.
    fn level(&self) -> Level {
        self.at(&[])
    }

    /// What they may do with a channel, where that is less than what everybody may without any rule.
    pub(super) fn lowered(&self, channel: &rest::Channel) -> Option<Level> {
        let there = self.at(&self.map.places(channel));
        // Not measured by their level in the server: of two rules that lower, one would undo the other.
        (there < Level::Summarize).then_some(there)
    }

    fn at(&self, places: &[&str]) -> Level {
        let (user, roles) = (self.user.as_str(), self.member.roles.as_slice());
        let permissions = permissions::in_guild(&self.map.guild, Who { user, roles });
        let owner = self.map.guild.owner_id == user;
        self.rules.level(Member { user, roles, permissions, owner }, places)
    }
}

impl Viewer for Access {
    fn may_read<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool> {
        Box::pin(async move {
            if !self.can_read(user, guild, channel).await.map_err(|error| error.problem())? {
                return Ok(false);
            }
            let lowered = self.lowered(user, guild, channel).await?;
            Ok(lowered.is_none_or(|level| level >= Level::Read))
        })
    }

    fn may_post<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool> {
        Box::pin(async move {
            let may = self.can_post(user, guild, channel).await;
            may.map_err(|error| error.problem())
        })
    }

    fn level<'a>(&'a self, user: &'a str, guild: &'a str) -> Looking<'a, Level> {
        Box::pin(async move {
            let standing = self.standing(user, guild).await?;
            Ok(standing.map_or(Level::None, |standing| standing.level()))
        })
    }

    fn lowered<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, Option<Level>> {
        Box::pin(async move {
            let Some(standing) = self.standing(user, guild).await? else { return Ok(None) };
            let channel = self.atlas.channel(guild, channel).await.map_err(|error| error.problem())?;
            Ok(channel.and_then(|channel| standing.lowered(&channel)))
        })
    }
}

// === impl Front ===

impl Front {
    /// Whether whoever asked may do this.
    pub(super) async fn admit(&self, needed: Level, interaction: &Interaction) -> Result<(), Problem> {
        if needed == Level::None {
            return Ok(());
        }
        let Some(guild) = interaction.guild_id.as_deref() else {
            let words = "that works in a server, not in a direct message";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words));
        };
        let standing = match needed {
            Level::Owner => self.viewer.level(&interaction.user.id, guild).await?,
            _ => self.standing(interaction).await?,
        };
        if standing >= needed {
            return Ok(());
        }
        Err(too_low(needed, standing))
    }
}
