//! Lists of summaries: filtered, searched, page by page; and the index that searching needs.

use std::collections::BTreeSet;

use groundcrew::sql::{Database, Statement, Transaction, statement};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Entry, Row, Store, stored};
use crate::document::Document;
use crate::words::{self, Query};

/// The index as it is made now; what was indexed otherwise is indexed again.
pub(super) const INDEXED: i64 = 1;

const COLUMNS: &str = "SELECT id, created_ms, title, excerpt, messages, participants, guild_id, channel_id, \
    requested_by, language, engine, private, channels FROM summaries WHERE id < ";
const MATCHES: &str = " AND id IN (SELECT n.id FROM summary_words w JOIN summary_numbers n ON n.number = w.rowid \
    WHERE w.words MATCH ";
const ELSEWHERE: &str = " AND (private OR guild_id IS NULL \
    OR guild_id || '/' || COALESCE(channel_id, '') || '/' || COALESCE(channels, '') NOT IN ";
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
    /// What is of no server only of this person.
    pub(crate) person: Option<String>,
    /// Nothing of these, but what is private.
    pub(crate) hidden: BTreeSet<Place>,
}

/// A server with all channels that a summary names: who may not read one that is not private may read none of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(String);

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
    for (column, value) in [
        (" AND (NOT private OR requested_by = ", &filter.reader),
        (" AND (guild_id IS NOT NULL OR requested_by = ", &filter.person),
    ] {
        if let Some(value) = value {
            select = select.push(column).push_bind(value).push(")");
        }
    }
    if filter.hidden.is_empty() {
        return select;
    }
    let hidden: Vec<&str> = filter.hidden.iter().map(|place| place.0.as_str()).collect();
    let select = select
        .push(ELSEWHERE)
        .push_by_dialect("(SELECT value FROM json_each(", "(SELECT * FROM json_array_elements_text(");
    select.push_bind(serde_json::json!(hidden).to_string()).push_by_dialect(")))", "::json)))")
}

// === impl Place ===

impl Place {
    /// Where an entry is of, if everybody who reads that place reads the entry.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let guild = entry.guild_id.as_deref().filter(|_| !entry.private)?;
        let channels = stored(&entry.channels).unwrap_or_default();
        Some(Self(format!("{guild}/{}/{channels}", entry.channel_id.as_deref().unwrap_or_default())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;
    use crate::testing::{ANNA, BEN, grounds, origin};

    async fn listed(ground: &crate::testing::Ground, filter: &Filter) -> Vec<Entry> {
        ground.store.list(filter, None, 10).await.expect("a list")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_list_leaves_out_what_is_of_hidden_places_and_not_private() {
        for ground in grounds().await {
            let one = origin("1", ANNA, false);
            let several = Origin { channels: vec!["7".to_owned(), "8".to_owned()], ..one.clone() };
            let nowhere = Origin { channel_id: None, ..one.clone() };
            let kept = [origin("1", ANNA, true), origin("2", ANNA, false), Origin::default()];
            let all = [&one, &several, &nowhere].into_iter().chain(&kept);
            for origin in all {
                ground.made(origin.clone()).await;
            }
            for hidden in [one, several, nowhere] {
                let entries = listed(&ground, &Filter::default()).await;
                let closed = entries.iter().filter(|entry| entry.origin() == hidden).filter_map(Place::of);
                let filter = Filter { hidden: closed.collect(), ..Filter::default() };
                let origins: Vec<Origin> = listed(&ground, &filter).await.iter().map(Entry::origin).collect();
                let expected: Vec<Origin> =
                    entries.iter().map(Entry::origin).filter(|origin| *origin != hidden).collect();
                assert_eq!((origins, expected.len()), (expected, 5), "{}", ground.name);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_list_for_a_person_has_of_no_server_only_what_they_sent() {
        for ground in grounds().await {
            for by in [ANNA, BEN] {
                let upload = Origin { guild_id: None, channel_id: None, ..origin("1", by, false) };
                ground.made(upload).await;
                ground.made(origin("1", by, false)).await;
            }
            let filter = Filter { person: Some(ANNA.to_owned()), ..Filter::default() };
            let found = listed(&ground, &filter).await;
            let found: Vec<(bool, &str)> = found
                .iter()
                .map(|entry| (entry.guild_id.is_some(), entry.requested_by.as_deref().unwrap_or_default()))
                .collect();
            assert_eq!(found, [(true, BEN), (true, ANNA), (false, ANNA)], "{}", ground.name);
        }
    }
}
