//! What is too old.

use groundcrew::sql::statement;

use super::Store;

/// Deleted at a time, so that nobody waits long for a lock.
const PORTION: i64 = 500;

const GUILDS: &str = "SELECT DISTINCT guild_id FROM summaries WHERE guild_id IS NOT NULL";
const OF_GUILD: &str = "DELETE FROM summaries WHERE id IN \
     (SELECT id FROM summaries WHERE guild_id = $1 AND created_ms < $2 LIMIT $3)";
const UPLOADED: &str = "DELETE FROM summaries WHERE id IN \
     (SELECT id FROM summaries WHERE guild_id IS NULL AND created_ms < $1 LIMIT $2)";

// === impl Store ===

impl Store {
    /// The servers of which there are summaries.
    pub(crate) async fn guilds(&self) -> sqlx::Result<Vec<String>> {
        statement(GUILDS).timed("list_guilds").scalar().fetch_all(self.0.read()).await
    }

    /// Deletes the summaries of a server (`None`: those of no server) from before then, and says how many.
    pub(crate) async fn delete_older(&self, guild: Option<&str>, before_ms: i64) -> sqlx::Result<u64> {
        let mut deleted = 0;
        loop {
            let delete = match guild {
                Some(guild) => statement(OF_GUILD).bind(guild),
                None => statement(UPLOADED),
            };
            let delete = delete.bind(before_ms).bind(PORTION).timed("sweep_summaries");
            match delete.execute(self.0.write()).await? {
                0 => return Ok(deleted),
                portion => deleted += portion,
            }
        }
    }
}
