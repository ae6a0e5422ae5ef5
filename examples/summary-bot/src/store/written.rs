//! What models wrote, by a hash of what they were asked.

use groundcrew::sql::statement;
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
        let find = statement(FIND).bind(key).bind(since_ms).timed("find_written");
        find.scalar().fetch_optional(self.0.read()).await
    }

    /// Keeps it.
    pub(crate) async fn keep_written(
        &self,
        key: &str,
        guild: Option<&str>,
        answer: &str,
    ) -> sqlx::Result<()> {
        let now = Timestamp::now().as_millisecond();
        let keep = statement(KEEP).bind(key).bind(now).bind(guild).bind(answer).timed("keep_written");
        keep.execute(self.0.write()).await.map(drop)
    }

    /// Forgets what is older; how much that was.
    pub(crate) async fn forget_written(&self, before_ms: i64) -> sqlx::Result<u64> {
        statement(FORGET).bind(before_ms).timed("forget_written").execute(self.0.write()).await
    }
}
