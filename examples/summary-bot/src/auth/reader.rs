//! Which summaries somebody may read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use crate::Origin;
use crate::auth::too_low;
use crate::discord::access::{Level, Viewer};

/// Somebody who reads summaries: a person on Discord, by their id there, or a program of the operator's.
#[derive(Clone)]
pub(crate) struct Reader {
    subject: String,
    is_person: bool,
    is_admin: bool,
    viewer: Option<Arc<dyn Viewer>>,
}

// === impl Reader ===

impl Reader {
    /// Who is a person is told by their name: Discord's ids are numbers, and operators name their keys otherwise.
    pub(crate) fn new(who: &Principal, viewer: Option<Arc<dyn Viewer>>) -> Self {
        let is_admin = who.may("admin");
        Self { subject: who.subject.clone(), is_person: is_person(&who.subject), is_admin, viewer }
    }

    /// Their id, if they are a person.
    pub(crate) fn person(&self) -> Option<&str> {
        self.is_person.then_some(self.subject.as_str())
    }

    /// Whether they may do with every server what their scopes allow.
    pub(super) fn is_operator(&self) -> bool {
        !self.is_person || self.is_admin
    }

    /// What they may do with the bot in a server; nothing where there is no Discord.
    pub(super) async fn level(&self, guild: &str) -> Result<Level, Problem> {
        match &self.viewer {
            Some(viewer) => viewer.level(&self.subject, guild).await,
            None => Ok(Level::None),
        }
    }

    /// Whether they may read what comes from there. A private summary is for who asked for it, whoever else asks, and
    /// as long as they can read its channels.
    /// Programs of the operator's read all others; people what they sent themselves, and what is of channels that they
    /// can read in Discord at this moment: each of them, where it holds several.
    ///
    /// # Errors
    ///
    /// When Discord cannot be asked: nothing is shown then.
    pub(crate) async fn may_read(&self, origin: &Origin) -> Result<bool, Problem> {
        match self.at_first_sight(origin) {
            Sight::Clear(may) => Ok(may),
            Sight::Channels { guild, channels } => {
                let Some(viewer) = &self.viewer else { return Ok(false) };
                for channel in channels {
                    if !viewer.may_read(&self.subject, guild, channel).await? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// Lets them have a channel summarised that they can read, unless the rules of the server forbid it to them, admins of
    /// the operator's too; programs of the operator's any.
    ///
    /// # Errors
    ///
    /// `CHANNEL_ACCESS_DENIED`, `FORBIDDEN`, and when Discord cannot be asked.
    pub(crate) async fn enter(&self, guild: Option<&str>, channel: &str) -> Result<(), Problem> {
        if !self.is_person {
            return Ok(());
        }
        if let (Some(guild), Some(viewer)) = (guild, &self.viewer)
            && viewer.may_read(&self.subject, guild, channel).await?
        {
            let needed = Level::Summarize;
            return match viewer.lowered(&self.subject, guild, channel).await? {
                Some(level) if level < needed => Err(too_low(needed, level)),
                _ => Ok(()),
            };
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
            .detail(
            "you cannot read this channel in Discord, or a rule of the server closes it to you; `guild_id` says of \
             which server it is",
        ))
    }

    /// Lets them have something posted in a channel that they can [enter](Self::enter) and post in; programs of the
    /// operator's in any.
    ///
    /// # Errors
    ///
    /// As [`enter`](Self::enter).
    pub(crate) async fn post_in(&self, guild: &str, channel: &str) -> Result<(), Problem> {
        self.enter(Some(guild), channel).await?;
        match &self.viewer {
            Some(viewer) if self.is_person && !viewer.may_post(&self.subject, guild, channel).await? => {
                Err(Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
                    .detail(format!("channel {channel}: you cannot post there yourself")))
            }
            _ => Ok(()),
        }
    }

    /// Of these, those that they may read: one question for each server.
    ///
    /// # Errors
    ///
    /// As [`may_read`](Self::may_read).
    pub(crate) async fn readable<T>(
        &self,
        all: Vec<T>,
        origin: impl Fn(&T) -> Origin,
    ) -> Result<Vec<T>, Problem> {
        let origins: Vec<Origin> = all.iter().map(origin).collect();
        let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for origin in &origins {
            if let Sight::Channels { guild, channels } = self.at_first_sight(origin) {
                asked.entry(guild).or_default().extend(channels);
            }
        }
        let mut open: BTreeSet<(String, String)> = BTreeSet::new();
        if let Some(viewer) = &self.viewer {
            for (guild, channels) in asked {
                let channels: Vec<String> = channels.into_iter().map(str::to_owned).collect();
                let readable = viewer.readable(&self.subject, guild, &channels).await?;
                open.extend(readable.into_iter().map(|channel| (guild.to_owned(), channel)));
            }
        }
        let may = |origin: &Origin| match self.at_first_sight(origin) {
            Sight::Clear(may) => may,
            Sight::Channels { guild, channels } => {
                channels.into_iter().all(|channel| open.contains(&(guild.to_owned(), channel.to_owned())))
            }
        };
        let judged = all.into_iter().zip(&origins).filter(|(_, origin)| may(origin));
        Ok(judged.map(|(entry, _)| entry).collect())
    }

    /// Whether they may delete what they can read: their own, anything as the operator's program or admin, and as an
    /// admin of a server what is of there.
    ///
    /// # Errors
    ///
    /// When Discord cannot be asked.
    pub(crate) async fn may_delete(&self, origin: &Origin) -> Result<bool, Problem> {
        if self.is_operator() || origin.requested_by.as_deref() == Some(&self.subject) {
            return Ok(true);
        }
        match &origin.guild_id {
            Some(guild) => Ok(self.level(guild).await? >= Level::Admin),
            None => Ok(false),
        }
    }

    /// Whether they may follow, and call off, what this one has asked for.
    pub(crate) fn may_follow(&self, asker: Option<&str>) -> bool {
        !self.is_person || asker == Some(&self.subject)
    }

    fn at_first_sight<'o>(&self, origin: &'o Origin) -> Sight<'o> {
        let is_theirs = origin.requested_by.as_deref() == Some(self.subject.as_str());
        match (&origin.guild_id, origin.sources()) {
            _ if origin.private && !is_theirs => Sight::Clear(false),
            _ if !self.is_person => Sight::Clear(true),
            (None, _) => Sight::Clear(is_theirs),
            // Made of several channels before origins named them: whoever asked for a private one could read them then,
            // and nobody can tell who may read another.
            (Some(_), channels) if channels.is_empty() => Sight::Clear(origin.private),
            // Their own, too: who has left a channel does not read it on.
            (Some(guild), channels) => Sight::Channels { guild, channels },
        }
    }
}

/// Makes readers of those who ask.
#[derive(Clone, Default)]
pub(crate) struct Readers(Option<Arc<dyn Viewer>>);

// === impl Readers ===

impl Readers {
    /// With Discord's word on who may read which channel; without it, people see nothing of servers.
    pub(crate) fn new(viewer: Option<Arc<dyn Viewer>>) -> Self {
        Self(viewer)
    }

    /// Somebody as a reader.
    pub(crate) fn of(&self, who: &Principal) -> Reader {
        Reader::new(who, self.0.clone())
    }

    /// Whoever has this name, with nothing but what everybody has.
    pub(crate) fn named(&self, subject: &str) -> Reader {
        let (subject, is_person) = (subject.to_owned(), is_person(subject));
        Reader { subject, is_person, is_admin: false, viewer: self.0.clone() }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readers").field(&self.0.is_some()).finish()
    }
}

/// What is known without asking Discord.
enum Sight<'o> {
    Clear(bool),
    /// Of all of these.
    Channels {
        guild: &'o str,
        channels: BTreeSet<&'o str>,
    },
}

/// Discord's ids are numbers of 17 digits and more.
pub(crate) fn is_person(subject: &str) -> bool {
    subject.len() >= 15 && subject.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
