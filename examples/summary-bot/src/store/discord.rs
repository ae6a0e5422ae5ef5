//! What is remembered about Discord, on either backend, which take the same statements.

use groundcrew::sql::Database;
use uuid::Uuid;

use super::{NewRow, Store, postgres, refused, sqlite};
use crate::discord::Answer;
use crate::document::Document;

/// An interaction that is not answered yet, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) received_ms: i64,
    /// The interaction as JSON.
    pub(crate) body: String,
    /// The summaries that were made for it already.
    pub(crate) summaries: Vec<Uuid>,
    /// How many replies were sent after the first.
    pub(crate) said: usize,
}

/// Sessions that were begun lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) count: i64,
    pub(crate) last_ms: Option<i64>,
}

const TAKE: &str = "INSERT INTO discord_interactions (id, received_ms, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
const OPEN: &str =
    "SELECT received_ms, body, summaries, said FROM discord_interactions WHERE id = $1 AND body IS NOT NULL";
const SUMMARISE: &str = "UPDATE discord_interactions SET summaries = $1 WHERE id = $2 AND summaries IS NULL";
const SAID: &str = "UPDATE discord_interactions SET said = $1 WHERE id = $2";
const CLOSE: &str = "UPDATE discord_interactions SET body = NULL WHERE id = $1";
const FORGET: &str = "DELETE FROM discord_interactions WHERE received_ms < $1";
const BEGIN: &str = "INSERT INTO discord_sessions (epoch, begun_ms) VALUES ($1, $2)";
const BEGUN: &str = "SELECT COUNT(*), MAX(begun_ms) FROM discord_sessions WHERE begun_ms > $1";
const FORGET_BEGUN: &str = "DELETE FROM discord_sessions WHERE begun_ms < $1";
const TOLD: &str = "SELECT told FROM discord_told WHERE about = $1";
const TELL: &str =
    "INSERT INTO discord_told (about, told) VALUES ($1, $2) ON CONFLICT (about) DO UPDATE SET told = $2";

// === impl Store ===

impl Store {
    /// Keeps an interaction and enqueues the job that answers it, both or neither. `false` if it is known already.
    pub(crate) async fn take_interaction(
        &self,
        id: &str,
        received_ms: i64,
        body: &str,
    ) -> sqlx::Result<bool> {
        let job = Answer { interaction: id.to_owned() };
        match &self.0 {
            Database::Sqlite(database) => {
                let take = async {
                    let mut transaction = database.begin().await?;
                    let take = sqlx::query(TAKE).bind(id).bind(received_ms).bind(body);
                    let is_new = take.execute(&mut *transaction).await?.rows_affected() > 0;
                    if is_new {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await?;
                    Ok(is_new)
                };
                database.write().timed("take_interaction", take).await
            }
            Database::Postgres(database) => {
                let take = async {
                    let mut transaction = database.begin().await?;
                    let take = sqlx::query(TAKE).bind(id).bind(received_ms).bind(body);
                    let is_new = take.execute(&mut *transaction).await?.rows_affected() > 0;
                    if is_new {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await?;
                    Ok(is_new)
                };
                database.connections().timed("take_interaction", take).await
            }
        }
    }

    /// An interaction that waits for its answer; `None` when it has it.
    pub(crate) async fn open_interaction(&self, id: &str) -> sqlx::Result<Option<Open>> {
        type Row = (i64, String, Option<String>, i64);
        let row = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as::<_, Row>(OPEN).bind(id).fetch_optional(database.read());
                database.read().timed("select_interaction", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as::<_, Row>(OPEN).bind(id).fetch_optional(database);
                database.connections().timed("select_interaction", select).await?
            }
        };
        Ok(row.map(|(received_ms, body, summaries, said)| Open {
            received_ms,
            body,
            summaries: summaries
                .iter()
                .flat_map(|ids| ids.split(' '))
                .filter_map(|id| id.parse().ok())
                .collect(),
            said: usize::try_from(said).unwrap_or(0),
        }))
    }

    /// Stores the summaries that were made for an interaction, unless there are some already: then those are the answer.
    pub(crate) async fn keep_for_interaction(&self, id: &str, documents: &[Document]) -> sqlx::Result<bool> {
        let ids: Vec<String> = documents.iter().map(|document| document.id.to_string()).collect();
        let ids = ids.join(" ");
        let (mut rows, mut news) = (Vec::with_capacity(documents.len()), Vec::new());
        for document in documents {
            news.extend(self.created(document).await?);
            let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
            rows.push(NewRow::of(document, json));
        }
        match &self.0 {
            Database::Sqlite(database) => {
                let keep = async {
                    let mut transaction = database.begin().await?;
                    let mark = sqlx::query(SUMMARISE).bind(ids).bind(id).execute(&mut *transaction).await?;
                    if mark.rows_affected() == 0 {
                        return Ok(false);
                    }
                    for row in rows {
                        sqlite::insert_in(&mut transaction, row).await?;
                    }
                    for announce in news {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await?;
                    Ok(true)
                };
                database.write().timed("keep_for_interaction", keep).await
            }
            Database::Postgres(database) => {
                let keep = async {
                    let mut transaction = database.begin().await?;
                    let mark = sqlx::query(SUMMARISE).bind(ids).bind(id).execute(&mut *transaction).await?;
                    if mark.rows_affected() == 0 {
                        return Ok(false);
                    }
                    for row in rows {
                        postgres::insert_in(&mut transaction, row).await?;
                    }
                    for announce in news {
                        self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    }
                    transaction.commit().await?;
                    Ok(true)
                };
                database.connections().timed("keep_for_interaction", keep).await
            }
        }
    }

    /// Remembers how many replies followed the first.
    pub(crate) async fn said(&self, id: &str, replies: usize) -> sqlx::Result<()> {
        let replies = i64::try_from(replies).unwrap_or(i64::MAX);
        match &self.0 {
            Database::Sqlite(database) => {
                let update = sqlx::query(SAID).bind(replies).bind(id).execute(database);
                database.write().timed("mark_interaction", update).await.map(drop)
            }
            Database::Postgres(database) => {
                let update = sqlx::query(SAID).bind(replies).bind(id).execute(database);
                database.connections().timed("mark_interaction", update).await.map(drop)
            }
        }
    }

    /// The interaction is answered: what was said, and its token, go. Its id stays for a while, so that it is not
    /// answered again.
    pub(crate) async fn close_interaction(&self, id: &str) -> sqlx::Result<()> {
        self.discord_write("close_interaction", CLOSE, id).await
    }

    /// Lets go of interactions that were received before.
    pub(crate) async fn forget_interactions(&self, before_ms: i64) -> sqlx::Result<()> {
        self.discord_delete("forget_interactions", FORGET, before_ms).await
    }

    /// Remembers that a session is begun now.
    pub(crate) async fn begin_session(&self, epoch: u64, now_ms: i64) -> sqlx::Result<()> {
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        match &self.0 {
            Database::Sqlite(database) => {
                let insert = sqlx::query(BEGIN).bind(epoch).bind(now_ms).execute(database);
                database.write().timed("begin_session", insert).await.map(drop)
            }
            Database::Postgres(database) => {
                let insert = sqlx::query(BEGIN).bind(epoch).bind(now_ms).execute(database);
                database.connections().timed("begin_session", insert).await.map(drop)
            }
        }
    }

    /// How many sessions were begun since, and when the last one.
    pub(crate) async fn sessions_begun(&self, since_ms: i64) -> sqlx::Result<Begun> {
        let (count, last_ms): (i64, Option<i64>) = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(BEGUN).bind(since_ms).fetch_one(database.read());
                database.read().timed("select_sessions", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(BEGUN).bind(since_ms).fetch_one(database);
                database.connections().timed("select_sessions", select).await?
            }
        };
        Ok(Begun { count, last_ms })
    }

    /// Lets go of what was begun before.
    pub(crate) async fn forget_sessions(&self, before_ms: i64) -> sqlx::Result<()> {
        self.discord_delete("forget_sessions", FORGET_BEGUN, before_ms).await
    }

    /// What Discord was told about something.
    pub(crate) async fn told(&self, about: &str) -> sqlx::Result<Option<String>> {
        match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_scalar(TOLD).bind(about).fetch_optional(database.read());
                database.read().timed("select_told", select).await
            }
            Database::Postgres(database) => {
                let select = sqlx::query_scalar(TOLD).bind(about).fetch_optional(database);
                database.connections().timed("select_told", select).await
            }
        }
    }

    /// Remembers what Discord was told.
    pub(crate) async fn tell(&self, about: &str, told: &str) -> sqlx::Result<()> {
        match &self.0 {
            Database::Sqlite(database) => {
                let insert = sqlx::query(TELL).bind(about).bind(told).execute(database);
                database.write().timed("insert_told", insert).await.map(drop)
            }
            Database::Postgres(database) => {
                let insert = sqlx::query(TELL).bind(about).bind(told).execute(database);
                database.connections().timed("insert_told", insert).await.map(drop)
            }
        }
    }

    async fn discord_write(&self, name: &'static str, sql: &'static str, id: &str) -> sqlx::Result<()> {
        match &self.0 {
            Database::Sqlite(database) => {
                database.write().timed(name, sqlx::query(sql).bind(id).execute(database)).await.map(drop)
            }
            Database::Postgres(database) => {
                let update = sqlx::query(sql).bind(id).execute(database);
                database.connections().timed(name, update).await.map(drop)
            }
        }
    }

    async fn discord_delete(&self, name: &'static str, sql: &'static str, ms: i64) -> sqlx::Result<()> {
        match &self.0 {
            Database::Sqlite(database) => {
                database.write().timed(name, sqlx::query(sql).bind(ms).execute(database)).await.map(drop)
            }
            Database::Postgres(database) => {
                let delete = sqlx::query(sql).bind(ms).execute(database);
                database.connections().timed(name, delete).await.map(drop)
            }
        }
    }
}
