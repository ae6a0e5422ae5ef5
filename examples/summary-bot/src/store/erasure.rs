//! What is stored of one person.

use groundcrew::sql::statement;

use super::webhooks::damaged_webhook;
use super::{NewRow, Store};
use crate::document::Document;
use crate::erasure::ERASED;

/// Summaries that name somebody: the id, the document and the name.
pub(crate) type Naming = (String, String, String);

/// Read at a time.
const PORTION: i64 = 50;

const NAMING: &str = "SELECT s.id, s.document, p.name FROM summary_people p JOIN summaries s ON s.id = p.summary_id \
     WHERE p.user_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3";
const ASKED: &str =
    "SELECT id, document, '' FROM summaries WHERE requested_by = $1 AND id > $2 ORDER BY id LIMIT $3";
// What was found by the words that are gone is indexed anew.
const UPDATE: &str = "UPDATE summaries SET title = $1, excerpt = $2, document = $3, requested_by = $4, indexed = 0 WHERE id = $5";
const ANSWERS: &str = "DELETE FROM replays WHERE result = $1";
const REPLAYS: &str = "DELETE FROM replays WHERE asker = $1";
// What is not made yet is called off: whoever is at it makes it for nobody, and whoever comes to it finds nothing.
const REQUESTS: &str = "UPDATE requests SET requested_by = NULL, query = '[]', body = NULL, \
     cancelled = (cancelled OR summary_id IS NULL), revision = revision + 1 WHERE requested_by = $1";
const UNNAME: &str = "DELETE FROM summary_people WHERE user_id = $1";
const PRIVATE: &str = "SELECT id FROM summaries WHERE requested_by = $1 AND private LIMIT $2";
const FEEDBACK: &str = "DELETE FROM feedback WHERE user_id = $1";
// Any other rule may keep somebody below what their roles give: it stays, or anybody could lift it for themselves.
const RULES: &str = "DELETE FROM guild_rules WHERE kind = 'user' AND subject_id = $1 AND level = 'admin'";
const SET_BY: &str = "UPDATE guild_settings SET updated_by = $2 WHERE updated_by = $1";
const WEBHOOKS: &str = "SELECT id FROM webhooks WHERE owner = $1";
const RULED_BY: &str = "UPDATE guild_rules SET updated_by = $2 WHERE updated_by = $1";

// === impl Store ===

impl Store {
    /// Summaries that name this user, or (`asked`) that this user asked for, after the one with that id.
    pub(crate) async fn naming(&self, user: &str, asked: bool, after: &str) -> sqlx::Result<Vec<Naming>> {
        let text = if asked { ASKED } else { NAMING };
        let select = statement(text).bind(user).bind(after).bind(PORTION).timed("list_naming");
        select.fetch_all(self.0.write()).await
    }

    /// Puts a document in the place of what it was. Answers that hold what it was go.
    pub(crate) async fn replace(&self, document: &Document) -> sqlx::Result<()> {
        self.about(ANSWERS, &document.id.to_string(), None).await?;
        let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let row = NewRow::of(document, json);
        let update = statement(UPDATE).bind(row.title).bind(row.excerpt).bind(row.document);
        let update = update.bind(row.origin.requested_by).bind(row.id).timed("replace_summary");
        update.execute(self.0.write()).await.map(drop)
    }

    /// Some of the summaries that only this user can read.
    pub(crate) async fn private_of(&self, user: &str) -> sqlx::Result<Vec<String>> {
        let select = statement(PRIVATE).bind(user).bind(PORTION).timed("list_private");
        select.scalar().fetch_all(self.0.write()).await
    }

    /// Deletes what this user thought of summaries, and says how much.
    pub(crate) async fn delete_feedback(&self, user: &str) -> sqlx::Result<u64> {
        self.about(FEEDBACK, user, None).await
    }

    /// Forgets that this user asked the API for something, and what they sent; what is not made yet is called off.
    pub(crate) async fn unask(&self, user: &str) -> sqlx::Result<u64> {
        Ok(self.about(REPLAYS, user, None).await? + self.about(REQUESTS, user, None).await?)
    }

    /// Deletes the webhooks that this user has made, with what was to be sent to them, and says how many.
    pub(crate) async fn delete_webhooks_of(&self, user: &str) -> sqlx::Result<u64> {
        let select = statement(WEBHOOKS).bind(user).timed("list_webhooks_of");
        let ids: Vec<String> = select.scalar().fetch_all(self.0.write()).await?;
        let mut deleted = 0;
        for id in ids {
            let id = id.parse().map_err(|_| damaged_webhook("webhooks.id"))?;
            deleted += u64::from(self.delete_webhook(id).await?);
        }
        Ok(deleted)
    }

    /// Takes this user's id out of the settings of all servers, and says how often it stood there.
    pub(crate) async fn unsign(&self, user: &str) -> sqlx::Result<u64> {
        let rules = self.about(RULES, user, None).await?;
        let set = self.about(SET_BY, user, Some(ERASED)).await?;
        Ok(rules + set + self.about(RULED_BY, user, Some(ERASED)).await?)
    }

    /// Forgets in which summaries this user was named, once they are not any more.
    pub(crate) async fn unname(&self, user: &str) -> sqlx::Result<u64> {
        self.about(UNNAME, user, None).await
    }

    async fn about(
        &self,
        text: &'static str,
        user: &str,
        instead: Option<&'static str>,
    ) -> sqlx::Result<u64> {
        let mut change = statement(text).bind(user).timed("erase_user");
        if let Some(instead) = instead {
            change = change.bind(instead);
        }
        change.execute(self.0.write()).await
    }
}
