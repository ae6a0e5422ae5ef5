//! What is asked for.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::{guild_of, invalid};
use super::{Front, Interaction};
use crate::discord::definition::Choice;
use crate::discord::history::Wanted;
use crate::discord::interaction::Kind;
use crate::discord::rest::{Page, RestError};
use crate::discord::since::{self, Since};
use crate::models::language_code;
use crate::order::Wish;
use crate::preferences::{Preferences, Resolved};
use crate::{Length, Perspective};

/// Without a word about time: so many, the newest.
const USUAL: usize = 200;
/// How many pages are searched for somebody's own last message.
const SEARCHED: usize = 10;

/// What somebody wants to have summarised, how, and where it is to be shown.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) resolved: Resolved,
    /// In which times of the day are meant.
    zone: TimeZone,
    /// Whoever asked has said how many messages: that there are more is no news.
    pub(super) counted: bool,
    /// One summary of each channel.
    pub(super) individual: bool,
    pub(super) private: bool,
    pub(super) post_to: Option<String>,
}

// === impl Request ===

impl Request {
    /// Of the options of `/summarize`.
    pub(super) async fn of_options(front: &Front, interaction: &Interaction) -> Result<Self, Problem> {
        let mut request = Self::over_settings(front, interaction, preferences(interaction)?).await?;
        let channel = interaction.id("channel");
        if let Some(channel) = channel {
            request.resolved.wanted.channels = vec![channel.to_owned()];
        }
        request.within(front, interaction, channel.is_some()).await?;
        let excluded = interaction.text("exclude_channels").map(ids).unwrap_or_default();
        request.resolved.wanted.exclude_channels.extend(excluded);
        request.resolved.wanted.threads = interaction.flag("thread") == Some(true);
        request.individual = interaction.text("mode") == Some("individual");
        request.private = interaction.flag("private") == Some(true);
        request.post_to = interaction.id("post_to").map(str::to_owned);
        if request.private && request.post_to.is_some() {
            return Err(invalid("“private” and “post_to” exclude each other: should others see it, or not?"));
        }
        Ok(request)
    }

    /// From the message on whose menu it was chosen.
    pub(super) async fn from_here(front: &Front, interaction: &Interaction) -> Result<Self, Problem> {
        let mut request = Self::over_settings(front, interaction, Preferences::default()).await?;
        request.resolved.wanted.from_message = Some(target(interaction)?.to_owned());
        request.resolved.wanted.most = front.config.max_messages as usize;
        request.private = true;
        Ok(request)
    }

    /// The thread that was begun on the message, or the one in which it stands.
    pub(super) async fn this_thread(front: &Front, interaction: &Interaction) -> Result<Self, Problem> {
        let mut request = Self::over_settings(front, interaction, Preferences::default()).await?;
        let guild = guild_of(interaction)?;
        // A thread has the id of the message on which it was begun.
        let mut thread = None;
        for id in [target(interaction)?, interaction.channel_id.as_str()] {
            let channel = front.atlas.channel(guild, id).await.map_err(|error| error.problem())?;
            thread = thread.or(channel.filter(crate::discord::rest::Channel::is_thread));
        }
        let thread =
            thread.ok_or_else(|| invalid("there is no thread on this message, and it is in none"))?;
        request.resolved.wanted.channels = vec![thread.id];
        request.resolved.wanted.most = front.config.max_messages as usize;
        request.private = true;
        Ok(request)
    }

    /// What was said here, and what the server's settings make of it.
    async fn over_settings(
        front: &Front,
        interaction: &Interaction,
        preferences: Preferences,
    ) -> Result<Self, Problem> {
        let guild = guild_of(interaction)?;
        let settings = front.settings.effective(guild).await?;
        let wanted = Wanted {
            guild_id: guild.to_owned(),
            channels: vec![interaction.channel_id.clone()],
            most: USUAL,
            reader: Some(interaction.user.id.clone()),
            ..Wanted::default()
        };
        let resolved = preferences.over(&settings, wanted);
        let zone = settings.time_zone();
        Ok(Self { resolved, zone, counted: false, individual: false, private: false, post_to: None })
    }

    /// The narrowest of all that is said about time and number.
    async fn within(
        &mut self,
        front: &Front,
        interaction: &Interaction,
        channel_is_given: bool,
    ) -> Result<(), Problem> {
        let now = Timestamp::now();
        let hours = interaction.integer("hours").map(SignedDuration::from_hours);
        let minutes = interaction.integer("minutes").map(SignedDuration::from_mins);
        let span = match (hours, minutes) {
            (Some(hours), Some(minutes)) => hours.checked_add(minutes),
            (one, other) => one.or(other),
        };
        self.resolved.wanted.since = span.and_then(|span| now.checked_sub(span).ok());
        let here = now.to_zoned(self.zone.clone());
        match interaction.text("since").map(|text| (text, since::parse(text, &here))) {
            None => {}
            Some((_, Some(Since::Moment(moment)))) => {
                self.resolved.wanted.since =
                    Some(self.resolved.wanted.since.map_or(moment, |since| since.max(moment)));
            }
            Some((_, Some(Since::Message { guild, channel, message }))) => {
                if guild != self.resolved.wanted.guild_id {
                    return Err(range("that message is in another server"));
                }
                if !channel_is_given {
                    self.resolved.wanted.channels = vec![channel];
                }
                self.resolved.wanted.from_message = Some(message);
            }
            Some((_, Some(Since::MyLastMessage))) => {
                let channel = spoken_in(front, interaction, &self.resolved.wanted).await?;
                self.resolved.wanted.from_message = Some(last_message(front, interaction, &channel).await?);
            }
            Some((text, None)) => {
                let shown: String = text.chars().take(50).collect();
                return Err(range(format!(
                    "“{shown}” is no time that I understand: try “2 hours ago”, “yesterday 14:00”, “monday”, a link \
                     to a message, or “my last message”"
                )));
            }
        }
        let bounded = self.resolved.wanted.since.is_some() || self.resolved.wanted.from_message.is_some();
        let most = interaction.integer("messages").and_then(|most| usize::try_from(most).ok());
        let limit = front.config.max_messages as usize;
        // So many are the usual where nothing is said, and more than can be read is not read anyway.
        self.counted = most.map_or(!bounded, |most| most <= limit);
        self.resolved.wanted.most = most.unwrap_or(if bounded { limit } else { USUAL }).clamp(1, limit);
        self.resolved.asked.since = self.resolved.wanted.since.map(|since| since.to_string());
        Ok(())
    }
}

fn preferences(interaction: &Interaction) -> Result<Preferences, Problem> {
    let language = match interaction.text("language") {
        None => None,
        Some(language) => {
            let unknown =
                || invalid(format!("`{language}` is no language's code; right would be `de` or `pt-BR`"));
            Some(language_code(language.trim()).ok_or_else(unknown)?)
        }
    };
    Ok(Preferences {
        length: interaction.text("length").and_then(Length::of_name),
        perspective: interaction.text("perspective").and_then(Perspective::of_name),
        wish: Wish { language, ..Wish::default() },
        ..Preferences::default()
    })
}

/// Where somebody's own last message is looked for: in what they ask for if messages stand there, and else in the channel
/// that they are in, if that belongs to what they ask for.
async fn spoken_in(front: &Front, interaction: &Interaction, wanted: &Wanted) -> Result<String, Problem> {
    let (guild, here) = (guild_of(interaction)?, interaction.channel_id.as_str());
    let Some(asked) = wanted.channels.first().filter(|asked| *asked != here) else {
        return Ok(here.to_owned());
    };
    let looked_up = async {
        let holds = front.atlas.channel(guild, asked).await?.is_none_or(|asked| asked.holds_messages());
        // A thread belongs to its channel, and that to its category.
        let (mut belongs, mut inner) = (false, here.to_owned());
        for _ in 0..2 {
            let outer = front.atlas.channel(guild, &inner).await?.and_then(|channel| channel.parent_id);
            let Some(outer) = outer else { break };
            belongs |= outer == *asked;
            inner = outer;
        }
        Ok((holds, belongs))
    };
    match looked_up.await.map_err(|error: RestError| error.problem())? {
        (true, _) => Ok(asked.clone()),
        (false, true) => Ok(here.to_owned()),
        (false, false) => Err(range(
            "“my last message” is looked for in one channel: ask again in the channel or thread where you wrote it, or \
             name that one as `channel`",
        )),
    }
}

/// The message after which whoever asks has said nothing.
async fn last_message(front: &Front, interaction: &Interaction, channel: &str) -> Result<String, Problem> {
    let (user, guild) = (&interaction.user.id, guild_of(interaction)?);
    // Nothing is looked up for those who may not see it.
    if !front.viewer.may_read(user, guild, channel).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
            .detail("that channel is closed to you"));
    }
    let mut edge: Option<String> = None;
    for _ in 0..SEARCHED {
        let page = edge.as_deref().map_or(Page::Newest, Page::Before);
        let messages = front.rest.messages(channel, page, 100).await.map_err(|error| error.problem())?;
        if let Some(message) = messages.iter().find(|message| message.author.id == *user) {
            return Ok(message.id.clone());
        }
        let Some(last) = messages.last() else { break };
        edge = Some(last.id.clone());
    }
    Err(range("I do not find a message of yours there, among the last thousand"))
}

fn target(interaction: &Interaction) -> Result<&str, Problem> {
    match &interaction.kind {
        Kind::Command { target: Some(target), .. } => Ok(target),
        _ => Err(invalid("that works on a message")),
    }
}

fn range(words: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_TIME_RANGE").detail(words)
}

/// The ids in `<#1> 2, <#3>`.
fn ids(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_ascii_digit());
    parts.filter(|part| (15..=20).contains(&part.len())).take(50).map(str::to_owned).collect()
}

/// What might be meant by what is typed so far.
pub(super) async fn times(front: &Front, interaction: &Interaction) -> Vec<Choice> {
    const USUAL: [&str; 9] = [
        "my last message",
        "1 hour ago",
        "3 hours ago",
        "this morning",
        "yesterday",
        "yesterday 14:00",
        "2 days ago",
        "monday",
        "1 week ago",
    ];
    let Kind::Completion { typed, .. } = &interaction.kind else { return Vec::new() };
    let typed = typed.trim();
    let zone = match interaction.guild_id.as_deref() {
        Some(guild) => front.settings.effective(guild).await.map(|settings| settings.time_zone()),
        None => Ok(TimeZone::UTC),
    };
    let here = Timestamp::now().to_zoned(zone.unwrap_or(TimeZone::UTC));
    let understood = since::parse(typed, &here).is_some();
    let own = (understood && !typed.is_empty()).then(|| Choice::of(typed));
    let lower = typed.to_lowercase();
    let usual = USUAL
        .iter()
        .filter(|usual| usual.contains(&lower) && **usual != lower)
        .map(|usual| Choice::of(usual));
    own.into_iter().chain(usual).collect()
}
