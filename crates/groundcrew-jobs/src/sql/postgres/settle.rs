use std::time::Duration;

use groundcrew_sql::Postgres;
use groundcrew_sql::Session;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::{BeatRow, Held, Settled, json, micros};
use super::{NOTIFY, now};
use crate::{Beat, Settlement};

// Rows are locked in the order of their ids, so that a heartbeat and a batch of ends cannot wait for each other.
const OVER: &str = "WITH mine AS MATERIALIZED (
        SELECT j.id FROM groundcrew_jobs j
        JOIN json_to_recordset($1::json) AS r(id uuid, token bigint) ON r.id = j.id AND r.token = j.token
        WHERE j.state = 1 ORDER BY j.id FOR UPDATE OF j
     )
     DELETE FROM groundcrew_jobs j USING mine WHERE j.id = mine.id RETURNING j.id::text";

const KEPT: &str = concat!(
    "WITH mine AS MATERIALIZED (
        SELECT j.id, r.state, r.due_in, r.since, r.attempts, r.crashes, r.history, r.checkpoint FROM groundcrew_jobs j
        JOIN json_to_recordset($1::json) AS r(id uuid, token bigint, state smallint, due_in bigint,
            since bigint, attempts integer, crashes integer, history text, checkpoint text)
          ON r.id = j.id AND r.token = j.token
        WHERE j.state = 1 ORDER BY j.id FOR UPDATE OF j
     )
     UPDATE groundcrew_jobs j SET state = mine.state, due_at = CASE WHEN mine.since IS NULL THEN ",
    now!(),
    " + mine.due_in ELSE least(mine.since, ",
    now!(),
    ") END,
        attempts = mine.attempts, crashes = mine.crashes, history = mine.history,
        checkpoint = coalesce(mine.checkpoint, j.checkpoint), worker = NULL
     FROM mine WHERE j.id = mine.id
     RETURNING CASE WHEN j.state = 2 THEN j.id::text ELSE '' END"
);

const RELEASE: &str = "UPDATE groundcrew_jobs_unique SET held = false WHERE job_id = ANY($1::uuid[])";

const FORGET: &str = concat!(
    "DELETE FROM groundcrew_jobs_unique
     WHERE job_id = ANY($1::uuid[]) AND NOT held AND (until IS NULL OR until <= ",
    now!(),
    ")"
);

const BEAT: &str = concat!(
    "WITH mine AS MATERIALIZED (
        SELECT j.id, r.checkpoint, r.progress, r.note FROM groundcrew_jobs j
        JOIN json_to_recordset($1::json) AS r(id uuid, token bigint, checkpoint text, progress smallint, note text)
          ON r.id = j.id AND r.token = j.token
        WHERE j.state = 1 ORDER BY j.id FOR UPDATE OF j
     )
     UPDATE groundcrew_jobs j SET due_at = ", now!(), " + $2,
        checkpoint = coalesce(mine.checkpoint, j.checkpoint), progress = coalesce(mine.progress, j.progress),
        note = coalesce(mine.note, j.note)
     FROM mine WHERE j.id = mine.id RETURNING j.id::text"
);

pub(super) async fn settle(postgres: &Postgres, batch: &[Settlement]) -> Result<(), Error> {
    let settled = Settled::of(batch);
    if settled.kept.is_empty() && !settled.unique {
        // One statement is one transaction.
        over(&mut *postgres.connections().acquire().await?, &settled.over).await?;
        return Ok(());
    }
    let mut transaction = postgres.begin().await?;
    let mut released = over(&mut transaction, &settled.over).await?;
    if !settled.kept.is_empty() {
        let dead: Vec<String> =
            sqlx::query_scalar(KEPT).bind(json(&settled.kept)).fetch_all(&mut *transaction).await?;
        released.extend(dead.into_iter().filter(|id| !id.is_empty()));
        if batch.iter().any(|settlement| settlement.ending.is_ready_again()) {
            sqlx::query(NOTIFY).execute(&mut *transaction).await?;
        }
    }
    if settled.unique && !released.is_empty() {
        sqlx::query(RELEASE).bind(&released).execute(&mut *transaction).await?;
        sqlx::query(FORGET).bind(&released).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn over(connection: &mut Session<sqlx::Postgres>, over: &[Held]) -> Result<Vec<String>, Error> {
    if over.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(OVER).bind(json(over)).fetch_all(connection).await
}

/// Returns the ids that are still this worker's.
pub(super) async fn heartbeat(
    postgres: &Postgres,
    beats: Vec<Beat>,
    lease: Duration,
) -> Result<Vec<String>, Error> {
    let rows: Vec<BeatRow> = beats.into_iter().map(BeatRow::from).collect();
    sqlx::query_scalar(BEAT).bind(json(&rows)).bind(micros(lease)).fetch_all(postgres).await
}
