//! Reads history from Discord.

use std::collections::HashSet;
use std::sync::Arc;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::access::{Access, Level, Looking, Standing};
use super::atlas::{Atlas, Map, kind};
use super::history::{Channel, ChannelHistory, History, Part, Reading, Skipped, Wanted, Why};
use super::rest::{self, Page, Rest, RestError};
use super::said::{self, Counting};
use super::snowflake;

/// What Discord hands out at once.
const PAGE: usize = 100;
/// So many channels and threads are read for one summary.
const MOST_CHANNELS: usize = 50;
/// So many archived threads of one channel are looked at: at once, and in how many pages.
const ARCHIVED: u8 = 50;
const ARCHIVED_PAGES: u8 = 4;

/// Reads channels through Discord's API.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    rest: Rest,
    atlas: Arc<Atlas>,
    access: Access,
    /// The most messages that are read for one summary.
    most: usize,
}

/// A channel that may be read, if it may.
struct Candidate {
    channel: rest::Channel,
    /// Asked for by name; those that a category or a forum holds are left out without a word if the reader does not see
    /// them.
    by_name: bool,
}

// === impl Archive ===

impl Archive {
    pub(super) fn new(rest: Rest, atlas: Arc<Atlas>, access: Access, most: usize) -> Self {
        Self { rest, atlas, access, most }
    }

    async fn read_all(&self, wanted: Wanted, standing: Option<Standing>) -> Result<History, RestError> {
        let map = self.atlas.map(&wanted.guild_id).await?;
        let mut history = History::default();
        let mut seen = HashSet::new();
        for candidate in self.candidates(&map, &wanted, &mut history.skipped).await? {
            let channel = named(&candidate.channel);
            if !seen.insert(channel.id.clone()) {
                continue;
            }
            match self.closed(&map, &candidate, &wanted, standing.as_ref()).await? {
                Some(Why::ReaderCannotRead) if !candidate.by_name => continue,
                Some(why) => {
                    // Whoever does not see it does not learn what it is called.
                    let name = if why == Why::ReaderCannotRead { &channel.id } else { &channel.name };
                    let name = name.clone();
                    history.skipped.push(Skipped { channel: Channel { name, ..channel }, why });
                    continue;
                }
                None if history.parts.len() >= MOST_CHANNELS => {
                    history.skipped.push(Skipped { channel, why: Why::TooMany });
                    continue;
                }
                None => {}
            }
            match self.part(&map, channel.clone(), &wanted).await {
                Ok(part) if part.messages.is_empty() => {
                    history.skipped.push(Skipped { channel, why: Why::Quiet });
                }
                Ok(part) => history.parts.push(part),
                Err(error) if error.is_closed() => {
                    history.skipped.push(Skipped { channel, why: Why::BotCannotRead });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(history)
    }

    /// The channels and threads that are meant.
    async fn candidates(
        &self,
        map: &Map,
        wanted: &Wanted,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Vec<Candidate>, RestError> {
        let mut candidates = Vec::new();
        let mut threads = None;
        for id in &wanted.channels {
            let Some(channel) = self.atlas.channel(&wanted.guild_id, id).await? else {
                let channel = Channel { id: id.clone(), name: id.clone(), parent_id: None };
                skipped.push(Skipped { channel, why: Why::BotCannotRead });
                continue;
            };
            let by_name = channel.kind != kind::CATEGORY;
            let channels =
                if by_name { vec![channel] } else { map.in_category(id).into_iter().cloned().collect() };
            for channel in channels {
                let with_threads = channel.is_forum() || wanted.threads && !channel.is_thread();
                let (id, itself) = (channel.id.clone(), named(&channel));
                if !channel.is_forum() {
                    candidates.push(Candidate { channel, by_name });
                }
                if with_threads {
                    if threads.is_none() {
                        threads = Some(self.rest.active_threads(&wanted.guild_id).await?.threads);
                    }
                    // Private threads have fewer readers than their channel: they are read where they are named.
                    let active = threads.iter().flatten().filter(|thread| {
                        thread.parent_id.as_ref() == Some(&id) && thread.kind != kind::PRIVATE_THREAD
                    });
                    let active = active.cloned().collect::<Vec<_>>();
                    let (archived, older) = self.archived(&id, wanted.since).await?;
                    if older {
                        skipped.push(Skipped { channel: itself, why: Why::MoreThreads });
                    }
                    let threads = active.into_iter().chain(archived);
                    candidates.extend(threads.map(|channel| Candidate { channel, by_name: false }));
                }
            }
        }
        Ok(candidates)
    }

    /// Threads of a channel that were archived since, page by page; and whether there may be more.
    async fn archived(
        &self,
        channel: &str,
        since: Option<Timestamp>,
    ) -> Result<(Vec<rest::Channel>, bool), RestError> {
        let (mut threads, mut before, mut passed): (Vec<rest::Channel>, _, _) = (Vec::new(), None, false);
        for _ in 0..ARCHIVED_PAGES {
            let page = match self.rest.archived_threads(channel, before, ARCHIVED).await {
                Ok(page) => page,
                Err(error) if error.is_closed() => return Ok((threads, passed)),
                Err(error) => return Err(error),
            };
            let last = page.threads.last().and_then(archived_at);
            let (known, count) = (threads.len(), page.threads.len());
            let new = page
                .threads
                .into_iter()
                .filter(|thread| since.is_none_or(|since| archived_at(thread).is_none_or(|at| at >= since)));
            let new: Vec<rest::Channel> =
                new.filter(|new| !threads.iter().any(|known| known.id == new.id)).collect();
            threads.extend(new);
            let over = last.zip(since).is_some_and(|(last, since)| last < since);
            if !page.has_more || over || count == 0 {
                return Ok((threads, passed));
            }
            // Several may have been archived in the same moment: those that come again are known.
            // A page full of them cannot be seen beyond; what is older can.
            let stuck = threads.len() == known;
            passed |= stuck;
            let overlap = SignedDuration::from_millis(i64::from(!stuck));
            before = last.and_then(|last| last.checked_add(overlap).ok());
            if before.is_none() {
                return Ok((threads, true));
            }
        }
        Ok((threads, true))
    }

    /// Why a channel is not read.
    async fn closed(
        &self,
        map: &Map,
        candidate: &Candidate,
        wanted: &Wanted,
        standing: Option<&Standing>,
    ) -> Result<Option<Why>, RestError> {
        let (channel, guild) = (&candidate.channel, &wanted.guild_id);
        // Whoever asked first: they are told nothing about what they do not see.
        if let Some(reader) = &wanted.reader
            && !self.access.can_read(reader, guild, &channel.id).await?
        {
            return Ok(Some(Why::ReaderCannotRead));
        }
        let lowered = standing.and_then(|standing| standing.lowered(channel));
        if lowered.is_some_and(|level| level < Level::Summarize) {
            return Ok(Some(Why::Ruled));
        }
        if !channel.holds_messages() {
            return Ok(Some(Why::NoMessages));
        }
        let places = map.places(channel);
        let within = |ids: &[String]| ids.iter().any(|id| places.contains(&id.as_str()));
        if within(&wanted.exclude_channels)
            || !wanted.only_channels.is_empty() && !within(&wanted.only_channels)
        {
            return Ok(Some(Why::Excluded));
        }
        // Discord answers with empty pages where the bot may see but not read back.
        let readable = !map.is_orphan(channel)
            && self.access.can_read(self.atlas.me().await?, guild, &channel.id).await?;
        Ok((!readable).then_some(Why::BotCannotRead))
    }

    async fn part(&self, map: &Map, channel: Channel, wanted: &Wanted) -> Result<Part, RestError> {
        let counting = Counting { bots: wanted.bots, exclude_users: &wanted.exclude_users };
        let most = wanted.most.max(1);
        let mut part = Part { channel, messages: Vec::new(), left_out: 0, cut: false };
        let mut edge = wanted.until.map(|until| snowflake::before(until).to_string());
        let first = first(wanted);
        // From the newest to the oldest, and turned round at the end.
        'pages: loop {
            let page = edge.as_deref().map_or(Page::Newest, Page::Before);
            let messages = self.rest.messages(&part.channel.id, page, PAGE).await?;
            let last = messages.len() < PAGE;
            edge = messages.last().map(|message| message.id.clone());
            for theirs in &messages {
                if number(&theirs.id) < first {
                    break 'pages;
                }
                if part.messages.len() >= most {
                    part.cut = true;
                    break 'pages;
                }
                match said::message(theirs, map, counting) {
                    Some(message) => part.messages.push(message),
                    None => part.left_out += 1,
                }
            }
            // However much is left out, reading comes to an end.
            if last || part.left_out >= 4 * most.max(PAGE) as u64 {
                part.cut |= !last;
                break;
            }
        }
        part.messages.reverse();
        Ok(part)
    }
}

impl ChannelHistory for Archive {
    fn read(&self, wanted: Wanted) -> Reading<'_> {
        Box::pin(async move {
            let standing = match &wanted.reader {
                Some(reader) => self.access.standing(reader, &wanted.guild_id).await?,
                None => None,
            };
            self.read_all(wanted, standing).await.map_err(|error: RestError| -> Problem { error.problem() })
        })
    }

    fn guild_of<'a>(&'a self, channel: &'a str) -> Looking<'a, String> {
        Box::pin(async move {
            let channel = self.rest.channel(channel).await.map_err(|error| error.problem())?;
            channel.guild_id.ok_or_else(|| {
                Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("the channel is in no server")
            })
        })
    }

    fn most(&self) -> usize {
        self.most
    }
}

fn archived_at(thread: &rest::Channel) -> Option<Timestamp> {
    thread.thread.as_ref()?.archive_timestamp.as_deref()?.parse().ok()
}

/// The first id that is wanted.
fn first(wanted: &Wanted) -> u64 {
    let since = wanted.since.map_or(0, snowflake::before);
    since.max(wanted.from_message.as_deref().map_or(0, number))
}

fn number(id: &str) -> u64 {
    id.parse().unwrap_or(0)
}

fn named(channel: &rest::Channel) -> Channel {
    let name = if channel.name.is_empty() { channel.id.clone() } else { channel.name.clone() };
    Channel {
        id: channel.id.clone(),
        name,
        parent_id: channel.parent_id.clone().filter(|_| channel.is_thread()),
    }
}
