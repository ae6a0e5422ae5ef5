//! What is done with schedules: by the API, and by `/schedule` in Discord.

use std::sync::{Arc, OnceLock};

use super::brief::one;
use super::{
    Brief, Content, Destination, Ended, Mailer, Post, Poster, Schedule, SchedulesConfig, Standing,
    SummarizeChannels,
};
use crate::clerk::not_stored;
use crate::discord::history::ChannelHistory;
use crate::store::{Patience, Store, Trace};
use crate::workshop::storage_problem;
use groundcrew::Crew;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::jobs::{
    Attempt, Job as _, JobError, JobId, NewPlan, Plan, PlanChange, PlanError, PlanId, PlanQuery, Planned,
    Publisher, Timetable, TimetableConfig,
};
use groundcrew::lease::{LeaseConfig, LeaseStatus};

/// The schedules of all servers. Clones share everything.
#[derive(Clone)]
pub(crate) struct Plans(Arc<Inner>);

/// What schedules work with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) timetable: Timetable,
    pub(crate) publisher: Publisher,
    pub(crate) config: SchedulesConfig,
    pub(crate) mailer: Option<Mailer>,
}

/// Everything, with what is known only once Discord is there, which itself is built with this.
struct Inner {
    parts: Parts,
    discord: OnceLock<Discord>,
}

/// Where channels are read and posted into.
struct Discord {
    history: Arc<dyn ChannelHistory>,
    poster: Arc<dyn Poster>,
}

// === impl Plans ===

impl Plans {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, discord: OnceLock::new() }))
    }

    /// Reads and posts there from now on; before, nothing can be summarised.
    pub(crate) fn reach(&self, history: Arc<dyn ChannelHistory>, poster: Arc<dyn Poster>) {
        self.0.discord.get_or_init(|| Discord { history, poster });
    }

    /// The timetable that schedules are kept in.
    pub(crate) fn timetable(
        config: &SchedulesConfig,
        crew: &Crew,
        publisher: &Publisher,
    ) -> anyhow::Result<Timetable> {
        let limits = TimetableConfig { per_owner: config.per_guild, least_pause: config.least_pause };
        Ok(limits.open(crew, publisher)?)
    }

    /// Enqueues what is due, in one replica at a time.
    pub(crate) fn keep(&self, lease: &LeaseConfig) -> anyhow::Result<LeaseStatus> {
        Ok(self.0.parts.timetable.run(lease)?)
    }

    /// Makes a schedule under an id of its own.
    #[cfg(test)]
    pub(crate) async fn create(
        &self,
        brief: Brief,
        created_by: Option<String>,
        reader: Option<String>,
    ) -> Result<Schedule, Problem> {
        self.create_as(PlanId::random(), brief, created_by, reader).await
    }

    /// Makes a schedule under this id: what was made under it already is not made again. `reader` is the user of
    /// Discord's whose channels may be read; `None`: whatever the bot can read.
    pub(crate) async fn create_as(
        &self,
        id: PlanId,
        brief: Brief,
        created_by: Option<String>,
        reader: Option<String>,
    ) -> Result<Schedule, Problem> {
        if let Some(made) = self.0.parts.timetable.get(id).await.map_err(not_planned)? {
            return self.one(Some(made)).await;
        }
        let timing = self.check(&brief)?;
        let job = SummarizeChannels { brief, created_by, reader, planned: None };
        let (guild, name) = (job.brief.guild_id.clone(), job.brief.name.trim().to_owned());
        let new = NewPlan::new(&guild, name, timing, &job).id(id).misfire(job.brief.misfire());
        let plan = self
            .0
            .parts
            .store
            .create_plan(&self.0.parts.timetable, new, &guild)
            .await
            .map_err(not_planned)?;
        tracing::info!(schedule.id = %plan.id, guild.id = guild, schedule.timing = %plan.timing, "schedule made");
        Ok(Schedule { plan, job, standing: Standing::default() })
    }

    /// A page, the oldest first, of one server or of all, and where the next one begins.
    pub(crate) async fn list(
        &self,
        guild: Option<&str>,
        after: Option<PlanId>,
        limit: u16,
    ) -> Result<(Vec<Schedule>, Option<PlanId>), Problem> {
        let mut query = PlanQuery::default().limit(limit.into());
        if let Some(guild) = guild {
            query = query.owner(guild);
        }
        if let Some(after) = after {
            query = query.after(after);
        }
        let page = self.0.parts.timetable.list(query).await.map_err(not_planned)?;
        let schedules = self.with_standings(page.plans, guild).await?;
        Ok((schedules, page.next))
    }

    pub(crate) async fn get(&self, id: PlanId) -> Result<Schedule, Problem> {
        let plan = self.0.parts.timetable.get(id).await.map_err(not_planned)?;
        self.one(plan).await
    }

    /// By its name.
    pub(crate) async fn find(&self, guild: &str, name: &str) -> Result<Schedule, Problem> {
        let plan = self.0.parts.timetable.find(guild, name.trim()).await.map_err(not_planned)?;
        self.one(plan).await
    }

    /// Changes what a schedule does. From then on it reads what `reader` can: whoever says where summaries go gets
    /// nothing to read that is closed to them.
    pub(crate) async fn change(
        &self,
        schedule: Schedule,
        brief: Brief,
        reader: Option<&str>,
    ) -> Result<Schedule, Problem> {
        let Schedule { plan: Plan { id, .. }, mut job, .. } = schedule;
        let timing = self.check(&brief)?;
        let mut change = PlanChange::default().name(brief.name.trim()).misfire(brief.misfire());
        if brief.timing != job.brief.timing {
            change = change.timing(timing);
        }
        job.brief = brief;
        job.reader = reader.map(str::to_owned).or(job.reader);
        let changed = self.0.parts.store.update_plan(&self.0.parts.timetable, id, change.job(&job)).await;
        self.one(Some(changed.map_err(not_planned)?)).await
    }

    /// Takes a schedule away.
    pub(crate) async fn delete(&self, id: PlanId) -> Result<(), Problem> {
        let deleted =
            self.0.parts.store.delete_plan(&self.0.parts.timetable, id).await.map_err(not_planned)?;
        if deleted { Ok(()) } else { Err(not_found()) }
    }

    /// Lets nothing come until it is resumed.
    pub(crate) async fn pause(&self, id: PlanId, reason: &str) -> Result<Schedule, Problem> {
        self.0.parts.timetable.pause(id, reason).await.map_err(not_planned)?;
        self.get(id).await
    }

    /// Lets it come again: what comes after now.
    pub(crate) async fn resume(&self, id: PlanId) -> Result<Schedule, Problem> {
        let plan = self.0.parts.store.resume_plan(&self.0.parts.timetable, id).await.map_err(not_planned)?;
        self.one(Some(plan)).await
    }

    /// One run now, beside those of the timetable.
    pub(crate) async fn run_now(&self, id: PlanId) -> Result<JobId, Problem> {
        self.0.parts.timetable.run_now(id).await.map_err(not_planned)
    }

    /// The same for an interaction of Discord's, once; whether it had not been done before.
    pub(crate) async fn run_for(&self, id: PlanId, interaction: &str) -> Result<bool, Problem> {
        let Parts { store, timetable, .. } = &self.0.parts;
        store.run_for_interaction(timetable, id, interaction).await.map_err(not_planned)
    }

    /// Deletes the schedules that read channels as this user does, and takes the user out of all others. Tells how many
    /// were deleted and changed.
    pub(crate) async fn erase(&self, user: &str) -> sqlx::Result<(u64, u64)> {
        let Parts { store, timetable, .. } = &self.0.parts;
        let (mut deleted, mut changed, mut after) = (0, 0, None);
        loop {
            let query = PlanQuery::default().job(SummarizeChannels::NAME);
            let query = after.into_iter().fold(query, PlanQuery::after);
            let page = timetable.list(query).await.map_err(not_kept)?;
            for plan in page.plans.iter().filter(|plan| Trace::of(plan, user) != Trace::None) {
                match store.erase_from_plan(timetable, plan.id, user).await.map_err(not_kept)? {
                    Trace::None => {}
                    Trace::Deleted => deleted += 1,
                    Trace::Changed => changed += 1,
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok((deleted, changed));
            }
        }
    }

    /// What a schedule does now; `None` where it is gone. What does not read may be of a newer version, which is there too.
    pub(super) async fn current(&self, plan: PlanId) -> Result<Option<SummarizeChannels>, JobError> {
        let plan = self.0.parts.timetable.get(plan).await.map_err(|error| not_stored(not_kept(error)))?;
        plan.map(|plan| plan.payload()).transpose().map_err(JobError::retry)
    }

    pub(super) fn history(&self) -> Option<&dyn ChannelHistory> {
        self.0.discord.get().map(|discord| &*discord.history)
    }

    pub(super) fn poster(&self) -> Option<&dyn Poster> {
        self.0.discord.get().map(|discord| &*discord.poster)
    }

    pub(super) fn mailer(&self) -> Option<&Mailer> {
        self.0.parts.mailer.as_ref()
    }

    pub(super) fn max_messages(&self) -> usize {
        self.0.parts.config.max_messages as usize
    }

    /// Puts the end of a run on record. A schedule that has failed too often is paused, and those are told who would
    /// have got the summary.
    pub(super) async fn conclude(
        &self,
        store: &Store,
        attempt: &Attempt,
        planned: &Planned,
        ended: Ended,
        brief: &Brief,
    ) -> Result<(), JobError> {
        let notices = |reason: &str| notices(planned.plan, brief, reason);
        let concluded = store.conclude(attempt, planned.plan, ended, &self.limit(&notices)).await;
        concluded.map_err(not_stored)
    }

    /// Puts on record that something could not be delivered.
    pub(super) async fn undelivered(
        &self,
        store: &Store,
        attempt: &Attempt,
        plan: PlanId,
        problem: &str,
    ) -> Result<(), JobError> {
        let brief = self.0.parts.timetable.get(plan).await.ok().flatten();
        let brief = brief.and_then(|plan| plan.payload::<SummarizeChannels>().ok()).map(|job| job.brief);
        let notices =
            |reason: &str| brief.as_ref().map(|brief| notices(plan, brief, reason)).unwrap_or_default();
        store.undelivered(attempt, plan, problem, &self.limit(&notices)).await.map_err(not_stored)
    }

    fn limit<'a>(&'a self, notices: &'a (dyn Fn(&str) -> Vec<Post> + Sync)) -> Patience<'a> {
        let failures = i64::from(self.0.parts.config.pause_after);
        Patience { timetable: &self.0.parts.timetable, publisher: &self.0.parts.publisher, failures, notices }
    }

    fn check(&self, brief: &Brief) -> Result<groundcrew::jobs::Timing, Problem> {
        let timing = brief.check()?;
        let mail =
            brief.destinations.iter().position(|destination| matches!(destination, Destination::Email(_)));
        if let Some(index) = mail.filter(|_| self.0.parts.mailer.is_none()) {
            let words = "this service sends no mail: mail.url (SMTP_URL) is not set";
            return Err(one(&format!("destinations[{index}]"), words));
        }
        Ok(timing)
    }

    async fn one(&self, plan: Option<Plan>) -> Result<Schedule, Problem> {
        let mut found = self.with_standings(plan.into_iter().collect(), None).await?;
        found.pop().ok_or_else(not_found)
    }

    /// Plans of other kinds of jobs are none of ours.
    async fn with_standings(&self, plans: Vec<Plan>, guild: Option<&str>) -> Result<Vec<Schedule>, Problem> {
        let (Some(first), Some(last)) = (plans.first().map(|plan| plan.id), plans.last().map(|plan| plan.id))
        else {
            return Ok(Vec::new());
        };
        let standings = self.0.parts.store.standings(first, last, guild).await;
        let standings = standings.map_err(|error| storage_problem(&error))?;
        let standing = |plan: &Plan| {
            let found = standings.iter().find(|(id, _)| *id == plan.id);
            found.map(|(_, standing)| standing.clone()).unwrap_or_default()
        };
        let schedule = |plan: Plan| {
            let job = plan.payload::<SummarizeChannels>().ok()?;
            let standing = standing(&plan);
            Some(Schedule { plan, job, standing })
        };
        Ok(plans.into_iter().filter_map(schedule).collect())
    }
}

impl std::fmt::Debug for Plans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plans").field("timetable", &self.0.parts.timetable).finish_non_exhaustive()
    }
}

/// Webhooks are for programs: they are told of summaries only.
fn notices(plan: PlanId, brief: &Brief, reason: &str) -> Vec<Post> {
    let text =
        format!("The schedule “{}” is paused: {reason}. Once it is mended, resume it.", brief.name.trim());
    let people = brief
        .destinations
        .iter()
        .filter(|destination| matches!(destination, Destination::Channel(_) | Destination::Email(_)));
    people
        .map(|destination| Post {
            plan,
            destination: destination.clone(),
            content: Content::Notice(text.clone()),
        })
        .collect()
}

/// What is answered where there is no such schedule.
pub(crate) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no schedule like this; it may have been deleted")
}

fn not_planned(error: PlanError) -> Problem {
    let words = error.to_string();
    match error {
        PlanError::Missing { .. } => not_found(),
        PlanError::NameTaken { name, .. } => Problem::new(StatusCode::CONFLICT, "SCHEDULE_EXISTS").detail(
            format!("this server has a schedule called `{name}` already: give this one another name"),
        ),
        PlanError::TooMany { most, .. } => Problem::new(StatusCode::CONFLICT, "TOO_MANY_SCHEDULES")
            .detail(format!(
                "this server has {most} schedules already (schedules.per_guild); delete one first"
            ))
            .with("maximum", most),
        PlanError::TooOften { least, .. } => {
            one("timing", &format!("it would come more often than every {least:?} (schedules.least_pause)"))
        }
        PlanError::NeverComes { .. } => one("timing", "it does not come any more"),
        PlanError::Text { .. } => one("name", &words),
        PlanError::TooLarge { .. } => one("schedule", "it is too large"),
        other => storage_problem(&not_kept(other)),
    }
}

fn not_kept(error: PlanError) -> sqlx::Error {
    match error {
        PlanError::Database(error) => error,
        other => sqlx::Error::Protocol(other.to_string()),
    }
}
