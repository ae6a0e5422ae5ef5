//! The table of requests, on either backend.

use groundcrew::jobs::{Attempt, Publisher};
use groundcrew::sql::{Database, SqlProblem};
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewRow, Store, postgres, refused, sqlite};
use crate::clerk::Summarize;
use crate::document::Document;
use crate::headway::{Phase, Step};
use crate::request::{Asking, Media, Standing, State};
use crate::webhooks::Event;

/// The columns that tell how far a request is, as either backend hands them over.
pub(super) type StandingRow = (Option<String>, Option<String>, bool, i64, String, i64, i64);
/// The columns that its job needs.
pub(super) type AskingRow = (String, String, Option<Vec<u8>>, Option<String>);

/// The columns of a new request.
pub(super) struct NewRequest {
    pub(super) id: String,
    pub(super) created_ms: i64,
    pub(super) media: &'static str,
    pub(super) query: String,
    pub(super) body: Vec<u8>,
    pub(super) requested_by: Option<String>,
}

// === impl Store ===

impl Store {
    /// Keeps a request and enqueues its job, in one transaction. One that is there already stays as it is.
    pub(crate) async fn accept(&self, publisher: &Publisher, id: Uuid, asking: Asking) -> sqlx::Result<()> {
        let row = NewRequest::of(id, asking)?;
        let job = Summarize { request: id };
        let accepted = match &self.0 {
            Database::Sqlite(database) => {
                let accept = async {
                    let mut transaction = database.begin().await?;
                    sqlite::insert_request(&mut transaction, row).await?;
                    publisher.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    transaction.commit().await
                };
                database.write().timed("accept_request", accept).await
            }
            Database::Postgres(database) => {
                let accept = async {
                    let mut transaction = database.begin().await?;
                    postgres::insert_request(&mut transaction, row).await?;
                    publisher.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    transaction.commit().await
                };
                database.connections().timed("accept_request", accept).await
            }
        };
        match accepted {
            Err(error) if SqlProblem::of(&error) == SqlProblem::Exists => Ok(()),
            accepted => accepted,
        }
    }

    /// What was asked; `None` when it is answered already.
    pub(crate) async fn asking(&self, id: Uuid) -> sqlx::Result<Option<Asking>> {
        let id = id.to_string();
        let row = match &self.0 {
            Database::Sqlite(database) => sqlite::asking(database, &id).await?,
            Database::Postgres(database) => postgres::asking(database, &id).await?,
        };
        let Some((media, query, Some(body), asker)) = row else { return Ok(None) };
        let media = Media::of_name(&media).ok_or_else(|| damaged("media"))?;
        let query = serde_json::from_str(&query).map_err(|_| damaged("query"))?;
        Ok(Some(Asking { media, query, body: body.into(), asker }))
    }

    /// Stores the summary and marks its request, once for each job; `false` if that was called off meanwhile.
    pub(crate) async fn fulfil(
        &self,
        attempt: &Attempt,
        id: Uuid,
        document: &Document,
    ) -> sqlx::Result<bool> {
        let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (row, id) = (NewRow::of(document, json), id.to_string());
        let announce = self.created(document).await?;
        match &self.0 {
            Database::Sqlite(database) => {
                let fulfil = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(true) };
                    if !sqlite::mark_answered(&mut transaction, &id, &row.id).await? {
                        return transaction.rollback().await.map(|()| false);
                    }
                    sqlite::insert_in(&mut transaction, row).await?;
                    if let Some(announce) = announce {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await.map(|()| true)
                };
                database.write().timed("fulfil_request", fulfil).await
            }
            Database::Postgres(database) => {
                let fulfil = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(true) };
                    if !postgres::mark_answered(&mut transaction, &id, &row.id).await? {
                        return transaction.rollback().await.map(|()| false);
                    }
                    postgres::insert_in(&mut transaction, row).await?;
                    if let Some(announce) = announce {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await.map(|()| true)
                };
                database.connections().timed("fulfil_request", fulfil).await
            }
        }
    }

    /// Says why there will be no summary, and tells who wants to know.
    pub(crate) async fn refuse(&self, id: Uuid, problem: &str) -> sqlx::Result<()> {
        self.fail(id, problem, true).await
    }

    /// Says that nobody will make the summary, without forgetting what was asked: a person may have it made yet.
    pub(crate) async fn give_up(&self, id: Uuid, problem: &str) -> sqlx::Result<()> {
        self.fail(id, problem, false).await
    }

    async fn fail(&self, id: Uuid, problem: &str, forget: bool) -> sqlx::Result<()> {
        let words = serde_json::from_str(problem).map_err(|_| damaged("problem"))?;
        let announce = self.announcement(Event::Failed { job: id, problem: words }, None).await?;
        let id = id.to_string();
        match &self.0 {
            Database::Sqlite(database) => {
                let fail = async {
                    let mut transaction = database.begin().await?;
                    let news = match forget {
                        true => sqlite::refuse(&mut transaction, &id, problem).await?,
                        false => sqlite::give_up(&mut transaction, &id, problem).await?,
                    };
                    if let Some(announce) = announce.filter(|_| news) {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.write().timed("refuse_request", fail).await
            }
            Database::Postgres(database) => {
                let fail = async {
                    let mut transaction = database.begin().await?;
                    let news = match forget {
                        true => postgres::refuse(&mut transaction, &id, problem).await?,
                        false => postgres::give_up(&mut transaction, &id, problem).await?,
                    };
                    if let Some(announce) = announce.filter(|_| news) {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.connections().timed("refuse_request", fail).await
            }
        }
    }

    /// Calls a request off and forgets what was asked; `false` if it is decided already, or there is none.
    pub(crate) async fn cancel(&self, id: Uuid) -> sqlx::Result<bool> {
        let id = id.to_string();
        match &self.0 {
            Database::Sqlite(database) => sqlite::cancel(database, &id).await,
            Database::Postgres(database) => postgres::cancel(database, &id).await,
        }
    }

    /// Notes how far a request is; `false` if nobody wants it any more.
    pub(crate) async fn note(&self, id: Uuid, step: Step) -> sqlx::Result<bool> {
        let (id, percent) = (id.to_string(), i64::from(step.percent));
        match &self.0 {
            Database::Sqlite(database) => sqlite::note(database, &id, percent, step.phase.name()).await,
            Database::Postgres(database) => postgres::note(database, &id, percent, step.phase.name()).await,
        }
    }

    /// Forgets requests that came before and are decided.
    pub(crate) async fn forget_requests(&self, before_ms: i64) -> sqlx::Result<u64> {
        match &self.0 {
            Database::Sqlite(database) => sqlite::forget_requests(database, before_ms).await,
            Database::Postgres(database) => postgres::forget_requests(database, before_ms).await,
        }
    }

    /// How a request stands; `None` when there is none of this id.
    pub(crate) async fn standing(&self, id: Uuid) -> sqlx::Result<Option<Standing>> {
        let id = id.to_string();
        let row = match &self.0 {
            Database::Sqlite(database) => sqlite::standing(database, &id).await?,
            Database::Postgres(database) => postgres::standing(database, &id).await?,
        };
        row.map(Standing::try_from).transpose()
    }
}

fn damaged(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("requests.{column} does not read").into())
}

// === impl NewRequest ===

impl NewRequest {
    fn of(id: Uuid, asking: Asking) -> sqlx::Result<Self> {
        let query =
            serde_json::to_string(&asking.query).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let created_ms = Timestamp::now().as_millisecond();
        let (media, body, requested_by) = (asking.media.name(), asking.body.into(), asking.asker);
        Ok(Self { id: id.to_string(), created_ms, media, query, body, requested_by })
    }
}

// === impl Standing ===

impl TryFrom<StandingRow> for Standing {
    type Error = sqlx::Error;

    fn try_from(row: StandingRow) -> sqlx::Result<Self> {
        let (summary, problem, cancelled, percent, phase, revision, created_ms) = row;
        let state = match (summary, problem) {
            (Some(summary), _) => {
                State::Succeeded { summary: summary.parse().map_err(|_| damaged("summary_id"))? }
            }
            _ if cancelled => State::Cancelled,
            (None, Some(problem)) => State::Failed { problem },
            (None, None) => State::Pending,
        };
        let step = match &state {
            State::Succeeded { .. } => Step { percent: 100, phase: Phase::Done },
            _ => Step { percent: u8::try_from(percent).unwrap_or(100), phase: Phase::of_name(&phase) },
        };
        let created_at = Timestamp::from_millisecond(created_ms).map_err(|_| damaged("created_ms"))?;
        Ok(Self { state, step, revision, created_at })
    }
}
