//! The table of requests.

use groundcrew::jobs::{Attempt, Publisher};
use groundcrew::sql::{SqlProblem, Statement, statement};
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewRow, Store, refused};
use crate::api;
use crate::clerk::Summarize;
use crate::document::Document;
use crate::headway::{Phase, Step};
use crate::request::{Asking, Media, Standing, State};
use crate::webhooks::Event;

/// The columns that tell how far a request is.
type StandingRow = (Option<String>, Option<String>, bool, i64, String, i64, i64);
/// The columns that its job needs.
type AskingRow = (String, String, Option<Vec<u8>>, Option<String>);

const INSERT: &str =
    "INSERT INTO requests (id, created_ms, media, query, body, requested_by) VALUES ($1, $2, $3, $4, $5, $6)";
const ASKING: &str = "SELECT media, query, body, requested_by FROM requests WHERE id = $1";
const ANSWER: &str = "UPDATE requests SET summary_id = $1, problem = NULL, query = '[]', body = NULL, revision = revision + 1 \
     WHERE id = $2 AND NOT cancelled";
const REFUSE: &str = "UPDATE requests SET problem = $1, query = '[]', body = NULL, revision = revision + 1 \
     WHERE id = $2 AND summary_id IS NULL AND NOT cancelled";
const GIVE_UP: &str = "UPDATE requests SET problem = $1, revision = revision + 1 \
     WHERE id = $2 AND summary_id IS NULL AND problem IS NULL AND NOT cancelled";
const CANCEL: &str = "UPDATE requests SET cancelled = TRUE, query = '[]', body = NULL, revision = revision + 1 \
     WHERE id = $1 AND summary_id IS NULL AND problem IS NULL AND NOT cancelled";
const NOTE: &str = "UPDATE requests SET percent = $1, phase = $2, \
     revision = revision + CASE WHEN percent <> $1 OR phase <> $2 THEN 1 ELSE 0 END \
     WHERE id = $3 AND summary_id IS NULL AND NOT cancelled";
const FORGET: &str = "DELETE FROM requests WHERE created_ms < $1 \
     AND (summary_id IS NOT NULL OR problem IS NOT NULL OR cancelled)";
const STANDING: &str =
    "SELECT summary_id, problem, cancelled, percent, phase, revision, created_ms FROM requests WHERE id = $1";

// === impl Store ===

impl Store {
    /// Keeps a request and enqueues its job, in one transaction. One that is there already stays as it is.
    pub(crate) async fn accept(&self, publisher: &Publisher, id: Uuid, asking: Asking) -> sqlx::Result<()> {
        let (insert, job) = (insert(id, asking)?, Summarize { request: id });
        let accept = async {
            let mut transaction = self.0.begin().await?;
            insert.execute(&mut transaction).await?;
            publisher.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
            transaction.commit().await
        };
        match self.0.write().timed("accept_request", accept).await {
            Err(error) if SqlProblem::of(&error) == SqlProblem::Exists => Ok(()),
            accepted => accepted,
        }
    }

    /// What was asked; `None` when it is answered already.
    pub(crate) async fn asking(&self, id: Uuid) -> sqlx::Result<Option<Asking>> {
        let select = statement(ASKING).bind(id.to_string()).timed("select_request");
        let row: Option<AskingRow> = select.fetch_optional(self.0.read()).await?;
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
        let row = NewRow::of(document, json);
        let announce = self.created(document).await?;
        let fulfil = async {
            let Some(mut transaction) = attempt.begin_once(&self.0).await? else { return Ok(true) };
            let answer = statement(ANSWER).bind(&row.id).bind(id.to_string());
            if answer.execute(&mut transaction).await? == 0 {
                return transaction.rollback().await.map(|()| false);
            }
            row.insert(&mut transaction).await?;
            if let Some(announce) = announce {
                self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
            }
            transaction.commit().await.map(|()| true)
        };
        self.0.write().timed("fulfil_request", fulfil).await
    }

    /// Says why there will be no summary, and tells who wants to know.
    pub(crate) async fn refuse(&self, id: Uuid, problem: &str) -> sqlx::Result<()> {
        self.fail(id, problem, REFUSE).await
    }

    /// Says that nobody will make the summary, without forgetting what was asked: a person may have it made yet.
    pub(crate) async fn give_up(&self, id: Uuid, problem: &str) -> sqlx::Result<()> {
        self.fail(id, problem, GIVE_UP).await
    }

    async fn fail(&self, id: Uuid, problem: &str, sql: &'static str) -> sqlx::Result<()> {
        let words = serde_json::from_str(problem).map_err(|_| damaged("problem"))?;
        // What was asked is forgotten with the refusal.
        let origin = self.asking(id).await?.map(|asking| api::origin_of(&asking)).unwrap_or_default();
        let guild = origin.guild_id.clone();
        let event = Event::Failed { job: id, problem: words, origin };
        let announce = self.announcement(event, guild.as_deref()).await?;
        let fail = async {
            let mut transaction = self.0.begin().await?;
            let fail = statement(sql).bind(problem).bind(id.to_string());
            let is_news = fail.execute(&mut transaction).await? > 0;
            if let Some(announce) = announce.filter(|_| is_news) {
                self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
            }
            transaction.commit().await
        };
        self.0.write().timed("refuse_request", fail).await
    }

    /// Calls a request off and forgets what was asked; `false` if it is decided already, or there is none.
    pub(crate) async fn cancel(&self, id: Uuid) -> sqlx::Result<bool> {
        let cancel = statement(CANCEL).bind(id.to_string()).timed("cancel_request");
        Ok(cancel.execute(self.0.write()).await? > 0)
    }

    /// Notes how far a request is; `false` if nobody wants it any more.
    pub(crate) async fn note(&self, id: Uuid, step: Step) -> sqlx::Result<bool> {
        let note = statement(NOTE).bind(i64::from(step.percent)).bind(step.phase.name()).bind(id.to_string());
        Ok(note.timed("note_request").execute(self.0.write()).await? > 0)
    }

    /// Forgets requests that came before and are decided.
    pub(crate) async fn forget_requests(&self, before_ms: i64) -> sqlx::Result<u64> {
        statement(FORGET).bind(before_ms).timed("forget_requests").execute(self.0.write()).await
    }

    /// How a request stands; `None` when there is none of this id.
    pub(crate) async fn standing(&self, id: Uuid) -> sqlx::Result<Option<Standing>> {
        let select = statement(STANDING).bind(id.to_string()).timed("select_request");
        let row: Option<StandingRow> = select.fetch_optional(self.0.read()).await?;
        row.map(Standing::try_from).transpose()
    }
}

fn damaged(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("requests.{column} does not read").into())
}

fn insert(id: Uuid, asking: Asking) -> sqlx::Result<Statement<'static>> {
    let query = serde_json::to_string(&asking.query).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let insert = statement(INSERT).bind(id.to_string()).bind(Timestamp::now().as_millisecond());
    let insert = insert.bind(asking.media.name()).bind(query).bind(Vec::from(asking.body));
    Ok(insert.bind(asking.asker))
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
            // Also when whoever asked was erased afterwards.
            (None, Some(problem)) => State::Failed { problem },
            (None, None) if cancelled => State::Cancelled,
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
