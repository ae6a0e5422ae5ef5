use std::time::Duration;

use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::{BeatRow, Settled, json, micros};
use super::now;
use crate::{Beat, Settlement};

const OVER: &str = "DELETE FROM groundcrew_jobs WHERE state = 1 AND (id, token) IN
        (SELECT value ->> 'id', value ->> 'token' FROM json_each(?1))
     RETURNING id";

const KEPT: &str = "UPDATE groundcrew_jobs AS j SET state = r.value ->> 'state',
        due_at = coalesce(min(r.value ->> 'since', ?2), ?2 + (r.value ->> 'due_in')),
        attempts = r.value ->> 'attempts', crashes = r.value ->> 'crashes', history = r.value ->> 'history',
        checkpoint = coalesce(r.value ->> 'checkpoint', j.checkpoint), worker = NULL
     FROM json_each(?1) AS r
     WHERE j.id = r.value ->> 'id' AND j.token = r.value ->> 'token' AND j.state = 1
     RETURNING CASE WHEN state = 2 THEN groundcrew_jobs.id ELSE '' END";

const RELEASE: &str =
    "UPDATE groundcrew_jobs_unique SET held = 0 WHERE job_id IN (SELECT value FROM json_each(?1))";

const FORGET: &str = "DELETE FROM groundcrew_jobs_unique WHERE job_id IN (SELECT value FROM json_each(?1))
     AND NOT held AND (until IS NULL OR until <= ?2)";

const BEAT: &str =
    "UPDATE groundcrew_jobs AS j SET due_at = ?2, checkpoint = coalesce(r.value ->> 'checkpoint', j.checkpoint),
        progress = coalesce(r.value ->> 'progress', j.progress), note = coalesce(r.value ->> 'note', j.note)
     FROM json_each(?1) AS r
     WHERE j.id = r.value ->> 'id' AND j.token = r.value ->> 'token' AND j.state = 1
     RETURNING groundcrew_jobs.id";

pub(super) async fn settle(sqlite: &Sqlite, batch: &[Settlement]) -> Result<(), Error> {
    let settled = Settled::of(batch);
    let mut transaction = sqlite.begin().await?;
    let mut released: Vec<String> = Vec::new();
    if !settled.over.is_empty() {
        released = sqlx::query_scalar(OVER).bind(json(&settled.over)).fetch_all(&mut *transaction).await?;
    }
    if !settled.kept.is_empty() {
        let kept = sqlx::query_scalar(KEPT).bind(json(&settled.kept)).bind(now());
        let dead: Vec<String> = kept.fetch_all(&mut *transaction).await?;
        released.extend(dead.into_iter().filter(|id| !id.is_empty()));
    }
    if settled.unique && !released.is_empty() {
        let released = json(&released);
        sqlx::query(RELEASE).bind(&released).execute(&mut *transaction).await?;
        sqlx::query(FORGET).bind(&released).bind(now()).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Returns the ids that are still this worker's.
pub(super) async fn heartbeat(
    sqlite: &Sqlite,
    beats: Vec<Beat>,
    lease: Duration,
) -> Result<Vec<String>, Error> {
    let rows: Vec<BeatRow> = beats.into_iter().map(BeatRow::from).collect();
    sqlx::query_scalar(BEAT).bind(json(&rows)).bind(now() + micros(lease)).fetch_all(sqlite).await
}
