//! How the runs of schedules went.

use groundcrew::jobs::{Attempt, NewPlan, Plan, PlanChange, PlanError, PlanId, Publisher, Timetable};
use groundcrew::sql::{DatabaseTransaction, statement};
use jiff::Timestamp;
use uuid::Uuid;

use super::replays::ABOUT;
use super::{NewRow, Store, refused};
use crate::document::Document;
use crate::plans::{Ended, Outcome, Post, Standing, SummarizeChannels};

type StandingRow = (String, Option<String>, Option<i64>, Option<String>, Option<String>, i64, Option<String>);

const INSERT: &str = "INSERT INTO plans (id, guild_id) VALUES ($1, $2)";
const DELETE: &str = "DELETE FROM plans WHERE id = $1";
const STANDINGS: &str = "SELECT id, outcome, last_ms, summary_id, error, failures, undelivered FROM plans \
     WHERE id >= $1 AND id <= $2 AND (CAST($3 AS text) IS NULL OR guild_id = $3)";
/// What could not be delivered of the run before counts until all of a run is delivered.
const WENT: &str = "UPDATE plans SET outcome = $2, last_ms = $3, summary_id = coalesce($4, summary_id), error = NULL, \
     failures = 0, delivery_failures = CASE WHEN undelivered IS NULL THEN 0 ELSE delivery_failures END, \
     undelivered = NULL WHERE id = $1";
const FAILED: &str = "UPDATE plans SET outcome = $2, last_ms = $3, error = $4, failures = failures + 1 \
     WHERE id = $1 RETURNING failures";
/// Several deliveries of one run count once.
const UNDELIVERED: &str = "UPDATE plans SET \
     delivery_failures = delivery_failures + CASE WHEN undelivered IS NULL THEN 1 ELSE 0 END, undelivered = $2 \
     WHERE id = $1 RETURNING delivery_failures";
const FORGIVE: &str = "UPDATE plans SET failures = 0, delivery_failures = 0 WHERE id = $1";

/// What becomes of a plan when somebody is taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// They were not in it.
    None,
    Deleted,
    Changed,
}

/// What is done about a plan that failed so often.
pub(crate) struct Patience<'a> {
    pub(crate) timetable: &'a Timetable,
    pub(crate) publisher: &'a Publisher,
    /// After so many failures in a row it is paused.
    pub(crate) failures: i64,
    /// Who is told then, and for what reason.
    pub(crate) notices: &'a (dyn Fn(&str) -> Vec<Post> + Sync),
}

// === impl Store ===

impl Store {
    /// Makes a plan, in the timetable and here.
    pub(crate) async fn create_plan(
        &self,
        timetable: &Timetable,
        new: NewPlan,
        guild: &str,
    ) -> Result<Plan, PlanError> {
        let mut transaction = self.0.begin().await?;
        let plan = timetable.create_in(&mut transaction, new).await?;
        statement(INSERT).bind(plan.id.to_string()).bind(guild).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(plan)
    }

    /// Changes a plan, and lets it begin without failures.
    pub(crate) async fn update_plan(
        &self,
        timetable: &Timetable,
        id: PlanId,
        change: PlanChange,
    ) -> Result<Plan, PlanError> {
        let mut transaction = self.0.begin().await?;
        let plan = timetable.update_in(&mut transaction, id, change).await?;
        statement(FORGIVE).bind(id.to_string()).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(plan)
    }

    /// Lets a plan come again, without the failures before.
    pub(crate) async fn resume_plan(&self, timetable: &Timetable, id: PlanId) -> Result<Plan, PlanError> {
        let mut transaction = self.0.begin().await?;
        let plan = timetable.resume_in(&mut transaction, id).await?;
        statement(FORGIVE).bind(id.to_string()).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(plan)
    }

    /// Whether there was such a plan; now there is none.
    pub(crate) async fn delete_plan(&self, timetable: &Timetable, id: PlanId) -> Result<bool, PlanError> {
        let mut transaction = self.0.begin().await?;
        let deleted = timetable.delete_in(&mut transaction, id).await?;
        statement(DELETE).bind(id.to_string()).execute(&mut transaction).await?;
        statement(ABOUT).bind(id.to_string()).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Takes a user out of a plan as it stands: one that reads channels as they can is deleted.
    pub(crate) async fn erase_from_plan(
        &self,
        timetable: &Timetable,
        id: PlanId,
        user: &str,
    ) -> Result<Trace, PlanError> {
        let mut transaction = self.0.begin().await?;
        // From here on nobody else changes it.
        let plan = match timetable.update_in(&mut transaction, id, PlanChange::default()).await {
            Err(PlanError::Missing { .. }) => return Ok(Trace::None),
            taken => taken?,
        };
        let trace = Trace::of(&plan, user);
        match trace {
            Trace::None => return Ok(trace),
            Trace::Deleted => {
                timetable.delete_in(&mut transaction, id).await?;
                statement(DELETE).bind(id.to_string()).execute(&mut transaction).await?;
            }
            Trace::Changed => {
                if let Ok(mut job) = plan.payload::<SummarizeChannels>() {
                    job.created_by.take_if(|creator| creator == user);
                    timetable.update_in(&mut transaction, id, PlanChange::default().job(&job)).await?;
                }
                if is_paused_by(&plan, user) {
                    timetable.pause_in(&mut transaction, id, "by somebody").await?;
                }
            }
        }
        statement(ABOUT).bind(id.to_string()).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(trace)
    }

    /// How the plans between these two went, of one server or of all.
    pub(crate) async fn standings(
        &self,
        first: PlanId,
        last: PlanId,
        guild: Option<&str>,
    ) -> sqlx::Result<Vec<(PlanId, Standing)>> {
        let select = statement(STANDINGS).bind(first.to_string()).bind(last.to_string()).bind(guild);
        let rows: Vec<StandingRow> = select.fetch_all(self.0.read()).await?;
        Ok(rows.into_iter().filter_map(standing).collect())
    }

    /// Stores what a run has made, notes how it went, and enqueues what is to be sent: once for each job. Of a plan that
    /// was deleted meanwhile nothing is left.
    pub(crate) async fn conclude(
        &self,
        attempt: &Attempt,
        plan: PlanId,
        ended: Ended,
        limit: &Patience<'_>,
    ) -> sqlx::Result<()> {
        let Ended { at, documents, posts, problem } = ended;
        let summary = documents.last().map(|document| document.id.to_string());
        let rows: Vec<NewRow> = documents.iter().map(row).collect::<sqlx::Result<_>>()?;
        let outcome = match (&problem, summary.is_some()) {
            (Some(_), _) => Outcome::Failed,
            (None, true) => Outcome::Summarised,
            (None, false) => Outcome::Quiet,
        };
        let mut announcements = Vec::new();
        for document in &documents {
            announcements.extend(self.created(document).await?);
        }
        let (id, outcome, at) = (plan.to_string(), outcome.name(), at.as_millisecond());
        let Some(mut transaction) = attempt.begin_once(&self.0).await? else { return Ok(()) };
        match problem {
            None => {
                let went = statement(WENT).bind(id).bind(outcome).bind(at).bind(summary);
                if went.execute(&mut transaction).await? == 0 {
                    return Ok(()); // it was deleted meanwhile
                }
            }
            Some(problem) => {
                let failed = statement(FAILED).bind(id).bind(outcome).bind(at).bind(&problem).scalar();
                let failures = failed.fetch_optional(&mut transaction).await?;
                limit.judge(&mut transaction, plan, failures, &problem).await?;
            }
        }
        for row in rows {
            row.insert(&mut transaction).await?;
        }
        for announcement in announcements {
            limit.publisher.enqueue_in(&mut transaction, &announcement).await.map_err(refused)?;
        }
        for post in posts {
            limit.publisher.enqueue_in(&mut transaction, &post).await.map_err(refused)?;
        }
        transaction.commit().await
    }

    /// Notes that something could not be delivered: once for each job.
    pub(crate) async fn undelivered(
        &self,
        attempt: &Attempt,
        plan: PlanId,
        problem: &str,
        limit: &Patience<'_>,
    ) -> sqlx::Result<()> {
        let once = attempt.begin_once_for("undelivered", &self.0).await?;
        let Some(mut transaction) = once else { return Ok(()) };
        let noted = statement(UNDELIVERED).bind(plan.to_string()).bind(problem).scalar();
        let failures = noted.fetch_optional(&mut transaction).await?;
        limit.judge(&mut transaction, plan, failures, problem).await?;
        transaction.commit().await
    }
}

// === impl Trace ===

impl Trace {
    /// What of somebody is in a plan.
    pub(crate) fn of(plan: &Plan, user: &str) -> Self {
        match plan.payload::<SummarizeChannels>() {
            Ok(job) if job.reader.as_deref() == Some(user) => Self::Deleted,
            Ok(job) if job.created_by.as_deref() == Some(user) || is_paused_by(plan, user) => Self::Changed,
            _ => Self::None,
        }
    }
}

/// As commands and the API write it.
fn is_paused_by(plan: &Plan, user: &str) -> bool {
    plan.paused_because
        .as_ref()
        .is_some_and(|why| *why == format!("by <@{user}>") || *why == format!("by {user}"))
}

// === impl Patience ===

impl Patience<'_> {
    /// Pauses a plan that has just failed often enough, and tells why.
    async fn judge(
        &self,
        transaction: &mut DatabaseTransaction,
        plan: PlanId,
        failures: Option<i64>,
        problem: &str,
    ) -> sqlx::Result<()> {
        let Some(failures) = failures.filter(|failures| *failures == self.failures) else { return Ok(()) };
        let reason = format!("it failed {failures} times in a row: {problem}");
        self.timetable.pause_in(transaction, plan, &reason).await.map_err(not_planned)?;
        for post in (self.notices)(&reason) {
            self.publisher.enqueue_in(transaction, &post).await.map_err(refused)?;
        }
        Ok(())
    }
}

fn row(document: &Document) -> sqlx::Result<NewRow> {
    let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(NewRow::of(document, json))
}

fn standing(
    (id, outcome, last_ms, summary, error, failures, undelivered): StandingRow,
) -> Option<(PlanId, Standing)> {
    let standing = Standing {
        outcome: outcome.as_deref().and_then(Outcome::of_name),
        last: last_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
        summary: summary.and_then(|id| Uuid::parse_str(&id).ok()),
        error: error.or(undelivered),
        failures,
    };
    Some((id.parse().ok()?, standing))
}

fn not_planned(error: PlanError) -> sqlx::Error {
    match error {
        PlanError::Database(error) => error,
        // Whoever deleted it meanwhile wants no more of it.
        other => sqlx::Error::Encode(other.into()),
    }
}
