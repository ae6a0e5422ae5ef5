//! Lists of summaries: filtered, searched, page by page; and the index that searching needs.

use groundcrew::sql::{Database, Statement, Transaction, statement};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Entry, Row, Store};
use crate::document::Document;
use crate::words::{self, Query};

/// The index as it is made now; what was indexed otherwise is indexed again.
pub(super) const INDEXED: i64 = 1;

const COLUMNS: &str = "SELECT id, created_ms, title, excerpt, messages, participants, guild_id, channel_id, \
    requested_by, language, engine, private, channels FROM summaries WHERE id < ";
const MATCHES: &str = " AND id IN (SELECT n.id FROM summary_words w JOIN summary_numbers n ON n.number = w.rowid \
    WHERE w.words MATCH ";
const UNINDEXED: &str = "SELECT id, document FROM summaries WHERE indexed = 0 LIMIT $1";
const LABEL: &str = "UPDATE summaries SET language = $1, engine = $2 WHERE id = $3 AND indexed = 0";
const LABEL_AND_INDEX: &str =
    "UPDATE summaries SET language = $1, engine = $2, words = $3::tsvector, indexed = $4 WHERE id = $5";
/// One that is indexed again keeps its number.
const NUMBER: &str = "INSERT INTO summary_numbers (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id \
    RETURNING number";
const DROP_WORDS: &str = "DELETE FROM summary_words WHERE rowid = $1";
const ADD_WORDS: &str = "INSERT INTO summary_words (rowid, words) VALUES ($1, $2)";
const MARK: &str = "UPDATE summaries SET indexed = $1 WHERE id = $2";

/// Which summaries.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) guild_id: Option<String>,
    /// With something of this channel or thread in them, alone or with others.
    pub(crate) channel_id: Option<String>,
    pub(crate) requested_by: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) engine: Option<String>,
    /// Made at this time or later.
    pub(crate) since: Option<Timestamp>,
    /// Made before this time.
    pub(crate) until: Option<Timestamp>,
    pub(crate) query: Option<Query>,
    /// Private ones only of this reader; all of them where nobody is asked who they are.
    pub(crate) reader: Option<String>,
}

/// What an index holds of a summary.
pub(super) struct Index {
    pub(super) language: String,
    pub(super) engine: String,
    pub(super) words: Vec<String>,
}

// === impl Store ===

impl Store {
    /// The newest entries that fit, or those older than the one with the id `before`.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        before: Option<Uuid>,
        limit: u16,
    ) -> sqlx::Result<Vec<Entry>> {
        // Sorts after every UUID.
        let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
        let mut select = narrowed(statement(COLUMNS).push_bind(before), filter);
        if let Some(query) = &filter.query {
            select = match self.0 {
                Database::Sqlite(_) => select.push(MATCHES).push_bind(query.for_fts5()).push(")"),
                Database::Postgres(_) => {
                    select.push(" AND words @@ ").push_bind(query.for_postgres()).push("::tsquery")
                }
            };
        }
        let select = select.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<Row> = select.timed("list_summaries").fetch_all(self.0.read()).await?;
        rows.into_iter().map(Entry::try_from).collect()
    }

    /// Indexes summaries that were stored by a version that did not, at most so many; how many.
    pub(crate) async fn index_some(&self, most: u16) -> sqlx::Result<usize> {
        let select = statement(UNINDEXED).bind(i64::from(most)).timed("select_unindexed");
        let rows: Vec<(String, String)> = select.fetch_all(self.0.read()).await?;
        let count = rows.len();
        for (id, json) in rows {
            // What does not read is not found by its words, and not looked at again.
            let found =
                serde_json::from_str::<Document>(&json).map_or_else(|_| Index::empty(), |it| Index::of(&it));
            match &self.0 {
                Database::Sqlite(database) => {
                    let mut transaction = database.begin().await?;
                    let update = statement(LABEL).bind(&found.language).bind(&found.engine).bind(&id);
                    if update.execute(&mut transaction).await? > 0 {
                        index(&mut transaction, &id, &found.words).await?;
                    }
                    transaction.commit().await?;
                }
                Database::Postgres(database) => {
                    let update = statement(LABEL_AND_INDEX).bind(&found.language).bind(&found.engine);
                    let update = update.bind(words::tsvector(&found.words)).bind(INDEXED).bind(&id);
                    update.timed("index_summary").execute(database).await?;
                }
            }
        }
        Ok(count)
    }
}

/// Within a transaction. SQLite searches words in a table of their own.
pub(super) async fn index(
    transaction: &mut Transaction<sqlx::Sqlite>,
    id: &str,
    words: &[String],
) -> sqlx::Result<()> {
    let number: i64 = statement(NUMBER).bind(id).scalar().fetch_one(&mut *transaction).await?;
    statement(DROP_WORDS).bind(number).execute(&mut *transaction).await?;
    statement(ADD_WORDS).bind(number).bind(words.join(" ")).execute(&mut *transaction).await?;
    statement(MARK).bind(INDEXED).bind(id).execute(transaction).await.map(drop)
}

fn narrowed<'a>(mut select: Statement<'a>, filter: &'a Filter) -> Statement<'a> {
    for (column, value) in [
        (" AND guild_id = ", &filter.guild_id),
        (" AND requested_by = ", &filter.requested_by),
        (" AND language = ", &filter.language),
        (" AND engine = ", &filter.engine),
    ] {
        if let Some(value) = value {
            select = select.push(column).push_bind(value);
        }
    }
    if let Some(channel) = &filter.channel_id {
        select = select.push(" AND (channel_id = ").push_bind(channel);
        // Of several channels a summary names all: a list of ids as JSON. What is no id might be a pattern.
        if channel.bytes().all(|byte| byte.is_ascii_digit()) {
            select = select.push(" OR channels LIKE ").push_bind(format!("%\"{channel}\"%"));
        }
        select = select.push(")");
    }
    if let Some(since) = filter.since {
        select = select.push(" AND created_ms >= ").push_bind(since.as_millisecond());
    }
    if let Some(until) = filter.until {
        select = select.push(" AND created_ms < ").push_bind(until.as_millisecond());
    }
    match &filter.reader {
        Some(reader) => select.push(" AND (NOT private OR requested_by = ").push_bind(reader).push(")"),
        None => select,
    }
}

// === impl Index ===

impl Index {
    pub(super) fn of(document: &Document) -> Self {
        let summary = &document.summary;
        let points = [&summary.key_points, &summary.decisions, &summary.open_questions];
        let points = points.into_iter().flatten().map(|point| point.text.as_str());
        let tasks = summary.action_items.iter().map(|item| item.description.as_str());
        let terms = summary.technical_terms.iter().map(|term| term.term.as_str());
        let people = summary.participants.iter().map(|person| person.name.as_str());
        let whole = [document.title.as_str(), &summary.summary_text];
        let texts: Vec<&str> =
            whole.into_iter().chain(points).chain(tasks).chain(terms).chain(people).collect();
        let about = &summary.metadata;
        Self {
            language: about.language.clone(),
            engine: about.engine.clone(),
            words: words::words(&texts.join("\n")),
        }
    }

    fn empty() -> Self {
        Self { language: "und".to_owned(), engine: String::new(), words: Vec::new() }
    }
}
