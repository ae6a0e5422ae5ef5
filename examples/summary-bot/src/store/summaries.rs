//! The table of summaries, and of who is named in them.

use groundcrew::sql::{DatabaseTransaction, Statement, statement};
use uuid::Uuid;

use super::listing::{INDEXED, Index, index};
use super::{Store, refused, stored};
use crate::Origin;
use crate::document::Document;
use crate::webhooks::{Announce, Event};
use crate::words;

/// The columns of a new summary, in the order of the table.
pub(super) struct NewRow {
    pub(super) id: String,
    created_ms: i64,
    pub(super) title: String,
    pub(super) excerpt: String,
    messages: i64,
    participants: i64,
    pub(super) document: String,
    pub(super) origin: Origin,
    index: Index,
    /// Who is named in it, as a JSON array of pairs; `None` where there is nobody.
    people: Option<String>,
}

const GET: &str = "SELECT document FROM summaries WHERE id = $1";
const DELETE: &str = "DELETE FROM summaries WHERE id = $1";
const INSERT_SQLITE: &str = "INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, \
     guild_id, channel_id, requested_by, private, language, engine, channels) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const INSERT_POSTGRES: &str = "INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, \
     guild_id, channel_id, requested_by, private, language, engine, channels, words, indexed) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::tsvector, $16)";
const PEOPLE_SQLITE: &str = "INSERT INTO summary_people (summary_id, user_id, name) \
     SELECT $1, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($2) WHERE TRUE \
     ON CONFLICT DO NOTHING";
const PEOPLE_POSTGRES: &str = "INSERT INTO summary_people (summary_id, user_id, name) \
     SELECT $1, value->>0, value->>1 FROM json_array_elements($2::json) ON CONFLICT DO NOTHING";

// === impl Store ===

impl Store {
    /// Keeps a summary. `json` is the document as clients will get it.
    pub(crate) async fn insert(&self, document: &Document, json: String) -> sqlx::Result<()> {
        let (row, announce) = (NewRow::of(document, json), self.created(document).await?);
        let insert = async {
            let mut transaction = self.0.begin().await?;
            row.insert(&mut transaction).await?;
            if let Some(announce) = announce {
                self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
            }
            transaction.commit().await
        };
        self.0.write().timed("insert_summary", insert).await
    }

    /// The job that tells of a summary, if there is anybody to tell. A private one is told nobody of.
    pub(super) async fn created(&self, document: &Document) -> sqlx::Result<Option<Announce>> {
        if document.origin.private {
            return Ok(None);
        }
        let event = Event::Created { summary: document.id };
        self.announcement(event, document.origin.guild_id.as_deref()).await
    }

    /// The document with this id, as JSON.
    pub(crate) async fn get(&self, id: Uuid) -> sqlx::Result<Option<String>> {
        let select = statement(GET).bind(id.to_string()).timed("select_summary");
        select.scalar().fetch_optional(self.0.read()).await
    }

    /// Whether there was one with this id; now there is none.
    pub(crate) async fn delete(&self, id: Uuid) -> sqlx::Result<bool> {
        let delete = statement(DELETE).bind(id.to_string()).timed("delete_summary");
        Ok(delete.execute(self.0.write()).await? > 0)
    }
}

// === impl NewRow ===

impl NewRow {
    pub(super) fn of(document: &Document, json: String) -> Self {
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

    /// The summary, its words and its people.
    pub(super) async fn insert(self, transaction: &mut DatabaseTransaction) -> sqlx::Result<()> {
        let insert =
            Statement::by_dialect(INSERT_SQLITE, INSERT_POSTGRES).bind(&self.id).bind(self.created_ms);
        let insert = insert.bind(self.title).bind(self.excerpt).bind(self.messages).bind(self.participants);
        let channels = stored(&self.origin.channels);
        let insert = insert.bind(self.document).bind(self.origin.guild_id).bind(self.origin.channel_id);
        let insert = insert.bind(self.origin.requested_by).bind(self.origin.private);
        let insert = insert.bind(self.index.language).bind(self.index.engine).bind(channels);
        match transaction {
            DatabaseTransaction::Sqlite(transaction) => {
                insert.execute(&mut *transaction).await?;
                index(transaction, &self.id, &self.index.words).await?;
            }
            DatabaseTransaction::Postgres(transaction) => {
                let insert = insert.bind(words::tsvector(&self.index.words)).bind(INDEXED);
                insert.execute(transaction).await?;
            }
        }
        let Some(people) = self.people else { return Ok(()) };
        let insert = Statement::by_dialect(PEOPLE_SQLITE, PEOPLE_POSTGRES).bind(self.id).bind(people);
        insert.execute(transaction).await.map(drop)
    }
}

fn named(document: &Document) -> Option<String> {
    let people = &document.people;
    (!people.is_empty()).then(|| serde_json::json!(people).to_string())
}
