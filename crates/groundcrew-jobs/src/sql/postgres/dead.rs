use groundcrew_sql::Postgres;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::DeadRow;
use super::{NOTIFY, now};
use crate::{DeadQuery, Selection};

const LIST: &str = "SELECT id::text, name, version, enqueued_at, due_at, attempts, crashes, history, payload
     FROM groundcrew_jobs
     WHERE state = 2 AND ($1::uuid IS NULL OR id = $1::uuid) AND ($2::text IS NULL OR name = $2)
       AND ($3::bigint IS NULL OR due_at < $3)
     ORDER BY due_at DESC, id DESC LIMIT $4";

/// Which dead jobs a [`Selection`] means.
macro_rules! selected {
    () => {
        "state = 2 AND (cardinality($1::uuid[]) = 0 OR id = ANY($1::uuid[])) AND ($2::text IS NULL OR name = $2)
         AND ($3::bigint IS NULL OR due_at < $3)"
    };
}

/// With the unique keys of those that run again, of several with one key for the oldest. Whose key another one has by
/// now stays dead.
const REQUEUE: &str = concat!(
    "WITH dead AS MATERIALIZED (
        SELECT id, name, unique_key FROM groundcrew_jobs WHERE ",
    selected!(),
    " FOR UPDATE
     ), oldest AS (
        SELECT DISTINCT ON (name, unique_key) id, name, unique_key FROM dead
        WHERE unique_key IS NOT NULL ORDER BY name, unique_key, id
     ), claimed AS (
        INSERT INTO groundcrew_jobs_unique AS u (name, key, job_id, held)
        SELECT name, unique_key, id, true FROM oldest ORDER BY name, unique_key
        ON CONFLICT (name, key) DO UPDATE SET job_id = excluded.job_id, held = true,
            until = CASE WHEN u.job_id = excluded.job_id THEN u.until END
        WHERE u.job_id = excluded.job_id OR (NOT u.held AND (u.until IS NULL OR u.until <= ",
    now!(),
    "))
        RETURNING u.job_id
     )
     UPDATE groundcrew_jobs j SET state = 0, due_at = ",
    now!(),
    ", attempts = 0, crashes = 0 FROM dead
     WHERE j.id = dead.id AND (dead.unique_key IS NULL OR EXISTS (SELECT 1 FROM claimed c WHERE c.job_id = dead.id))"
);

const DISCARD: &str = concat!("DELETE FROM groundcrew_jobs WHERE ", selected!());

pub(super) async fn list(postgres: &Postgres, query: &DeadQuery) -> Result<Vec<DeadRow>, Error> {
    sqlx::query_as(LIST)
        .bind(query.id.map(|id| id.to_string()))
        .bind(query.name.as_deref())
        .bind(query.before.map(jiff::Timestamp::as_microsecond))
        .bind(i64::from(query.limit))
        .fetch_all(postgres)
        .await
}

pub(super) async fn requeue(postgres: &Postgres, which: &Selection) -> Result<u64, Error> {
    let requeued = change(postgres, REQUEUE, which).await?;
    // A hint only: they are requeued, and found by looking all the same.
    let _hint = sqlx::query(NOTIFY).execute(postgres).await;
    Ok(requeued)
}

pub(super) async fn discard(postgres: &Postgres, which: &Selection) -> Result<u64, Error> {
    change(postgres, DISCARD, which).await
}

async fn change(postgres: &Postgres, query: &'static str, which: &Selection) -> Result<u64, Error> {
    let done = sqlx::query(query)
        .bind(which.ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(which.name.as_deref())
        .bind(which.before.map(jiff::Timestamp::as_microsecond))
        .execute(postgres)
        .await?;
    Ok(done.rows_affected())
}
