use groundcrew_sql::sqlx::{self, Error};
use groundcrew_sql::{Session, Sqlite};

use super::super::rows::{DeadRow, json};
use super::now;
use crate::{DeadQuery, Selection};

const LIST: &str =
    "SELECT id, name, version, enqueued_at, due_at, attempts, crashes, history, payload FROM groundcrew_jobs
     WHERE state = 2 AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR due_at < ?3)
     ORDER BY due_at DESC, id DESC LIMIT ?4";

/// Which dead jobs a [`Selection`] means.
macro_rules! selected {
    () => {
        "state = 2 AND (json_array_length(?1) = 0 OR id IN (SELECT value FROM json_each(?1)))
         AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR due_at < ?3)"
    };
}

/// Takes the unique keys of those that are to run again, of several with one key for the oldest.
const CLAIM: &str = concat!(
    "INSERT INTO groundcrew_jobs_unique AS u (name, key, job_id, held)
     SELECT name, unique_key, id, 1 FROM (
        SELECT name, unique_key, id, row_number() OVER (PARTITION BY name, unique_key ORDER BY id) AS place
        FROM groundcrew_jobs WHERE unique_key IS NOT NULL AND ",
    selected!(),
    ") WHERE place = 1
     ON CONFLICT (name, key) DO UPDATE SET job_id = excluded.job_id, held = 1,
        until = CASE WHEN u.job_id = excluded.job_id THEN u.until END
     WHERE u.job_id = excluded.job_id OR (NOT u.held AND (u.until IS NULL OR u.until <= ?4))"
);

/// Whose key another one has by now stays dead.
const REQUEUE: &str = concat!(
    "UPDATE groundcrew_jobs SET state = 0, due_at = ?4, attempts = 0, crashes = 0 WHERE ",
    selected!(),
    " AND (unique_key IS NULL OR EXISTS (
        SELECT 1 FROM groundcrew_jobs_unique u WHERE u.job_id = groundcrew_jobs.id AND u.held))"
);

const DISCARD: &str = concat!("DELETE FROM groundcrew_jobs WHERE ", selected!(), " AND ?4 IS NOT NULL");

pub(super) async fn list(sqlite: &Sqlite, query: &DeadQuery) -> Result<Vec<DeadRow>, Error> {
    sqlx::query_as(LIST)
        .bind(query.id.map(|id| id.to_string()))
        .bind(query.name.as_deref())
        .bind(query.before.map(jiff::Timestamp::as_microsecond))
        .bind(i64::from(query.limit))
        .fetch_all(sqlite.read())
        .await
}

pub(super) async fn requeue(sqlite: &Sqlite, which: &Selection) -> Result<u64, Error> {
    let mut transaction = sqlite.begin().await?;
    change(&mut transaction, CLAIM, which).await?;
    let requeued = change(&mut transaction, REQUEUE, which).await?;
    transaction.commit().await?;
    Ok(requeued)
}

pub(super) async fn discard(sqlite: &Sqlite, which: &Selection) -> Result<u64, Error> {
    let mut transaction = sqlite.begin().await?;
    let discarded = change(&mut transaction, DISCARD, which).await?;
    transaction.commit().await?;
    Ok(discarded)
}

async fn change(
    connection: &mut Session<sqlx::Sqlite>,
    query: &'static str,
    which: &Selection,
) -> Result<u64, Error> {
    let done = sqlx::query(query)
        .bind(json(&which.ids))
        .bind(which.name.as_deref())
        .bind(which.before.map(jiff::Timestamp::as_microsecond))
        .bind(now())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
