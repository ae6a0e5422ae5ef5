use std::time::Duration;

use sqlx::{Connection, Error};

use crate::Postgres;

/// Returns when Postgres has nothing to do for the session of a migration any more, although no answer came: nothing
/// else tells a migration that takes long, as it may, from one whose connection has fallen silent.
///
/// Between two statements a session is idle as well, for a moment. It is lost when it was the same idleness twice.
pub(super) async fn lost(postgres: &Postgres, session: i32, period: Duration) {
    let mut before = None;
    loop {
        tokio::time::sleep(period).await;
        let asked = tokio::time::timeout(period, idle_since(postgres, session)).await;
        let idle = asked.unwrap_or(Err(Error::PoolTimedOut)).unwrap_or_else(|error| {
            tracing::warn!(%error, "Postgres cannot be asked whether it is still migrating");
            None
        });
        if idle.is_some() && idle == before {
            return;
        }
        before = idle;
    }
}

/// Since when a session has had nothing to do; `None` while it has.
async fn idle_since(postgres: &Postgres, session: i32) -> Result<Option<String>, Error> {
    let mut own = postgres.direct().await?;
    let query =
        "SELECT CASE WHEN state <> 'active' THEN state_change::text END FROM pg_stat_activity WHERE pid = $1";
    let found = sqlx::query_scalar::<_, Option<String>>(query).bind(session).fetch_optional(&mut own).await?;
    own.close().await?;
    Ok(found.unwrap_or_else(|| Some("it is gone".to_owned())))
}
