//! Who asked.

use groundcrew::sql::statement;
use uuid::Uuid;

use super::Store;

const ASKER: &str = "SELECT requested_by FROM requests WHERE id = $1";

// === impl Store ===

impl Store {
    /// Who sent a request that is answered later; `None` where nobody knows, or there is none.
    pub(crate) async fn asker(&self, id: Uuid) -> sqlx::Result<Option<String>> {
        let select = statement(ASKER).bind(id.to_string()).timed("select_asker");
        let asker: Option<Option<String>> = select.scalar().fetch_optional(self.0.read()).await?;
        Ok(asker.flatten())
    }
}
