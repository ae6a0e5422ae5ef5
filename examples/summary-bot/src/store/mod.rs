//! Where summaries are kept: one module for each backend, chosen by the database that is configured.

mod askers;
mod deliveries;
mod discord;
mod erasure;
mod guild_summaries;
mod guilds;
mod listing;
mod plans;
mod postgres;
mod replays;
mod requests;
mod retention;
mod spending;
mod sqlite;
mod usage;
mod webhooks;
mod written;

pub(crate) use guild_summaries::{Amount, Made};
pub(crate) use guilds::Refusal;
pub(crate) use plans::Patience;

use groundcrew::jobs::{EnqueueError, Publisher};
use groundcrew::sql::{Database, Migrations};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::migrate::Migrator;
use uuid::Uuid;

pub(crate) use self::discord::{Begun, Open};
use self::listing::Index;
use crate::Origin;
use crate::document::Document;
use crate::webhooks::{Announce, Event};

pub(crate) use listing::Filter;
pub(crate) use replays::{Answer, Claimed, Name};
pub(crate) use spending::{ALL, Covered, Limit, Outlay, of_guild};
pub(crate) use usage::Usage;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The tables of the bot, for either backend.
pub static MIGRATIONS: Migrations = Migrations::both(&SQLITE, &POSTGRES);

/// The summaries, and everything else that is kept. The publisher enqueues what follows, in the same transaction.
#[derive(Debug, Clone)]
pub(crate) struct Store(Database, Publisher);

/// What a list says about a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) message_count: i64,
    pub(crate) participant_count: i64,
    pub(crate) guild_id: Option<String>,
    pub(crate) channel_id: Option<String>,
    pub(crate) requested_by: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) engine: Option<String>,
    #[serde(skip)]
    pub(crate) private: bool,
}

/// The columns of an entry, as either backend hands them over.
type Row = (
    String,
    i64,
    String,
    String,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
);

/// The columns of a new summary, in the order of the table.
pub(crate) struct NewRow {
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) messages: i64,
    pub(crate) participants: i64,
    pub(crate) document: String,
    pub(crate) origin: Origin,
    index: Index,
    /// Who is named in it, as a JSON array of pairs; `None` where there is nobody.
    pub(crate) people: Option<String>,
}

// === impl Store ===

impl Store {
    pub(crate) fn new(database: Database, publisher: Publisher) -> Self {
        Self(database, publisher)
    }

    /// Keeps a summary. `json` is the document as clients will get it.
    pub(crate) async fn insert(&self, document: &Document, json: String) -> sqlx::Result<()> {
        let row = NewRow::of(document, json);
        let Some(announce) = self.created(document).await? else {
            return match &self.0 {
                Database::Sqlite(database) => sqlite::insert(database, row).await,
                Database::Postgres(database) => postgres::insert(database, row).await,
            };
        };
        match &self.0 {
            Database::Sqlite(database) => {
                let insert = async {
                    let mut transaction = database.begin().await?;
                    sqlite::insert_in(&mut transaction, row).await?;
                    self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    transaction.commit().await
                };
                database.write().timed("insert_summary", insert).await
            }
            Database::Postgres(database) => {
                let insert = async {
                    let mut transaction = database.begin().await?;
                    postgres::insert_in(&mut transaction, row).await?;
                    self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
                    transaction.commit().await
                };
                database.connections().timed("insert_summary", insert).await
            }
        }
    }

    /// The job that tells of a summary, if there is anybody to tell. A private one is told nobody of.
    async fn created(&self, document: &Document) -> sqlx::Result<Option<Announce>> {
        if document.origin.private {
            return Ok(None);
        }
        let event = Event::Created { summary: document.id };
        self.announcement(event, document.origin.guild_id.as_deref()).await
    }

    /// The document with this id, as JSON.
    pub(crate) async fn get(&self, id: Uuid) -> sqlx::Result<Option<String>> {
        let id = id.to_string();
        match &self.0 {
            Database::Sqlite(database) => sqlite::get(database, &id).await,
            Database::Postgres(database) => postgres::get(database, &id).await,
        }
    }

    /// Whether there was one with this id; now there is none.
    pub(crate) async fn delete(&self, id: Uuid) -> sqlx::Result<bool> {
        let id = id.to_string();
        match &self.0 {
            Database::Sqlite(database) => sqlite::delete(database, &id).await,
            Database::Postgres(database) => postgres::delete(database, &id).await,
        }
    }
}

/// A job that is enqueued within a transaction fails as a statement of that transaction does.
fn refused(error: EnqueueError) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

// === impl NewRow ===

impl NewRow {
    fn of(document: &Document, json: String) -> Self {
        let metadata = &document.summary.metadata;
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            id: document.id.to_string(),
            created_ms: document.created_at.as_millisecond(),
            title: document.title.clone(),
            excerpt: document.excerpt(),
            messages: signed(metadata.messages_counted),
            participants: signed(metadata.participant_count),
            document: json,
            origin: document.origin.clone(),
            index: Index::of(document),
            people: named(document),
        }
    }
}

fn named(document: &Document) -> Option<String> {
    let people = &document.people;
    (!people.is_empty()).then(|| serde_json::json!(people).to_string())
}

// === impl Entry ===

impl Entry {
    /// Where it comes from: who may read it depends on that.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            guild_id: self.guild_id.clone(),
            channel_id: self.channel_id.clone(),
            requested_by: self.requested_by.clone(),
            private: self.private,
        }
    }
}

impl TryFrom<Row> for Entry {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let (
            id,
            created_ms,
            title,
            excerpt,
            messages,
            participants,
            guild_id,
            channel_id,
            by,
            language,
            engine,
            private,
        ) = row;
        let damaged = |error: String| sqlx::Error::Decode(error.into());
        Ok(Self {
            id: id.parse().map_err(|error| damaged(format!("summaries.id: {error}")))?,
            created_at: Timestamp::from_millisecond(created_ms)
                .map_err(|error| damaged(format!("summaries.created_ms: {error}")))?,
            title,
            excerpt,
            message_count: messages,
            participant_count: participants,
            guild_id,
            channel_id,
            requested_by: by,
            language,
            engine,
            private,
        })
    }
}
