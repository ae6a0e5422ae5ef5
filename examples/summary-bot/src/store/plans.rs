//! How the runs of schedules went, on either backend.

use groundcrew::jobs::{
    Attempt, EnqueueError, NewPlan, Plan, PlanChange, PlanError, PlanId, Publisher, Timetable,
};
use groundcrew::sql::Database;
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewRow, Store};
use crate::document::Document;
use crate::plans::{Ended, Outcome, Post, Standing};

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

/// Does the same on either backend; `backend` is its module.
macro_rules! each {
    ($store:expr, $database:ident => $done:expr) => {
        match &$store.0 {
            Database::Sqlite($database) => {
                #[allow(unused_imports, reason = "some uses need no statement of the module's")]
                use super::sqlite as backend;
                $done
            }
            Database::Postgres($database) => {
                #[allow(unused_imports, reason = "some uses need no statement of the module's")]
                use super::postgres as backend;
                $done
            }
        }
    };
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
        each!(self, database => {
            let mut transaction = database.begin().await?;
            let plan = timetable.create_in(&mut transaction, new).await?;
            sqlx::query(INSERT).bind(plan.id.to_string()).bind(guild).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(plan)
        })
    }

    /// Changes a plan, and lets it begin without failures.
    pub(crate) async fn update_plan(
        &self,
        timetable: &Timetable,
        id: PlanId,
        change: PlanChange,
    ) -> Result<Plan, PlanError> {
        each!(self, database => {
            let mut transaction = database.begin().await?;
            let plan = timetable.update_in(&mut transaction, id, change).await?;
            sqlx::query(FORGIVE).bind(id.to_string()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(plan)
        })
    }

    /// Lets a plan come again, without the failures before.
    pub(crate) async fn resume_plan(&self, timetable: &Timetable, id: PlanId) -> Result<Plan, PlanError> {
        each!(self, database => {
            let mut transaction = database.begin().await?;
            let plan = timetable.resume_in(&mut transaction, id).await?;
            sqlx::query(FORGIVE).bind(id.to_string()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(plan)
        })
    }

    /// Whether there was such a plan; now there is none.
    pub(crate) async fn delete_plan(&self, timetable: &Timetable, id: PlanId) -> Result<bool, PlanError> {
        each!(self, database => {
            let mut transaction = database.begin().await?;
            let deleted = timetable.delete_in(&mut transaction, id).await?;
            sqlx::query(DELETE).bind(id.to_string()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(deleted)
        })
    }

    /// How the plans between these two went, of one server or of all.
    pub(crate) async fn standings(
        &self,
        first: PlanId,
        last: PlanId,
        guild: Option<&str>,
    ) -> sqlx::Result<Vec<(PlanId, Standing)>> {
        let (first, last) = (first.to_string(), last.to_string());
        let rows: Vec<StandingRow> = match &self.0 {
            Database::Sqlite(database) => {
                let query = sqlx::query_as(STANDINGS).bind(first).bind(last).bind(guild);
                query.fetch_all(database.read()).await?
            }
            Database::Postgres(database) => {
                let query = sqlx::query_as(STANDINGS).bind(first).bind(last).bind(guild);
                query.fetch_all(database).await?
            }
        };
        Ok(rows.into_iter().filter_map(standing).collect())
    }

    /// Stores what a run has made, notes how it went, and enqueues what is to be sent: once for each job.
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
        each!(self, database => {
            let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(()) };
            match problem {
                None => {
                    let went = sqlx::query(WENT).bind(&id).bind(outcome).bind(at).bind(summary);
                    went.execute(&mut *transaction).await?;
                }
                Some(problem) => {
                    let failed = sqlx::query_scalar(FAILED).bind(&id).bind(outcome).bind(at).bind(&problem);
                    let failures: Option<i64> = failed.fetch_optional(&mut *transaction).await?;
                    if let Some(reason) = failures.and_then(|failures| limit.reason(failures, &problem)) {
                        limit.timetable.pause_in(&mut transaction, plan, &reason).await.map_err(not_planned)?;
                        for post in (limit.notices)(&reason) {
                            limit.publisher.enqueue_in(&mut transaction, &post).await.map_err(not_enqueued)?;
                        }
                    }
                }
            }
            for row in rows {
                backend::insert_in(&mut transaction, row).await?;
            }
            for announcement in announcements {
                limit.publisher.enqueue_in(&mut transaction, &announcement).await.map_err(not_enqueued)?;
            }
            for post in posts {
                limit.publisher.enqueue_in(&mut transaction, &post).await.map_err(not_enqueued)?;
            }
            transaction.commit().await
        })
    }

    /// Notes that something could not be delivered: once for each job.
    pub(crate) async fn undelivered(
        &self,
        attempt: &Attempt,
        plan: PlanId,
        problem: &str,
        limit: &Patience<'_>,
    ) -> sqlx::Result<()> {
        each!(self, database => {
            let Some(mut transaction) = attempt.begin_once_for("undelivered", database).await? else {
                return Ok(())
            };
            let noted = sqlx::query_scalar(UNDELIVERED).bind(plan.to_string()).bind(problem);
            let failures: Option<i64> = noted.fetch_optional(&mut *transaction).await?;
            if let Some(reason) = failures.and_then(|failures| limit.reason(failures, problem)) {
                limit.timetable.pause_in(&mut transaction, plan, &reason).await.map_err(not_planned)?;
                for post in (limit.notices)(&reason) {
                    limit.publisher.enqueue_in(&mut transaction, &post).await.map_err(not_enqueued)?;
                }
            }
            transaction.commit().await
        })
    }
}

// === impl Patience ===

impl Patience<'_> {
    /// Why it is paused, when it has just failed often enough.
    fn reason(&self, failures: i64, problem: &str) -> Option<String> {
        (failures == self.failures).then(|| format!("it failed {failures} times in a row: {problem}"))
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

fn not_enqueued(error: EnqueueError) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}
