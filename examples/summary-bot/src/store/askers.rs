//! Who asked, on either backend.

use groundcrew::sql::Database;
use uuid::Uuid;

use super::Store;

const ASKER: &str = "SELECT requested_by FROM requests WHERE id = $1";

// === impl Store ===

impl Store {
    /// Who sent a request that is answered later; `None` where nobody knows, or there is none.
    pub(crate) async fn asker(&self, id: Uuid) -> sqlx::Result<Option<String>> {
        let id = id.to_string();
        let asker: Option<Option<String>> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_scalar(ASKER).bind(id).fetch_optional(database.read());
                database.read().timed("select_asker", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_scalar(ASKER).bind(id).fetch_optional(database);
                database.connections().timed("select_asker", select).await?
            }
        };
        Ok(asker.flatten())
    }
}
