//! What models wrote, by a hash of what they were asked, on either backend.

use groundcrew::sql::Database;
use jiff::Timestamp;

use super::Store;

const FIND: &str = "SELECT answer FROM model_answers WHERE key = $1 AND created_ms >= $2";
const KEEP: &str = "INSERT INTO model_answers (key, created_ms, guild_id, answer) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (key) DO UPDATE SET created_ms = excluded.created_ms, guild_id = excluded.guild_id, \
     answer = excluded.answer";
const FORGET: &str = "DELETE FROM model_answers WHERE created_ms < $1";

// === impl Store ===

impl Store {
    /// What was written to this question not before then.
    pub(crate) async fn written(&self, key: &str, since_ms: i64) -> sqlx::Result<Option<String>> {
        match &self.0 {
            Database::Sqlite(database) => {
                let select =
                    sqlx::query_scalar(FIND).bind(key).bind(since_ms).fetch_optional(database.read());
                database.read().timed("find_written", select).await
            }
            Database::Postgres(database) => {
                let select = sqlx::query_scalar(FIND).bind(key).bind(since_ms).fetch_optional(database);
                database.connections().timed("find_written", select).await
            }
        }
    }

    /// Keeps it.
    pub(crate) async fn keep_written(
        &self,
        key: &str,
        guild: Option<&str>,
        answer: &str,
    ) -> sqlx::Result<()> {
        let now = Timestamp::now().as_millisecond();
        match &self.0 {
            Database::Sqlite(database) => {
                let insert = sqlx::query(KEEP).bind(key).bind(now).bind(guild).bind(answer);
                database.write().timed("keep_written", insert.execute(database)).await.map(drop)
            }
            Database::Postgres(database) => {
                let insert = sqlx::query(KEEP).bind(key).bind(now).bind(guild).bind(answer);
                database.connections().timed("keep_written", insert.execute(database)).await.map(drop)
            }
        }
    }

    /// Forgets what is older; how much that was.
    pub(crate) async fn forget_written(&self, before_ms: i64) -> sqlx::Result<u64> {
        Ok(match &self.0 {
            Database::Sqlite(database) => {
                let delete = sqlx::query(FORGET).bind(before_ms).execute(database);
                database.write().timed("forget_written", delete).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let delete = sqlx::query(FORGET).bind(before_ms).execute(database);
                database.connections().timed("forget_written", delete).await?.rows_affected()
            }
        })
    }
}
