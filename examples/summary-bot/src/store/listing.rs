//! Lists of summaries: filtered, searched, page by page; and the index that searching needs.

use groundcrew::sql::Database;
use jiff::Timestamp;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Entry, Row, Store};
use crate::document::Document;
use crate::words::{self, Query};

/// The index as it is made now; what was indexed otherwise is indexed again.
pub(super) const INDEXED: i64 = 1;

const COLUMNS: &str = "SELECT id, created_ms, title, excerpt, messages, participants, guild_id, channel_id, \
    requested_by, language, engine FROM summaries WHERE id < ";

/// Which summaries.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) guild_id: Option<String>,
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
        let rows: Vec<Row> = match &self.0 {
            Database::Sqlite(database) => {
                let mut select = QueryBuilder::<sqlx::Sqlite>::new(COLUMNS);
                select.push_bind(before);
                narrow(&mut select, filter);
                if let Some(query) = &filter.query {
                    select.push(
                        " AND id IN (SELECT n.id FROM summary_words w JOIN summary_numbers n ON n.number = w.rowid \
                         WHERE w.words MATCH ",
                    );
                    select.push_bind(query.for_fts5()).push(")");
                }
                select.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
                let select = select.build_query_as().fetch_all(database.read());
                database.read().timed("list_summaries", select).await?
            }
            Database::Postgres(database) => {
                let mut select = QueryBuilder::<sqlx::Postgres>::new(COLUMNS);
                select.push_bind(before);
                narrow(&mut select, filter);
                if let Some(query) = &filter.query {
                    select.push(" AND words @@ ").push_bind(query.for_postgres()).push("::tsquery");
                }
                select.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
                let select = select.build_query_as().fetch_all(database);
                database.connections().timed("list_summaries", select).await?
            }
        };
        rows.into_iter().map(Entry::try_from).collect()
    }

    /// Indexes summaries that were stored by a version that did not, at most so many; how many.
    pub(crate) async fn index_some(&self, most: u16) -> sqlx::Result<usize> {
        const SELECT: &str = "SELECT id, document FROM summaries WHERE indexed = 0 LIMIT $1";
        let rows: Vec<(String, String)> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(SELECT).bind(i64::from(most));
                database.read().timed("select_unindexed", select.fetch_all(database.read())).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(SELECT).bind(i64::from(most));
                database.connections().timed("select_unindexed", select.fetch_all(database)).await?
            }
        };
        let count = rows.len();
        for (id, json) in rows {
            // What does not read is not found by its words, and not looked at again.
            let index =
                serde_json::from_str::<Document>(&json).map_or_else(|_| Index::empty(), |it| Index::of(&it));
            match &self.0 {
                Database::Sqlite(database) => {
                    let mut transaction = database.begin().await?;
                    let update =
                        "UPDATE summaries SET language = $1, engine = $2 WHERE id = $3 AND indexed = 0";
                    let update = sqlx::query(update).bind(&index.language).bind(&index.engine).bind(&id);
                    if update.execute(&mut *transaction).await?.rows_affected() > 0 {
                        super::sqlite::index(&mut transaction, &id, &index.words).await?;
                    }
                    transaction.commit().await?;
                }
                Database::Postgres(database) => {
                    let update = "UPDATE summaries SET language = $1, engine = $2, words = $3::tsvector, indexed = $4 \
                        WHERE id = $5";
                    let update = sqlx::query(update).bind(&index.language).bind(&index.engine);
                    let update = update.bind(words::tsvector(&index.words)).bind(INDEXED).bind(&id);
                    database.connections().timed("index_summary", update.execute(database)).await?;
                }
            }
        }
        Ok(count)
    }
}

fn narrow<DB>(select: &mut QueryBuilder<DB>, filter: &Filter)
where
    DB: sqlx::Database,
    String: for<'a> sqlx::Encode<'a, DB> + sqlx::Type<DB>,
    i64: for<'a> sqlx::Encode<'a, DB> + sqlx::Type<DB>,
{
    for (column, value) in [
        (" AND guild_id = ", &filter.guild_id),
        (" AND channel_id = ", &filter.channel_id),
        (" AND requested_by = ", &filter.requested_by),
        (" AND language = ", &filter.language),
        (" AND engine = ", &filter.engine),
    ] {
        if let Some(value) = value {
            select.push(column).push_bind(value.clone());
        }
    }
    if let Some(since) = filter.since {
        select.push(" AND created_ms >= ").push_bind(since.as_millisecond());
    }
    if let Some(until) = filter.until {
        select.push(" AND created_ms < ").push_bind(until.as_millisecond());
    }
    if let Some(reader) = &filter.reader {
        select.push(" AND (NOT private OR requested_by = ").push_bind(reader.clone()).push(")");
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
