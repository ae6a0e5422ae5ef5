//! Where summaries are kept, and everything else: in SQLite or in Postgres, whichever is configured.

mod askers;
mod deliveries;
mod discord;
mod erasure;
mod guild_summaries;
mod guilds;
mod listing;
mod plans;
mod replays;
mod requests;
mod retention;
mod spending;
mod summaries;
mod usage;
mod webhooks;
mod written;

pub(crate) use guild_summaries::{Amount, Made};
pub(crate) use guilds::Refusal;
pub(crate) use plans::{Patience, Trace};

use groundcrew::jobs::{EnqueueError, Publisher};
use groundcrew::sql::{Database, Migrations};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::migrate::Migrator;
use uuid::Uuid;

pub(crate) use self::discord::{Begun, Open};
use self::summaries::NewRow;
use crate::Origin;

pub(crate) use listing::{Filter, Place};
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
    #[serde(skip)]
    pub(crate) channels: Vec<String>,
    pub(crate) requested_by: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) engine: Option<String>,
    #[serde(skip)]
    pub(crate) private: bool,
}

/// The columns of an entry.
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
    Option<String>,
);

// === impl Store ===

impl Store {
    pub(crate) fn new(database: Database, publisher: Publisher) -> Self {
        Self(database, publisher)
    }
}

/// A job that is enqueued within a transaction fails as a statement of that transaction does.
fn refused(error: EnqueueError) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

/// The channels of an origin, as they are stored.
fn stored(channels: &[String]) -> Option<String> {
    (!channels.is_empty()).then(|| serde_json::json!(channels).to_string())
}

/// The channels of an origin, from what is stored.
fn several(channels: Option<&str>) -> sqlx::Result<Vec<String>> {
    let read = |json| serde_json::from_str(json);
    channels.map_or(Ok(Vec::new()), read).map_err(|error| sqlx::Error::Decode(error.into()))
}

// === impl Entry ===

impl Entry {
    /// Where it comes from: who may read it depends on that.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            guild_id: self.guild_id.clone(),
            channel_id: self.channel_id.clone(),
            channels: self.channels.clone(),
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
            channels,
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
            channels: several(channels.as_deref())?,
            requested_by: by,
            language,
            engine,
            private,
        })
    }
}
