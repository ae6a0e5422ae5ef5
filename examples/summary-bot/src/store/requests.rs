//! The table of requests, on either backend.

use groundcrew::jobs::{Attempt, EnqueueError, Publisher};
use groundcrew::sql::Database;
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewRow, Store, postgres, sqlite};
use crate::clerk::Summarize;
use crate::document::Document;
use crate::request::{Asking, Media, State};

/// The columns that tell how far a request is, as either backend hands them over.
pub(super) type StandingRow = (Option<String>, Option<String>);
/// The columns that its job needs.
pub(super) type AskingRow = (String, String, Option<Vec<u8>>);

/// The columns of a new request.
pub(super) struct NewRequest {
    pub(super) id: String,
    pub(super) created_ms: i64,
    pub(super) media: &'static str,
    pub(super) query: String,
    pub(super) body: Vec<u8>,
}

// === impl Store ===

impl Store {
    /// Keeps a request and enqueues its job, in one transaction.
    pub(crate) async fn accept(&self, publisher: &Publisher, id: Uuid, asking: Asking) -> sqlx::Result<()> {
        let row = NewRequest::of(id, asking)?;
        let job = Summarize { request: id };
        match &self.0 {
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
        }
    }

    /// What was asked; `None` when it is answered already.
    pub(crate) async fn asking(&self, id: Uuid) -> sqlx::Result<Option<Asking>> {
        let id = id.to_string();
        let row = match &self.0 {
            Database::Sqlite(database) => sqlite::asking(database, &id).await?,
            Database::Postgres(database) => postgres::asking(database, &id).await?,
        };
        let Some((media, query, Some(body))) = row else { return Ok(None) };
        let media = Media::of_name(&media).ok_or_else(|| damaged("media"))?;
        let query = serde_json::from_str(&query).map_err(|_| damaged("query"))?;
        Ok(Some(Asking { media, query, body }))
    }

    /// Stores the summary and marks its request, once for each job.
    pub(crate) async fn fulfil(&self, attempt: &Attempt, id: Uuid, document: &Document) -> sqlx::Result<()> {
        let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (row, id) = (NewRow::of(document, json), id.to_string());
        match &self.0 {
            Database::Sqlite(database) => {
                let fulfil = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(()) };
                    sqlite::mark_answered(&mut transaction, &id, &row.id).await?;
                    sqlite::insert_in(&mut transaction, row).await?;
                    transaction.commit().await
                };
                database.write().timed("fulfil_request", fulfil).await
            }
            Database::Postgres(database) => {
                let fulfil = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(()) };
                    postgres::mark_answered(&mut transaction, &id, &row.id).await?;
                    postgres::insert_in(&mut transaction, row).await?;
                    transaction.commit().await
                };
                database.connections().timed("fulfil_request", fulfil).await
            }
        }
    }

    /// Says why there will be no summary. Said twice it changes nothing.
    pub(crate) async fn refuse(&self, id: Uuid, problem: &str) -> sqlx::Result<()> {
        let id = id.to_string();
        match &self.0 {
            Database::Sqlite(database) => sqlite::refuse(database, &id, problem).await,
            Database::Postgres(database) => postgres::refuse(database, &id, problem).await,
        }
    }

    /// How far a request is; `None` when there is none of this id.
    pub(crate) async fn standing(&self, id: Uuid) -> sqlx::Result<Option<State>> {
        let id = id.to_string();
        let row = match &self.0 {
            Database::Sqlite(database) => sqlite::standing(database, &id).await?,
            Database::Postgres(database) => postgres::standing(database, &id).await?,
        };
        row.map(State::try_from).transpose()
    }
}

/// A job that is enqueued within a transaction fails as a statement of that transaction does.
pub(super) fn refused(error: EnqueueError) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
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
        Ok(Self { id: id.to_string(), created_ms, media: asking.media.name(), query, body: asking.body })
    }
}

// === impl State ===

impl TryFrom<StandingRow> for State {
    type Error = sqlx::Error;

    fn try_from(row: StandingRow) -> sqlx::Result<Self> {
        match row {
            (Some(summary), _) => {
                Ok(Self::Succeeded { summary: summary.parse().map_err(|_| damaged("summary_id"))? })
            }
            (None, Some(problem)) => Ok(Self::Failed { problem }),
            (None, None) => Ok(Self::Pending),
        }
    }
}
