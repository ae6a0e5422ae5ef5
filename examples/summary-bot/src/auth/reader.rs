//! Which summaries somebody may read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use crate::Origin;
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

    /// Whether they may read what comes from there. A private summary is for who asked for it, whoever else asks.
    /// Programs of the operator's read all others; people their own, and those of channels that they can read in
    /// Discord at this moment.
    ///
    /// # Errors
    ///
    /// When Discord cannot be asked: nothing is shown then.
    pub(crate) async fn may_read(&self, origin: &Origin) -> Result<bool, Problem> {
        match self.at_first_sight(origin) {
            Sight::Clear(may) => Ok(may),
            Sight::Channel { guild, channel } => match &self.viewer {
                Some(viewer) => viewer.may_read(&self.subject, guild, channel).await,
                None => Ok(false),
            },
        }
    }

    /// Lets them have a channel summarised that they can read; programs of the operator's any.
    ///
    /// # Errors
    ///
    /// `CHANNEL_ACCESS_DENIED`, and when Discord cannot be asked.
    pub(crate) async fn enter(&self, guild: Option<&str>, channel: &str) -> Result<(), Problem> {
        let may = match (self.is_person, guild, &self.viewer) {
            (false, ..) => true,
            (true, Some(guild), Some(viewer)) => viewer.may_read(&self.subject, guild, channel).await?,
            _ => false,
        };
        if may {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
            .detail("you cannot read this channel in Discord; `guild_id` says of which server it is"))
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
            if let Sight::Channel { guild, channel } = self.at_first_sight(origin) {
                asked.entry(guild).or_default().insert(channel);
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
            Sight::Channel { guild, channel } => open.contains(&(guild.to_owned(), channel.to_owned())),
        };
        let judged = all.into_iter().zip(&origins).filter(|(_, origin)| may(origin));
        Ok(judged.map(|(entry, _)| entry).collect())
    }

    /// Whether they may delete what they can read: their own, or as the operator's program.
    pub(crate) fn may_delete(&self, origin: &Origin) -> bool {
        !self.is_person || origin.requested_by.as_deref() == Some(&self.subject)
    }

    /// Whether they may follow, and call off, what this one has asked for.
    pub(crate) fn may_follow(&self, asker: Option<&str>) -> bool {
        !self.is_person || asker == Some(&self.subject)
    }

    fn at_first_sight<'o>(&self, origin: &'o Origin) -> Sight<'o> {
        let is_theirs = origin.requested_by.as_deref() == Some(self.subject.as_str());
        match (&origin.guild_id, &origin.channel_id) {
            _ if origin.private => Sight::Clear(is_theirs),
            _ if !self.is_person => Sight::Clear(true),
            // Their own, too: who has left a channel does not read it on.
            (Some(guild), Some(channel)) => Sight::Channel { guild, channel },
            (Some(_), None) => Sight::Clear(false),
            (None, _) => Sight::Clear(is_theirs),
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
    Channel { guild: &'o str, channel: &'o str },
}

/// Discord's ids are numbers of 17 digits and more.
pub(crate) fn is_person(subject: &str) -> bool {
    subject.len() >= 15 && subject.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use groundcrew::auth::{PrincipalKind, Scopes};

    use super::*;
    use crate::auth::Deed;
    use crate::discord::access::Looking;

    const ADA: &str = "100000000000000001";
    const BEN: &str = "100000000000000002";

    /// Ada reads the channel 7 of the server 1; about the server 9 Discord does not answer.
    struct Discord;

    impl Viewer for Discord {
        fn may_read<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool> {
            Box::pin(async move {
                if guild == "9" {
                    return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DISCORD_UNAVAILABLE"));
                }
                Ok((user, guild, channel) == (ADA, "1", "7"))
            })
        }

        fn readable<'a>(
            &'a self,
            user: &'a str,
            guild: &'a str,
            channels: &'a [String],
        ) -> Looking<'a, Vec<String>> {
            Box::pin(async move {
                let mut readable = Vec::new();
                for channel in channels {
                    if self.may_read(user, guild, channel).await? {
                        readable.push(channel.clone());
                    }
                }
                Ok(readable)
            })
        }

        fn level<'a>(&'a self, user: &'a str, guild: &'a str) -> Looking<'a, Level> {
            let level = if (user, guild) == (ADA, "1") { Level::Summarize } else { Level::None };
            Box::pin(std::future::ready(Ok(level)))
        }
    }

    fn reader(subject: &str) -> Reader {
        let who = Principal::new(subject, Scopes::all(), PrincipalKind::Session);
        Reader::new(&who, Some(Arc::new(Discord)))
    }

    fn origin(guild: Option<(&str, &str)>, by: Option<&str>, private: bool) -> Origin {
        Origin {
            guild_id: guild.map(|(guild, _)| guild.to_owned()),
            channel_id: guild.map(|(_, channel)| channel.to_owned()),
            requested_by: by.map(str::to_owned),
            private,
        }
    }

    #[tokio::test]
    async fn a_summary_shows_nobody_what_they_may_not_read() {
        let open = origin(Some(("1", "7")), Some(BEN), false);
        let closed = origin(Some(("1", "8")), Some(BEN), false);
        let private = origin(Some(("1", "7")), Some(BEN), true);
        let uploaded = origin(None, Some(ADA), false);
        let anonymous = origin(None, None, false);
        for (subject, readable) in [
            (ADA, [true, false, false, true, false]),
            // Ben asked for three of them, and cannot read the channels any more.
            (BEN, [false, false, true, false, false]),
            ("the backup", [true, true, false, true, true]),
        ] {
            let all = [&open, &closed, &private, &uploaded, &anonymous];
            for (origin, expected) in all.into_iter().zip(readable) {
                let may = reader(subject).may_read(origin).await.expect("an answer");
                assert_eq!(may, expected, "{subject} {origin:?}");
            }
            let left =
                reader(subject).readable(all.to_vec(), |origin| (*origin).clone()).await.expect("an answer");
            assert_eq!(left.len(), readable.into_iter().filter(|may| *may).count(), "{subject}");
        }
    }

    #[tokio::test]
    async fn without_discord_nothing_of_a_server_is_shown_to_people() {
        let (of_a_server, silent) =
            (origin(Some(("1", "7")), None, false), origin(Some(("9", "7")), None, false));
        let who = Principal::new(ADA, Scopes::all(), PrincipalKind::Session);
        assert!(!Reader::new(&who, None).may_read(&of_a_server).await.expect("an answer"));
        assert!(reader(ADA).may_read(&silent).await.is_err());
        assert!(reader(ADA).readable(vec![silent], Clone::clone).await.is_err());
    }

    #[tokio::test]
    async fn people_do_what_their_level_allows_and_programs_what_their_scopes_do() {
        let admin = Principal::new(BEN, Scopes::all(), PrincipalKind::Session);
        let admin = Reader::new(&admin, None);
        let plain = |subject: &str| Readers::new(Some(Arc::new(Discord))).named(subject);
        let (ada, ben, program) = (plain(ADA), plain(BEN), plain("the backup"));
        let all = [Deed::SeeSchedules, Deed::RunSchedules, Deed::ChangeSchedules];
        for (reader, guild, expected) in [
            (&ada, Some("1"), ["", "", "FORBIDDEN"]),
            (&ada, Some("2"), ["NOT_FOUND"; 3]),
            (&ada, Some("1/../2"), ["NOT_FOUND"; 3]),
            (&ada, None, ["NOT_FOUND"; 3]),
            (&ben, Some("1"), ["NOT_FOUND"; 3]),
            (&admin, Some("1"), [""; 3]),
            (&program, None, [""; 3]),
        ] {
            for (deed, expected) in all.into_iter().zip(expected) {
                let hidden = || Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND");
                let answer = reader.admit(deed, guild, hidden).await;
                let code = answer.err().map_or_else(String::new, |problem| problem.code().to_string());
                assert_eq!(code, expected, "{} {guild:?} {deed:?}", reader.subject);
            }
        }
    }
}
