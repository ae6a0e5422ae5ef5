//! The job that a schedule enqueues: read, summarise, store, and have it sent.

use std::collections::BTreeSet;
use std::time::Duration;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::jobs::{Attempt, Job, JobError, Planned, Policy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::period::period;
use super::{Brief, Content, Ended, Mode, Post};
use crate::Warning;
use crate::clerk::Desk;
use crate::discord::history::{History, Part, Skipped, Wanted, Why};
use crate::document::Document;
use crate::workshop::Reading;

/// What has failed so often will go on failing until the next time.
const ENOUGH: u32 = 3;

/// Summarise what a schedule says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SummarizeChannels {
    pub(crate) brief: Brief,
    /// Who made the schedule: Discord's id of a user, or the subject of a key or token.
    #[serde(default)]
    pub(crate) created_by: Option<String>,
    /// Only channels that this user of Discord's can read are read.
    #[serde(default)]
    pub(crate) reader: Option<String>,
    #[serde(default)]
    pub(crate) planned: Option<Planned>,
}

// === impl SummarizeChannels ===

impl Job for SummarizeChannels {
    const NAME: &'static str = "summarize_channels";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().timeout(Duration::from_secs(600)).concurrency(2)
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let Some(planned) = self.planned else { return Err(JobError::cancel("it is of no schedule")) };
        // As it is now, whole: whoever changed it meanwhile lends their sight to what it says now, and to nothing else;
        // whoever has been erased lends it to nothing, and is not named by what it makes.
        let Some(current) = desk.plans.current(planned.plan).await? else {
            return Err(JobError::cancel("its schedule was deleted"));
        };
        let this = Self { planned: self.planned, ..current };
        let (documents, problem) = match this.documents(&desk, &planned).await {
            Ok(documents) => (documents, None),
            Err(problem) if is_passing(&problem) && attempt.number() < ENOUGH => {
                return Err(JobError::retry(problem.to_json().to_string()));
            }
            Err(problem) => (Vec::new(), Some(words(&problem))),
        };
        if let Some(problem) = &problem {
            tracing::warn!(schedule.id = %planned.plan, error = problem, "a schedule has no summary");
        }
        let each = documents.iter().flat_map(|document| {
            let content = Content::Summary(document.id);
            let post = move |destination| Post { plan: planned.plan, destination, content: content.clone() };
            this.brief.destinations.iter().cloned().map(post)
        });
        let posts = each.collect();
        let ended = Ended { at: Timestamp::now(), documents, posts, problem };
        desk.plans.conclude(&desk.store, &attempt, &planned, ended, &this.brief).await
    }
}

impl SummarizeChannels {
    /// The summaries; none when nobody has said enough.
    async fn documents(&self, desk: &Desk, planned: &Planned) -> Result<Vec<Document>, Problem> {
        let brief = &self.brief;
        let timing = brief.check()?;
        let (since, until) = period(&timing, brief.period_seconds(), planned);
        let history = desk.plans.history().ok_or_else(no_discord)?;
        let settings = desk.caretaker.settings.effective(&brief.guild_id).await?;
        let wanted = Wanted {
            guild_id: brief.guild_id.clone(),
            channels: brief.channels.clone(),
            exclude_channels: brief.exclude_channels.clone(),
            since: Some(since),
            until: Some(until),
            most: desk.plans.max_messages(),
            threads: brief.threads,
            exclude_users: brief.exclude_users.clone(),
            reader: self.reader.clone(),
            ..Wanted::default()
        };
        let resolved = brief.preferences().over(&settings, wanted);
        let History { parts, skipped } = history.read(resolved.wanted.clone()).await?;
        let named: Vec<Skipped> = skipped.into_iter().filter(|skipped| skipped.why != Why::Quiet).collect();
        let closed: Vec<Skipped> =
            named.iter().filter(|skipped| skipped.why != Why::MoreThreads).cloned().collect();
        if parts.is_empty() && closed.len() >= brief.channels.len() {
            return Err(all_closed(&closed));
        }
        let mut documents = Vec::new();
        for (title, parts) in self.groups(parts) {
            let mut order = resolved.clone().order(title, parts);
            order.warnings.extend(self.left_out(&named));
            order.origin.requested_by.clone_from(&self.created_by);
            match desk.workshop.draft(Reading::AtBench, std::future::ready(Ok(order))).await {
                Ok(document) => documents.push(document),
                Err(problem) if is_quiet(&problem) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(documents)
    }

    fn left_out(&self, skipped: &[Skipped]) -> Option<Warning> {
        let warning = || Warning {
            code: "CHANNELS_SKIPPED".to_owned(),
            message: format!("not all of it was read: {}", self.names(skipped)),
        };
        (!skipped.is_empty()).then(warning)
    }

    /// Those that the schedule names itself, and how many more: whoever reads this may not know what else there is.
    fn names(&self, skipped: &[Skipped]) -> String {
        let is_named = |skipped: &&Skipped| self.brief.channels.contains(&skipped.channel.id);
        let (named, others): (Vec<_>, Vec<_>) = skipped.iter().partition(is_named);
        let one = |skipped: &&Skipped| format!("#{} {}", skipped.channel.name, skipped.why.words());
        let named = named.iter().map(one).collect::<Vec<_>>().join(", ");
        match (named.as_str(), others.len()) {
            (_, 0) => named,
            ("", others) => format!("{others} that the schedule does not name"),
            (_, others) => format!("{named}, and {others} more that the schedule does not name"),
        }
    }

    /// What is summarised together, with its title.
    fn groups(&self, parts: Vec<Part>) -> Vec<(String, Vec<Part>)> {
        let name = &self.brief.name;
        match self.brief.mode {
            Mode::Combined if parts.is_empty() => Vec::new(),
            Mode::Combined => vec![(name.clone(), parts)],
            Mode::Individual => parts
                .into_iter()
                .map(|part| (format!("{name}: #{}", part.channel.name), vec![part]))
                .collect(),
        }
    }
}

/// Whether another attempt may do: not where the service would have to be started anew.
fn is_passing(problem: &Problem) -> bool {
    problem.status().is_server_error() && problem.to_json()["code"] != "DISCORD_OFF"
}

/// Too little was said: a skip, and no failure.
fn is_quiet(problem: &Problem) -> bool {
    problem.to_json()["code"] == "INSUFFICIENT_CONTENT"
}

fn words(problem: &Problem) -> String {
    let json = problem.to_json();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text("code"), text("detail"))
}

/// Without their names: more people see how a schedule stands than see its channels.
fn all_closed(closed: &[Skipped]) -> Problem {
    let why: BTreeSet<&str> = closed.iter().map(|skipped| skipped.why.words()).collect();
    let why = why.into_iter().collect::<Vec<_>>().join(", or ");
    Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
        .detail(format!("none of the channels can be read: each {why}"))
}

fn no_discord() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DISCORD_OFF")
        .detail("there is no Discord to read channels from: set DISCORD_TOKEN")
}
