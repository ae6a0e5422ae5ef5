//! What is too old, on either backend.

use groundcrew::sql::Database;

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
        match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_scalar(GUILDS).fetch_all(database.read());
                database.read().timed("list_guilds", select).await
            }
            Database::Postgres(database) => {
                let select = sqlx::query_scalar(GUILDS).fetch_all(database);
                database.connections().timed("list_guilds", select).await
            }
        }
    }

    /// Deletes the summaries of a server (`None`: those of no server) from before then, and says how many.
    pub(crate) async fn delete_older(&self, guild: Option<&str>, before_ms: i64) -> sqlx::Result<u64> {
        let mut deleted = 0;
        loop {
            let portion = match &self.0 {
                Database::Sqlite(database) => {
                    let delete = match guild {
                        Some(guild) => sqlx::query(OF_GUILD).bind(guild).bind(before_ms).bind(PORTION),
                        None => sqlx::query(UPLOADED).bind(before_ms).bind(PORTION),
                    };
                    database.write().timed("sweep_summaries", delete.execute(database)).await?.rows_affected()
                }
                Database::Postgres(database) => {
                    let delete = match guild {
                        Some(guild) => sqlx::query(OF_GUILD).bind(guild).bind(before_ms).bind(PORTION),
                        None => sqlx::query(UPLOADED).bind(before_ms).bind(PORTION),
                    };
                    database
                        .connections()
                        .timed("sweep_summaries", delete.execute(database))
                        .await?
                        .rows_affected()
                }
            };
            deleted += portion;
            if portion == 0 {
                return Ok(deleted);
            }
        }
    }
}
